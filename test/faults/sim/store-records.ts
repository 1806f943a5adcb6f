/** What the simulated Secrets Manager holds: each secret's face now, and the older ones a list that lags still shows. */
import { ServiceError } from '../../../src/sandbox/secrets-manager/errors.ts';
import { contentOf, type Version } from '../../../src/sandbox/secrets-manager/labels.ts';

export { secretMissing, valueMissing as versionMissing } from '../../../src/sandbox/secrets-manager/errors.ts';

/** A secret as it is at one instant; replaced whole, never changed in place. */
export interface SecretFace {
  readonly tags: Readonly<Record<string, string>>;
  /** Oldest first. */
  readonly versions: readonly Version[];
  readonly deletedAt?: number;
}

export interface SecretRecords {
  has(name: string): boolean;
  face(name: string): SecretFace | undefined;
  change(name: string, face: SecretFace): void;
  /** Each secret as the list shows it. */
  listed(): Iterable<readonly [string, SecretFace]>;
  names(): readonly string[];
  /** Makes a secret. Throws where there is one. */
  create(name: string, versionId: string, value: string | Buffer, tags?: Readonly<Record<string, string>>): void;
  /** What an application does: AWSCURRENT moves to what it puts, or the labels it names. */
  put(name: string, versionId: string, value: string | Buffer, stages?: readonly string[]): void;
  tags(name: string): Readonly<Record<string, string>>;
  tag(name: string, tags: Readonly<Record<string, string>>): void;
  untag(name: string, keys: readonly string[]): void;
  /** Schedules it for deletion. */
  remove(name: string, at: number): void;
  restore(name: string): void;
  digest(): unknown;
}

export interface SecretRecordsOptions {
  readonly now: () => number;
  readonly monotonic: () => number;
  readonly lagMs: () => number;
  /** PutSecretValue on a face. */
  readonly change: (face: SecretFace, id: string, value: string | Buffer, stages: readonly string[]) => SecretFace;
}

/** Faces of one secret, oldest first, each with the monotonic instant it came. */
type History = { readonly at: number; readonly face: SecretFace }[];

export function createSecretRecords({ now, monotonic, lagMs, change: putOn }: SecretRecordsOptions): SecretRecords {
  const histories = new Map<string, History>();
  const faces = new Map<string, SecretFace>();
  const face = (name: string) => faces.get(name);

  function known(name: string): SecretFace {
    const found = face(name);
    if (found === undefined) throw new Error(`no secret ${name}`);
    return found;
  }

  /** Forgets what no list shows any more. */
  function trim(history: History): void {
    const shownAt = monotonic() - lagMs();
    while ((history[1]?.at ?? Number.POSITIVE_INFINITY) <= shownAt) history.shift();
  }

  function change(name: string, next: SecretFace): void {
    if (faces.get(name) === next) return;
    faces.set(name, next);
    const history = histories.get(name) ?? [];
    histories.set(name, history);
    history.push({ at: monotonic(), face: next });
    trim(history);
  }

  return {
    has: (name) => histories.has(name),
    face,
    change,
    names: () => [...histories.keys()],
    *listed() {
      const shownAt = monotonic() - lagMs();
      for (const [name, history] of histories) {
        trim(history);
        const [first] = history;
        if (first !== undefined && (first.at <= shownAt || lagMs() === 0)) yield [name, first.face] as const;
      }
    },
    create(name, versionId, value, tags = {}) {
      if (histories.has(name)) throw new ServiceError('ResourceExistsException', 'The secret already exists.');
      change(name, { tags, versions: [{ id: versionId, value, createdAt: now(), stages: ['AWSCURRENT'] }] });
    },
    put: (name, versionId, value, stages = ['AWSCURRENT']) =>
      change(name, putOn(known(name), versionId, value, stages)),
    tags: (name) => face(name)?.tags ?? {},
    tag: (name, tags) => change(name, { ...known(name), tags: { ...known(name).tags, ...tags } }),
    untag(name, keys) {
      const kept = Object.entries(known(name).tags).filter(([key]) => !keys.includes(key));
      change(name, { ...known(name), tags: Object.fromEntries(kept) });
    },
    remove: (name, at) => change(name, { ...known(name), deletedAt: at }),
    restore(name) {
      const { deletedAt: _, ...rest } = known(name);
      change(name, rest);
    },
    digest: () =>
      [...histories].map(([name, history]) => [
        name,
        history.map(({ face: { tags, versions, deletedAt } }) => [
          tags,
          deletedAt ?? null,
          versions.map((version) => [version.id, version.stages, String(contentOf(version))]),
        ]),
      ]),
  };
}
