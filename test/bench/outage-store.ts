/**
 * A Secrets Manager without the way to it: the double's own secrets, asked directly, behind its own write quota. It can be
 * away. For parts of the bench that need many rotations and measure no wire.
 */
import { type SecretStore, type SecretValue, stage } from '../../src/rotation/ports.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import { PilotlightError } from '../../src/runtime/errors.ts';
import type { Random } from '../../src/runtime/random.ts';
import { Secret } from '../../src/runtime/secret.ts';
import type { SeedSecret, SeenVersion } from '../../src/sandbox/secrets-manager/direct.ts';
import { createSecretsManagerDouble } from '../../src/sandbox/secrets-manager/double.ts';
import { createQuotaGate } from '../../src/sandbox/secrets-manager/quotas.ts';

export interface OutageStoreOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Writes in a second of monotonic time. */
  readonly writeQuota: number;
}

export interface OutageStore extends SecretStore {
  away: boolean;
  /** Calls refused because the store was away. */
  readonly refused: () => number;
  readonly writes: () => number;
  /** Writes beyond the quota. */
  readonly throttled: () => number;
  seed(secrets: Iterable<SeedSecret>): void;
}

export function createOutageStore({ clock, random, writeQuota }: OutageStoreOptions): OutageStore {
  const { secrets } = createSecretsManagerDouble({ clock, random });
  const gate = createQuotaGate(clock, { write: writeQuota });
  let refused = 0;
  let writes = 0;
  let throttled = 0;
  const reach = () => {
    if (!store.away) return;
    refused += 1;
    throw new PilotlightError('store_unavailable', 'the store is away');
  };
  const write = () => {
    reach();
    try {
      gate.take('write');
    } catch (cause) {
      throttled += 1;
      throw new PilotlightError('store_throttled', 'beyond the quota', { cause });
    }
    writes += 1;
  };
  const found = (version: SeenVersion | undefined) => {
    if (version === undefined) throw new PilotlightError('store_not_found', 'no such version');
    const { versionId, createdAt, stages, value } = version;
    return { versionId, createdAt, stages, value: { text: new Secret(String(value)) } };
  };
  const unused = () => Promise.reject(new Error('this bench asks no such thing of the store'));
  const store: OutageStore = {
    away: false,
    refused: () => refused,
    writes: () => writes,
    throttled: () => throttled,
    seed: (all) => secrets.seed(all),
    async describe(name) {
      reach();
      const stages = Object.fromEntries(secrets.versions(name).map((one) => [one.versionId, one.stages]));
      return { name, tags: secrets.tags(name), stages };
    },
    async read(name, which) {
      reach();
      return found(secrets.read(name, which));
    },
    async put(name, { versionId, value, stages }) {
      write();
      secrets.put(name, textOf(value), { versionId, stages });
    },
    async moveStage(name, { stage: label, from, to }) {
      write();
      if (label === stage.current && secrets.current(name)?.versionId !== from)
        throw new PilotlightError('store_stage_moved', 'AWSCURRENT is elsewhere');
      secrets.moveStage(name, label, { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) });
    },
    tag: unused,
    untag: unused,
    readMany: unused,
    versions: unused,
    list() {
      throw new Error('this bench takes no inventory');
    },
  };
  return store;
}

function textOf(value: SecretValue): string {
  return 'text' in value ? value.text.reveal() : value.binary.toString('utf8');
}
