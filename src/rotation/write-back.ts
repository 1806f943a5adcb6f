/**
 * Steps 11 to 13: putting a sealed answer's document into the store without ever overwriting a newer one. The version is
 * first written under a label nobody reads, then AWSCURRENT is moved by compare-and-swap; a lost swap is read back before
 * anything is believed of it.
 */
import { createHash } from 'node:crypto';
import { type ConnectionDocument, parseDocument } from '../connection/document.ts';
import type { Reason } from '../connection/entry.ts';
import { type JudgeRules, textOf } from '../connection/standing.ts';
import type { Clock } from '../runtime/clock.ts';
import { hasCode, PilotlightError } from '../runtime/errors.ts';
import { uuidFrom } from '../runtime/random.ts';
import type { Secret } from '../runtime/secret.ts';
import { keepOrphan } from './orphan.ts';
import { type SecretStore, type SecretValue, type SecretVersion, stage } from './ports.ts';
import { type Granted, renewDocument, valueLike } from './renewal.ts';

export interface WriteJob {
  readonly name: string;
  readonly attempt: string;
  readonly versionOld: string;
  readonly versionNew: string;
  readonly fingerprintOld: string;
  readonly sealedAt: number;
  readonly granted: Granted;
  /** The document the token was read from, and the value it was stored as. */
  readonly document: ConnectionDocument;
  readonly value: SecretValue;
  readonly extendsLife: boolean;
  readonly foreignSpender: boolean;
}

export interface WritePorts {
  readonly store: SecretStore;
  readonly clock: Clock;
  readonly rules: JudgeRules;
}

export type WriteBack =
  /** Our token is current, verified by reading it back; undefined text: somebody's later version already holds it. */
  | {
      readonly kind: 'current';
      readonly versionId: string;
      readonly text: Secret | undefined;
      readonly rebased: boolean;
      readonly conflict: boolean;
    }
  /** A different token is current and stays; ours is kept under an orphan label. */
  | { readonly kind: 'orphaned'; readonly versionId: string; readonly conflict: boolean }
  /** The store did not take it within the limit; the sealed record stays. */
  | { readonly kind: 'failed'; readonly reason: Reason };

/** How often somebody else may write between our put and our swap before we leave it to recovery. */
const roundsMax = 5;
const pauseMsFirst = 200;
const pauseMsMax = 5_000;

/** Writes, swaps and verifies; tries for `limitMs` of monotonic time where the store does not answer. Never throws. */
export async function writeBack(job: WriteJob, ports: WritePorts, limitMs: number): Promise<WriteBack> {
  const untilMs = ports.clock.monotonic() + limitMs;
  const insist: Insist = (operation) => insisting(operation, ports.clock, untilMs);
  try {
    return await putAndSwap(job, ports, insist);
  } catch (error) {
    return { kind: 'failed', reason: reasonOf(error) };
  }
}

type Insist = <T>(operation: () => Promise<T>) => Promise<T>;

/** A version written under the pending label, ready to become current. */
interface Pending {
  readonly versionId: string;
  readonly text: Secret;
  /** The version it is to take AWSCURRENT from. */
  readonly from: string;
  readonly conflict: boolean;
}

async function putAndSwap(job: WriteJob, ports: WritePorts, insist: Insist): Promise<WriteBack> {
  const fingerprintNew =
    job.granted.refreshToken === undefined ? job.fingerprintOld : ports.rules.fingerprint(job.granted.refreshToken);
  let pending = await putPending(
    job,
    job.document,
    job.value,
    job.versionNew,
    job.versionOld,
    fingerprintNew,
    ports,
    insist,
  );
  let rebased = false;
  for (let round = 0; round < roundsMax; round++) {
    const swapped = await trySwap(job.name, pending, ports, insist);
    if (swapped) {
      await verify(job.name, pending, fingerprintNew, ports, insist);
      return { kind: 'current', versionId: pending.versionId, text: pending.text, rebased, conflict: pending.conflict };
    }
    const theirs = await insist(() => ports.store.read(job.name, { stage: stage.current }));
    if (theirs.versionId === pending.versionId) continue;
    const found = readVersion(theirs, ports);
    const theirFingerprint =
      found?.refreshToken === undefined ? undefined : ports.rules.fingerprint(found.refreshToken);
    const isOvertaken = found?.own.spent.includes(fingerprintNew) === true;
    if (found !== undefined && !isOvertaken && isSpent(theirFingerprint, job)) {
      // They saved another field around a token that is spent, our old one or an earlier: ours goes into their document.
      const versionId = derivedId(job.attempt, theirs.versionId);
      pending = await putPending(job, found, theirs.value, versionId, theirs.versionId, fingerprintNew, ports, insist);
      rebased = true;
      continue;
    }
    // Theirs was made from ours: it holds our token, has spent it, or took over our section.
    const later = theirFingerprint === fingerprintNew || isOvertaken || found?.own.attempt === pending.versionId;
    if (later)
      return { kind: 'current', versionId: theirs.versionId, text: undefined, rebased, conflict: pending.conflict };
    await insist(() => keepOrphan(job.name, pending.versionId, job.attempt, ports));
    return { kind: 'orphaned', versionId: pending.versionId, conflict: pending.conflict };
  }
  return { kind: 'failed', reason: 'store_conflict' };
}

/** Spent by this very attempt, or known to be when it began. */
function isSpent(fingerprint: string | undefined, { fingerprintOld, document }: WriteJob): boolean {
  return fingerprint !== undefined && (fingerprint === fingerprintOld || document.own.spent.includes(fingerprint));
}

async function putPending(
  job: WriteJob,
  document: ConnectionDocument,
  value: SecretValue,
  versionId: string,
  from: string,
  fingerprintNew: string,
  ports: WritePorts,
  insist: Insist,
): Promise<Pending> {
  const facts = { ...job, document: withSpentOf(job.document, document), versionOld: from };
  const text = renewDocument({ ...facts, versionId }, ports.rules.names, ports.rules.fingerprint);
  const put = (id: string, body: Secret) =>
    insist(() => ports.store.put(job.name, { versionId: id, value: valueLike(value, body), stages: [stage.pending] }));
  try {
    await put(versionId, text);
    return { versionId, text, from, conflict: false };
  } catch (error) {
    if (!hasCode(error, 'store_version_exists')) throw error;
  }
  const existing = await insist(() => ports.store.read(job.name, { versionId }));
  const token = readVersion(existing, ports)?.refreshToken;
  if (token !== undefined && ports.rules.fingerprint(token) === fingerprintNew)
    return { versionId, text, from, conflict: false };
  // Two answers for one attempt: neither may be dropped, and somebody must look.
  const otherId = derivedId(job.attempt, `${versionId}|${fingerprintNew}`);
  const otherText = renewDocument({ ...facts, versionId: otherId }, ports.rules.names, ports.rules.fingerprint);
  await put(otherId, otherText);
  return { versionId: otherId, text: otherText, from, conflict: true };
}

/** A document written back may be older than ours: what we know to be spent is not forgotten over it. */
function withSpentOf({ own: { spent } }: ConnectionDocument, document: ConnectionDocument): ConnectionDocument {
  const more = document.own.spent.filter((known) => !spent.includes(known));
  return { ...document, own: { ...document.own, spent: [...more, ...spent] } };
}

/** True when AWSCURRENT is on our version afterwards, whatever the call itself answered. */
async function trySwap(name: string, pending: Pending, { store }: WritePorts, insist: Insist): Promise<boolean> {
  const swap = async () => {
    try {
      await store.moveStage(name, { stage: stage.current, to: pending.versionId, from: pending.from });
    } catch (error) {
      // The version it was to come from may be gone with a secret that was deleted for good and made anew.
      const isGone =
        hasCode(error, 'store_not_found') && (await store.describe(name)).stages[pending.from] === undefined;
      throw isGone
        ? new PilotlightError('store_stage_moved', 'the version to swap from is gone', { cause: error })
        : error;
    }
  };
  try {
    await insist(swap);
    return true;
  } catch (error) {
    if (!hasCode(error, 'store_stage_moved')) throw error;
  }
  const { stages } = await insist(() => store.describe(name));
  return stages[pending.versionId]?.includes(stage.current) === true;
}

/** Reads our version back by its id; a read that lags is asked again until the limit. */
async function verify(
  name: string,
  { versionId, text }: Pending,
  fingerprintNew: string,
  ports: WritePorts,
  insist: Insist,
): Promise<void> {
  const version = await insist(() => ports.store.read(name, { versionId }));
  // The very text we wrote needs no reading. Another one does: a version of ours made by somebody's retry.
  if (textOf(version.value) === text.reveal()) return;
  const token = readVersion(version, ports)?.refreshToken;
  if (token === undefined || ports.rules.fingerprint(token) !== fingerprintNew)
    throw new Error('the version read back holds another token');
}

function readVersion(version: SecretVersion, { rules, clock }: WritePorts): ConnectionDocument | undefined {
  const text = textOf(version.value);
  const parsed = text === undefined ? undefined : parseDocument(text, rules.names, clock.now());
  return parsed?.ok === true ? parsed.document : undefined;
}

/** The same for everyone who retries: an id made of the attempt and what it met. */
function derivedId(attempt: string, met: string): string {
  return uuidFrom(createHash('sha256').update(`${attempt}|${met}`).digest(), 8);
}

async function insisting<T>(operation: () => Promise<T>, clock: Clock, untilMs: number): Promise<T> {
  for (let pauseMs = pauseMsFirst; ; pauseMs = Math.min(pauseMs * 2, pauseMsMax)) {
    try {
      return await operation();
    } catch (error) {
      const passing = hasCode(error, 'store_unavailable', 'store_throttled') || hasCode(error, 'store_not_found');
      if (!passing || clock.monotonic() + pauseMs >= untilMs) throw error;
    }
    await clock.sleep(pauseMs);
  }
}

/** The stable word for an error of ours; anything else is a fault in the code and said to be. */
export function reasonOf(error: unknown): Reason {
  if (hasCode(error, 'store_denied', 'store_deleted', 'store_not_found')) return 'store_denied';
  if (hasCode(error, 'store_throttled')) return 'store_throttled';
  if (hasCode(error, 'store_version_exists', 'store_stage_moved', 'store_limit', 'store_invalid'))
    return 'store_conflict';
  if (hasCode(error, 'redis_unavailable')) return 'redis_unavailable';
  if (hasCode(error, 'spool_unwritable', 'spool_unreadable')) return 'spool_unwritable';
  if (hasCode(error, 'client_unavailable')) return 'client_secret_missing';
  if (hasCode(error, 'store_unavailable')) return 'store_unavailable';
  return 'internal_error';
}
