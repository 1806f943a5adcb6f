/**
 * A simulated Secrets Manager: versions and labels by the very rules of the HTTP double (src/sandbox), errors as the AWS
 * adapter reads them, without either of them in between. Each call is one state change, whole or not at all.
 */
import type { SecretDescription, SecretStore, SecretValue, SecretVersion } from '../../../src/rotation/ports.ts';
import type { PilotlightError } from '../../../src/runtime/errors.ts';
import { Secret } from '../../../src/runtime/secret.ts';
import {
  invalidRequest,
  markedForDeletion,
  ServiceError,
  violates,
} from '../../../src/sandbox/secrets-manager/errors.ts';
import {
  addVersion,
  byId,
  contentOf,
  holder,
  moveLabel,
  type Version,
} from '../../../src/sandbox/secrets-manager/labels.ts';
import { storeError } from '../../../src/secrets/aws-errors.ts';
import type { Calls } from './call.ts';
import type { StoredVersion } from './places.ts';
import {
  createSecretRecords,
  type SecretFace,
  type SecretRecords,
  secretMissing,
  versionMissing,
} from './store-records.ts';

export type StoreOutage = 'down' | 'throttled' | 'denied';

export interface SimStoreOptions {
  /** Calendar time of AWS, for when versions were made. */
  readonly now: () => number;
  /** For how far the list lags; the calendar may be turned. */
  readonly monotonic: () => number;
  /** The adapter's limit for one request (monotonic ms). */
  readonly requestLimitMs?: number;
  /** Secrets found by the list: whole names. */
  readonly isListed?: (name: string) => boolean;
}

export interface SimStore
  extends Pick<SecretRecords, 'has' | 'create' | 'put' | 'tags' | 'tag' | 'untag' | 'remove' | 'restore'> {
  bind(calls: Calls): SecretStore;
  /** Every call fails so. */
  outage: StoreOutage | undefined;
  /** Every call that writes fails so: a KMS key or a policy that reading does not need. */
  writeOutage: StoreOutage | undefined;
  /** The list shows what was true so long ago (monotonic ms). */
  listLagMs: number;
  /** Versions that have a label; none where there is no such secret. */
  labelled(name: string): readonly StoredVersion[];
  version(name: string, versionId: string): StoredVersion | undefined;
  current(name: string): StoredVersion | undefined;
  names(): readonly string[];
  /** How often an outage refused a call. */
  readonly refused: Readonly<Record<StoreOutage, number>>;
  digest(): unknown;
}

const pageSize = 100;
const batchSize = 20;
const valueBytesMax = 65_536;
const versionLimits = { kept: 100, keptForMs: 86_400_000, max: 150 };

/** What AWS answers during each kind of outage. */
const outageErrors: Readonly<Record<StoreOutage, ServiceError>> = {
  down: new ServiceError('InternalServiceError', 'An error occurred on the server side.', 500),
  throttled: new ServiceError('ThrottlingException', 'Rate exceeded'),
  denied: new ServiceError('AccessDeniedException', 'Access to KMS is not allowed'),
};

/** The error the AWS adapter would make of a refusal by the service. */
function asAdapter(operation: string, secret: string | undefined, error: unknown): unknown {
  if (!(error instanceof ServiceError)) return error;
  const seen = { name: error.type, message: error.message, $metadata: { httpStatusCode: error.status } };
  return storeError({ operation, ...(secret === undefined ? {} : { secret }) }, seen);
}

function noAnswer(operation: string, secret: string | undefined): PilotlightError {
  return storeError({ operation, ...(secret === undefined ? {} : { secret }) }, { name: 'TimeoutError' });
}

function valueIn(version: Version): SecretValue {
  const content = contentOf(version);
  return typeof content === 'string' ? { text: new Secret(content) } : { binary: content };
}

function contentIn(value: SecretValue): string | Buffer {
  return 'text' in value ? value.text.reveal() : value.binary;
}

function sameContent(version: Version, value: string | Buffer): boolean {
  const held = contentOf(version);
  if (typeof held === 'string' || typeof value === 'string') return held === value;
  return held.equals(value);
}

function seen(version: Version): SecretVersion {
  return { versionId: version.id, stages: version.stages, createdAt: version.createdAt, value: valueIn(version) };
}

function described(name: string, { tags, versions, deletedAt }: SecretFace): SecretDescription {
  const stages: Record<string, readonly string[]> = {};
  for (const version of versions) if (version.stages.length > 0) stages[version.id] = version.stages;
  return { name, tags, stages, ...(deletedAt === undefined ? {} : { deletedAt }) };
}

/** Made once for each version: oracles look after every event. */
const storedOf = new WeakMap<Version, StoredVersion>();

function stored(version: Version | undefined): StoredVersion | undefined {
  if (version === undefined) return undefined;
  const known = storedOf.get(version);
  if (known !== undefined) return known;
  const made = { versionId: version.id, stages: version.stages, value: valueIn(version) };
  storedOf.set(version, made);
  return made;
}

const labelledOf = new WeakMap<SecretFace, readonly StoredVersion[]>();

function labelledIn(face: SecretFace | undefined): readonly StoredVersion[] {
  if (face === undefined) return [];
  const known = labelledOf.get(face);
  if (known !== undefined) return known;
  const made = face.versions.flatMap((version) => (version.stages.length === 0 ? [] : (stored(version) ?? [])));
  labelledOf.set(face, made);
  return made;
}

/** A store that holds nothing yet. */
export function createSimStore(options: SimStoreOptions): SimStore {
  const { now, monotonic, requestLimitMs = 20_000, isListed = () => true } = options;
  const lag = { ms: 0 };
  const records = createSecretRecords({ now, monotonic, lagMs: () => lag.ms, change: putVersion });
  const outages: { all: StoreOutage | undefined; writes: StoreOutage | undefined } = {
    all: undefined,
    writes: undefined,
  };
  const refused: Record<StoreOutage, number> = { down: 0, throttled: 0, denied: 0 };

  function putVersion(face: SecretFace, id: string, value: string | Buffer, stages: readonly string[]): SecretFace {
    if (Buffer.byteLength(value) > valueBytesMax)
      throw violates('secretString', 'Member must have length less than or equal to 65536');
    const known = byId(face.versions, id);
    if (known !== undefined) {
      if (sameContent(known, value)) return face;
      throw new ServiceError('ResourceExistsException', 'that value is already in use for a version of the secret');
    }
    return { ...face, versions: addVersion(face.versions, { id, value, createdAt: now() }, stages, versionLimits) };
  }

  const face = (name: string): SecretFace => {
    const found = records.face(name);
    if (found === undefined) throw secretMissing();
    return found;
  };
  const writable = (name: string): SecretFace => {
    const found = face(name);
    if (found.deletedAt !== undefined) throw markedForDeletion();
    return found;
  };
  const readable = (
    name: string,
    which: { readonly stage: string } | { readonly versionId: string },
  ): SecretVersion => {
    const { versions, deletedAt } = face(name);
    if (deletedAt !== undefined)
      throw invalidRequest("You can't perform this operation on the secret because it was marked for deletion.");
    const found = 'stage' in which ? holder(versions, which.stage) : byId(versions, which.versionId);
    if (found === undefined) throw versionMissing('stage' in which ? which.stage : which.versionId);
    return seen(found);
  };

  function bind(calls: Calls): SecretStore {
    function ask<T>(
      name: string,
      operation: string,
      writes: boolean,
      secret: string | undefined,
      about: string,
      effect: () => T,
    ) {
      return calls({
        name: `store.${name}`,
        about,
        limitMs: requestLimitMs,
        effect: (): T => {
          const outage = outages.all ?? (writes ? outages.writes : undefined);
          try {
            if (outage === undefined) return effect();
            refused[outage] += 1;
            throw outageErrors[outage];
          } catch (error) {
            throw asAdapter(operation, secret, error);
          }
        },
        failed: (): T => {
          throw noAnswer(operation, secret);
        },
      });
    }
    const reading = <T>(name: string, operation: string, secret: string, about: string, effect: () => T) =>
      ask(name, operation, false, secret, about, effect);
    const writing = <T>(name: string, operation: string, secret: string, about: string, effect: () => T) =>
      ask(name, operation, true, secret, about, effect);

    async function readMany(names: readonly string[]): Promise<readonly (SecretVersion | Error)[]> {
      const found: (SecretVersion | Error)[] = [];
      for (let from = 0; from < names.length; from += batchSize) {
        const batch = names.slice(from, from + batchSize);
        const page = await ask('readMany', 'BatchGetSecretValue', false, undefined, batch.join(), () =>
          batch.map((name): SecretVersion | Error => {
            try {
              return readable(name, { stage: 'AWSCURRENT' });
            } catch (error) {
              return asAdapter('BatchGetSecretValue', name, error) as Error;
            }
          }),
        );
        found.push(...page);
      }
      return found;
    }

    return {
      async *list() {
        for (let from = 0; ; from += pageSize) {
          const listed = await ask('list', 'ListSecrets', false, undefined, `${from}`, () =>
            [...records.listed()].filter(([name, shown]) => isListed(name) && shown.deletedAt === undefined),
          );
          const page = listed.slice(from, from + pageSize).map(([name, shown]) => described(name, shown));
          if (page.length > 0) yield page;
          if (listed.length <= from + pageSize) return;
        }
      },
      describe: (name) => reading('describe', 'DescribeSecret', name, name, () => described(name, face(name))),
      read: (name, which) =>
        reading('read', 'GetSecretValue', name, 'stage' in which ? `${name} ${which.stage}` : which.versionId, () =>
          readable(name, which),
        ),
      readMany,
      versions: (name) =>
        reading('versions', 'ListSecretVersionIds', name, name, () =>
          face(name).versions.map(({ id, stages, createdAt }) => ({ versionId: id, stages, createdAt })),
        ),
      put: (name, { versionId, value, stages }) => {
        const content = contentIn(value);
        return writing('put', 'PutSecretValue', name, `${versionId} ${stages.join()}`, () =>
          records.change(name, putVersion(writable(name), versionId, content, stages)),
        );
      },
      moveStage: (name, { stage, to, from }) =>
        writing('moveStage', 'UpdateSecretVersionStage', name, `${stage} ${from ?? ''}>${to ?? ''}`, () => {
          const held = writable(name);
          records.change(name, { ...held, versions: moveLabel(held.versions, stage, from, to) });
        }),
      tag: (name, tags) =>
        writing('tag', 'TagResource', name, name, () => {
          writable(name);
          records.tag(name, tags);
        }),
      untag: (name, keys) =>
        writing('untag', 'UntagResource', name, name, () => {
          writable(name);
          records.untag(name, keys);
        }),
    };
  }

  const { has, create, put, tags, tag, untag, remove, restore } = records;
  const versionsOf = (name: string) => records.face(name)?.versions ?? [];
  return {
    ...{ has, create, put, tags, tag, untag, remove, restore },
    bind,
    refused,
    get outage() {
      return outages.all;
    },
    set outage(outage) {
      outages.all = outage;
    },
    get writeOutage() {
      return outages.writes;
    },
    set writeOutage(outage) {
      outages.writes = outage;
    },
    get listLagMs() {
      return lag.ms;
    },
    set listLagMs(ms) {
      lag.ms = ms;
    },
    labelled: (name) => labelledIn(records.face(name)),
    version: (name, versionId) => stored(byId(versionsOf(name), versionId)),
    current: (name) => stored(holder(versionsOf(name), 'AWSCURRENT')),
    names: () => records.names(),
    digest: () => [outages, lag.ms, records.digest()],
  };
}
