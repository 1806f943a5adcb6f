/**
 * The provider says that the grant is void: a suspicion until it is confirmed, and only then is a person asked.
 */
import { flagTags } from '../connection/flag.ts';
import { entryAfter, entryRetrying, type Rotation, report, type Subject } from './attempt.ts';
import { type Details, forgivingRedis, removeRecordsOf } from './finish.ts';
import { tryOtherSecret } from './other-secret.ts';
import type { RotationReport } from './outcome.ts';
import { type SpoolRecord, stage } from './ports.ts';
import { type Verdict, weighSuspicion } from './suspicion.ts';
import { reasonOf } from './write-back.ts';

export async function concludeGrantRefused(
  rotation: Rotation,
  subject: Subject,
  record: SpoolRecord,
  details: Details,
): Promise<RotationReport> {
  const { ports, settings, id } = rotation;
  const { at, fingerprint } = subject.standing;
  const now = ports.clock.now();
  if (await somebodyElseWrote(rotation, record)) {
    // A sibling or the application was faster: their token decides, and ours was refused for a good reason.
    await removeRecordsOf(rotation, record);
    const entry = { ...entryAfter(subject, now, { state: 'active', reason: 'none' }), seen: '', nextAt: now };
    return report(rotation, 'retryLater', 'busy', { ...details, foreign: 'refreshed', entry });
  }
  const cause = record.intent.unanswered > 0 ? 'lost_rotation' : 'invalid_grant';
  const limits = { threshold: settings.breakerThreshold, probeEveryMs: settings.probeEveryMs };
  const breaker = await forgivingRedis(() => ports.clients.suspected(at, id, now, limits));
  if (breaker?.opened === true) await tryOtherSecret(rotation, subject, details.secret ?? 'current');
  const verdict = weighSuspicion({
    known: subject.known,
    fingerprint,
    lastSuccessAt: details.lastSuccessAt ?? null,
    now,
    confirmAfterMs: settings.confirmAfterMs,
  });
  const reason =
    subject.known?.state === 'suspect' && subject.known.reason === 'lost_rotation' ? 'lost_rotation' : cause;
  const heldUntil = await heldBack(rotation, subject, record, verdict.kind);
  if (verdict.kind === 'confirmed' && heldUntil <= now)
    return condemn(rotation, subject, record, reason, verdict.since, details);
  await record.remove();
  const entry = entryAfter(subject, now, {
    state: 'suspect',
    reason,
    since: verdict.since,
    nextAt: verdict.kind === 'confirmed' ? heldUntil : Math.max(verdict.nextAt, heldUntil),
    failures: verdict.kind === 'confirmed' ? (subject.known?.failures ?? 1) : verdict.sightings,
  });
  return report(rotation, 'suspect', reason, { ...details, entry, breakerOpened: breaker?.opened === true });
}

/** Until when nobody is asked, whatever the provider says; until then there is nothing to be learnt from it either. */
async function heldBack(
  rotation: Rotation,
  subject: Subject,
  record: SpoolRecord,
  verdict: Verdict['kind'],
): Promise<number> {
  const { ports, settings } = rotation;
  const awaited = await answerAwaitedUntil(rotation, record);
  if (verdict !== 'confirmed') return awaited;
  const mayFlag = await forgivingRedis(() => ports.clients.mayFlag(subject.standing.provider.name));
  return Math.max(mayFlag === false ? ports.clock.now() + settings.confirmAfterMs : 0, awaited);
}

/** For how long a worker that is gone is expected back with its disk: a node that is drained, a volume that moves. */
const diskAwayMs = 3_600_000;

/**
 * Until when the answer to an earlier request for this token may still come: whoever made it may have sealed it on its own
 * disk and died before the mirror had it. Nobody is asked meanwhile.
 */
async function answerAwaitedUntil({ id, ports }: Rotation, { intent }: SpoolRecord): Promise<number> {
  const open = await forgivingRedis(() => ports.spool.openOf(id));
  // What lies on our own disk hides nothing: of those this process made it knows how they ended.
  const own = new Set(ports.spool.recordsOf(id).map((record) => record.intent.attempt));
  const others = (open?.records ?? []).filter(
    (one) => !own.has(one.intent.attempt) && one.intent.fingerprintOld === intent.fingerprintOld,
  );
  return Math.max(0, ...others.map((one) => one.intent.startedAt + diskAwayMs));
}

async function somebodyElseWrote({ id, ports }: Rotation, { intent }: SpoolRecord): Promise<boolean> {
  try {
    const { stages } = await ports.store.describe(ports.nameOf(id));
    return stages[intent.versionOld]?.includes(stage.current) !== true;
  } catch {
    // Nobody is condemned on a store that does not answer: the suspicion has at least one more look before it.
    return false;
  }
}

/** Writes the flag; only then is the customer concerned. */
async function condemn(
  rotation: Rotation,
  subject: Subject,
  record: SpoolRecord,
  reason: 'invalid_grant' | 'lost_rotation',
  since: number,
  details: Details,
): Promise<RotationReport> {
  const { ports } = rotation;
  const flagged = await writeFlag(rotation, subject, reason, since);
  if (flagged !== undefined) {
    await record.remove();
    return report(rotation, 'suspect', flagged, { ...details, entry: entryRetrying(rotation, subject, flagged) });
  }
  await removeRecordsOf(rotation, record);
  const entry = entryAfter(subject, ports.clock.now(), {
    state: 'reauth_required',
    reason,
    since,
    nextAt: null,
    seen: '',
  });
  return report(rotation, 'needsConsent', reason, { ...details, entry });
}

/** Tags the secret with what only a human can do; answers the reason where the store refused. */
export async function writeFlag(
  { id, ports }: Rotation,
  { sighting }: Pick<Subject, 'sighting'>,
  reason: 'invalid_grant' | 'lost_rotation' | 'expired' | 'refresh_token_missing',
  since: number,
): Promise<ReturnType<typeof reasonOf> | undefined> {
  const flag = { state: 'reauth_required', reason, since, version: sighting.version.versionId } as const;
  try {
    await ports.store.tag(ports.nameOf(id), flagTags(flag));
    return undefined;
  } catch (error) {
    return reasonOf(error);
  }
}
