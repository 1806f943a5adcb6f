/**
 * What follows when the provider's answer is no new life: whose fault it is, what may be tried again, and when. A refusal
 * that came before anything was committed leaves the token unspent and its record needless.
 */
import { flagTags } from '../connection/flag.ts';
import { entryAfter, entryRetrying, isUrgent, type Rotation, report, type Subject } from './attempt.ts';
import { type Details, forgivingRedis, removeRecordsOf } from './finish.ts';
import type { RotationReport } from './outcome.ts';
import { type Answer, type SpoolRecord, stage } from './ports.ts';
import { silenceMs } from './retry.ts';
import { weighSuspicion } from './suspicion.ts';
import { reasonOf } from './write-back.ts';

type Refused = Extract<Answer, { kind: 'refused' }>;

export async function concludeRefusal(
  rotation: Rotation,
  subject: Subject,
  record: SpoolRecord,
  refused: Refused,
  base: Details,
): Promise<RotationReport> {
  const { status, error, description, requestId } = refused;
  const details = { ...base, status, error, description, requestId };
  if (refused.means === 'unknown') return concludeUnknown(rotation, subject, record, details);
  if (refused.means === 'grant') return concludeGrantRefused(rotation, subject, record, details);
  await record.remove();
  const now = rotation.ports.clock.now();
  const notBefore = refused.retryAfterMs === undefined ? 0 : now + refused.retryAfterMs;
  switch (refused.means) {
    case 'client':
      return concludeClientRejected(rotation, subject, details);
    case 'request':
      return openBreaker(rotation, subject, details, 'request_rejected');
    case 'throttled':
      return concludeThrottled(rotation, subject, details, notBefore);
    case 'unavailable':
      return report(rotation, 'retryLater', 'provider_unavailable', {
        ...details,
        entry: entryRetrying(rotation, subject, 'provider_unavailable', notBefore),
      });
    case 'access_point':
      return report(rotation, 'retryLater', 'access_point_moved', {
        ...details,
        entry: entryRetrying(rotation, subject, 'access_point_moved'),
      });
    default:
      return refused.means satisfies never;
  }
}

/**
 * The token may be spent and its successor lost. The record stays, as the memory of it. The same token is tried once
 * more when the provider's file says; if even that stays unanswered, ever more seldom, because only an answer proves
 * death. Where somebody else spends this token too, a second try could revoke theirs: then a human decides.
 */
export function concludeUnknown(
  rotation: Rotation,
  subject: Subject,
  record: SpoolRecord,
  details: Partial<Details> & { status?: number },
): RotationReport {
  const { ports, settings } = rotation;
  const { provider, life } = subject.standing;
  const now = ports.clock.now();
  const tries = record.intent.unanswered + 1;
  if (provider.secondTry === 'never' || life.foreignSpender) {
    const entry = entryAfter(subject, now, {
      state: 'suspect',
      reason: 'unknown_outcome',
      nextAt: null,
      failures: tries,
    });
    return report(rotation, 'unknown', 'unknown_outcome', { ...details, entry });
  }
  const entry = entryAfter(subject, now, {
    state: 'retrying',
    reason: 'unknown_outcome',
    nextAt: now + silenceMs(tries, provider.secondTry.after, settings.retryMaxMs),
    failures: tries,
  });
  return report(rotation, 'unknown', 'unknown_outcome', { ...details, entry });
}

async function concludeGrantRefused(
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
  if (verdict.kind === 'confirmed') return condemn(rotation, subject, record, reason, verdict.since, details);
  await record.remove();
  const entry = entryAfter(subject, now, {
    state: 'suspect',
    reason,
    since: verdict.since,
    nextAt: verdict.nextAt,
    failures: verdict.sightings,
  });
  return report(rotation, 'suspect', reason, { ...details, entry, breakerOpened: breaker?.opened === true });
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

async function concludeClientRejected(rotation: Rotation, subject: Subject, details: Details): Promise<RotationReport> {
  if (await tryOtherSecret(rotation, subject, details.secret ?? 'current')) {
    const entry = entryAfter(subject, rotation.ports.clock.now(), {
      state: 'retrying',
      reason: 'client_rejected',
      nextAt: rotation.ports.clock.now(),
    });
    return report(rotation, 'retryLater', 'client_rejected', { ...details, entry });
  }
  return openBreaker(rotation, subject, details, 'client_rejected');
}

/** While the operator rotates the client secret both are tried in turn; true when the other one is worth a try now. */
async function tryOtherSecret(
  { ports }: Rotation,
  { standing }: Subject,
  used: 'current' | 'previous',
): Promise<boolean> {
  ports.registry.forget(standing.at.client);
  const credentials = await ports.registry.credentials(standing.at.client).catch(() => undefined);
  if (credentials?.previousClientSecret === undefined) return false;
  await forgivingRedis(() => ports.clients.preferSecret(standing.at, used === 'current' ? 'previous' : 'current'));
  return used === 'current';
}

async function openBreaker(
  rotation: Rotation,
  subject: Subject,
  details: Details & { error?: string | undefined },
  reason: 'client_rejected' | 'request_rejected',
): Promise<RotationReport> {
  const { ports, settings } = rotation;
  const now = ports.clock.now();
  const breaker = await forgivingRedis(() =>
    ports.clients.rejected(subject.standing.at, now, details.error ?? reason, settings.probeEveryMs),
  );
  // Waits in the ready set, untouched, until the breaker closes; one about to die is tried at the pace of the probes.
  const urgent = isUrgent(subject, now, settings);
  const entry = entryAfter(subject, now, {
    state: 'blocked',
    reason,
    nextAt: urgent ? now + settings.probeEveryMs : now,
  });
  return report(rotation, 'misconfigured', reason, { ...details, entry, breakerOpened: breaker?.opened === true });
}

async function concludeThrottled(
  rotation: Rotation,
  subject: Subject,
  details: Details,
  notBefore: number,
): Promise<RotationReport> {
  const { ports } = rotation;
  const { at, provider } = subject.standing;
  const entry = entryRetrying(rotation, subject, 'throttled', notBefore);
  const scope = provider.limits.throttleScope;
  if (scope !== 'connection' && entry.nextAt !== null) {
    const until = Math.max(notBefore, ports.clock.now() + 1_000);
    await forgivingRedis(() => ports.clients.hold(at, scope, until));
  }
  return report(rotation, 'throttled', 'throttled', { ...details, entry });
}
