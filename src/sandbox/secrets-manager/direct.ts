/**
 * The double's secrets without HTTP: for seeding, for playing the customer's application, and for looking at what is
 * there. It runs the same operations, past quotas, faults and counters.
 */
import type { Context } from './context.ts';
import { byId, contentOf, current, holder, type StoredValue, type Version } from './labels.ts';
import { operations } from './operations.ts';
import type { Input } from './params.ts';
import type { SecretRecord, State } from './state.ts';

export interface SeedSecret {
  readonly name: string;
  /** Text, bytes, or a function that makes them on each read. None: a secret without a version. */
  readonly value?: StoredValue;
  readonly tags?: Readonly<Record<string, string>>;
  readonly versionId?: string;
  /** When it and its version were made (epoch ms). Default now. */
  readonly createdAt?: number;
  /** Makes it a read-only replica. */
  readonly primaryRegion?: string;
}

export interface SeenVersion {
  readonly versionId: string;
  readonly stages: readonly string[];
  readonly createdAt: number;
  readonly value: string | Buffer;
}

export interface DirectSecrets {
  /** Adds secrets at once, listed from the start; the quick way to have a hundred thousand. */
  seed(secrets: Iterable<SeedSecret>): void;
  create(name: string, value: string | Buffer, tags?: Readonly<Record<string, string>>): void;
  /** What an application does: a plain PutSecretValue moves AWSCURRENT. Returns the version id. */
  put(
    name: string,
    value: string | Buffer,
    how?: { readonly versionId?: string; readonly stages?: readonly string[] },
  ): string;
  moveStage(name: string, stage: string, move: { readonly from?: string; readonly to?: string }): void;
  tag(name: string, tags: Readonly<Record<string, string>>): void;
  untag(name: string, keys: readonly string[]): void;
  delete(name: string, how?: { readonly recoveryWindowDays?: number; readonly force?: boolean }): void;
  restore(name: string): void;
  /** The version under AWSCURRENT; undefined where there is none. */
  current(name: string): SeenVersion | undefined;
  read(name: string, which: { readonly stage: string } | { readonly versionId: string }): SeenVersion | undefined;
  /** All versions, oldest first. */
  versions(name: string): readonly SeenVersion[];
  tags(name: string): Readonly<Record<string, string>>;
  /** Whether there is such a secret, scheduled for deletion or not. */
  has(name: string): boolean;
  count(): number;
}

function seen(version: Version | undefined): SeenVersion | undefined {
  if (version === undefined) return undefined;
  const { id, stages, createdAt } = version;
  return { versionId: id, stages, createdAt, value: contentOf(version) };
}

/** The value as the wire carries it. */
function carried(value: string | Buffer): Input {
  return typeof value === 'string' ? { SecretString: value } : { SecretBinary: value.toString('base64') };
}

function wireTags(tags: Readonly<Record<string, string>>) {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

function reading(state: State) {
  const versionsOf = (name: string) => state.resolve(name).face.versions;
  return {
    current: (name: string) => seen(holder(versionsOf(name), current)),
    read: (name: string, which: { readonly stage: string } | { readonly versionId: string }) =>
      seen('stage' in which ? holder(versionsOf(name), which.stage) : byId(versionsOf(name), which.versionId)),
    versions: (name: string) =>
      versionsOf(name)
        .map(seen)
        .filter((version) => version !== undefined),
    tags: (name: string) => state.resolve(name).face.tags,
    has: (name: string) => state.byName(name) !== undefined,
    count: () => state.count(),
  };
}

export function createDirect(state: State, context: Context): DirectSecrets {
  const run = (op: keyof typeof operations, input: Input) => operations[op].run(input, context);

  function seedOne(seed: SeedSecret): SecretRecord {
    const createdAt = seed.createdAt ?? context.clock.now();
    const id = seed.versionId ?? context.random.uuid();
    const versions = seed.value === undefined ? [] : [{ id, value: seed.value, createdAt, stages: [current] }];
    const face = { tags: seed.tags ?? {}, versions, changedAt: createdAt };
    const { name, primaryRegion } = seed;
    return state.add({ name, face, createdAt, listedAt: Number.NEGATIVE_INFINITY, primaryRegion });
  }

  return {
    ...reading(state),
    seed(secrets) {
      for (const secret of secrets) seedOne(secret);
    },
    create: (name, value, tags = {}) =>
      void run('CreateSecret', { Name: name, ...carried(value), Tags: wireTags(tags) }),
    put(name, value, how = {}) {
      const versionId = how.versionId ?? context.random.uuid();
      const stages = how.stages === undefined ? {} : { VersionStages: how.stages };
      run('PutSecretValue', { SecretId: name, ...carried(value), ClientRequestToken: versionId, ...stages });
      return versionId;
    },
    moveStage: (name, stage, { from, to }) =>
      void run('UpdateSecretVersionStage', {
        SecretId: name,
        VersionStage: stage,
        RemoveFromVersionId: from,
        MoveToVersionId: to,
      }),
    tag: (name, tags) => void run('TagResource', { SecretId: name, Tags: wireTags(tags) }),
    untag: (name, keys) => void run('UntagResource', { SecretId: name, TagKeys: keys }),
    delete: (name, how = {}) =>
      void run('DeleteSecret', {
        SecretId: name,
        RecoveryWindowInDays: how.recoveryWindowDays,
        ForceDeleteWithoutRecovery: how.force,
      }),
    restore: (name) => void run('RestoreSecret', { SecretId: name }),
  };
}
