/**
 * All secrets of the double, in memory, in the order they were made. What can change of a secret is one immutable `Face`;
 * a change replaces it and keeps the one before for as long as a lagging list may still show it. Looking up is O(1), a
 * page of the list O(page).
 */
import type { Clock } from '../../runtime/clock.ts';
import type { Random } from '../../runtime/random.ts';
import { secretMissing } from './errors.ts';
import type { Version } from './labels.ts';

export interface Face {
  readonly description?: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
  readonly versions: readonly Version[];
  /** When it was last changed in any way (epoch ms). */
  readonly changedAt: number;
  /** When DeleteSecret marked it. */
  readonly deletedAt?: number | undefined;
  /** When it is gone for good. */
  readonly goneAt?: number | undefined;
}

export interface SecretRecord {
  readonly name: string;
  /** The six characters AWS adds to the name in the ARN; others when the name is used again. */
  readonly suffix: string;
  readonly sequence: number;
  readonly createdAt: number;
  /** From when on a list that lags behind may show it; seeds are old enough from the start. */
  readonly listedAt: number;
  /** Set on a read-only replica. */
  readonly primaryRegion?: string | undefined;
  face: Face;
  past: { readonly face: Face; readonly until: number }[];
  removedAt?: number;
}

export interface NewSecret {
  readonly name: string;
  readonly face: Face;
  readonly createdAt: number;
  readonly listedAt: number;
  readonly primaryRegion?: string | undefined;
}

export interface State {
  arn(secret: SecretRecord): string;
  byName(name: string): SecretRecord | undefined;
  /** By name, ARN or ARN without its last six characters; throws ResourceNotFoundException. */
  resolve(secretId: string): SecretRecord;
  add(secret: NewSecret): SecretRecord;
  change(secret: SecretRecord, change: Partial<Face>): void;
  remove(secret: SecretRecord): void;
  count(): number;
  /** Secrets from a sequence number on, with what a list that lags behind shows of them. */
  listed(fromSequence: number): Iterable<{ readonly secret: SecretRecord; readonly face: Face }>;
}

export interface StateOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly region: string;
  readonly account: string;
  readonly listLagMs: number;
}

const suffixLetters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

function faceAt(secret: SecretRecord, horizonAt: number): Face | undefined {
  if (secret.listedAt > horizonAt) return undefined;
  if (secret.removedAt !== undefined && secret.removedAt <= horizonAt) return undefined;
  return secret.past.find((entry) => entry.until > horizonAt)?.face ?? secret.face;
}

/** Index of the first record with at least this sequence number. */
function lowerBound(order: readonly SecretRecord[], sequence: number): number {
  let low = 0;
  let high = order.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((order[middle]?.sequence ?? 0) < sequence) low = middle + 1;
    else high = middle;
  }
  return low;
}

function newSuffix(random: Random): string {
  let suffix = '';
  for (const byte of random.bytes(6)) suffix += suffixLetters[byte % suffixLetters.length];
  return suffix;
}

/** The newest former face stays although no list shows it any more: a stale read (see faults.ts) answers with it. */
function replaceFace(secret: SecretRecord, change: Partial<Face>, now: number, listLagMs: number): void {
  const past = secret.past.filter((entry) => entry.until > now - listLagMs);
  secret.past = [...past, { face: secret.face, until: now }];
  secret.face = { ...secret.face, changedAt: now, ...change };
}

export function createState(options: StateOptions): State {
  const { clock, random, listLagMs } = options;
  const arnPrefix = `arn:aws:secretsmanager:${options.region}:${options.account}:secret:`;
  const names = new Map<string, SecretRecord>();
  let order: SecretRecord[] = [];
  let nextSequence = 1;
  let removedCount = 0;
  const arn = (secret: SecretRecord) => `${arnPrefix}${secret.name}-${secret.suffix}`;
  const horizonAt = () => clock.now() - listLagMs;

  function alive(secret: SecretRecord | undefined): SecretRecord | undefined {
    const goneAt = secret?.face.goneAt;
    if (secret === undefined || goneAt === undefined || goneAt > clock.now()) return secret;
    remove(secret);
    return undefined;
  }

  function remove(secret: SecretRecord): void {
    names.delete(secret.name);
    secret.removedAt = Math.min(secret.face.goneAt ?? clock.now(), clock.now());
    removedCount++;
    if (removedCount < 1_000 || removedCount < order.length / 2) return;
    const horizon = horizonAt();
    order = order.filter((entry) => entry.removedAt === undefined || entry.removedAt > horizon);
    removedCount = 0;
  }

  return {
    arn,
    remove,
    byName: (name) => alive(names.get(name)),
    resolve(secretId) {
      const rest = secretId.startsWith(arnPrefix) ? secretId.slice(arnPrefix.length) : undefined;
      const found = alive(names.get(rest ?? secretId));
      if (found !== undefined) return found;
      const whole = rest === undefined ? undefined : alive(names.get(rest.slice(0, -7)));
      if (whole === undefined || arn(whole) !== secretId) throw secretMissing();
      return whole;
    },
    add(secret) {
      const record: SecretRecord = { ...secret, suffix: newSuffix(random), sequence: nextSequence++, past: [] };
      names.set(secret.name, record);
      order.push(record);
      return record;
    },
    change: (secret, change) => replaceFace(secret, change, clock.now(), listLagMs),
    count: () => names.size,
    *listed(fromSequence) {
      const horizon = horizonAt();
      const secrets = order;
      for (let index = lowerBound(secrets, fromSequence); index < secrets.length; index++) {
        const secret = secrets[index];
        if (secret === undefined) continue;
        alive(secret.removedAt === undefined ? secret : undefined);
        const face = faceAt(secret, horizon);
        if (face !== undefined) yield { secret, face };
      }
    },
  };
}
