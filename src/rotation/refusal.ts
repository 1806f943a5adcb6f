/**
 * What follows when the provider's answer is no new life: whose fault it is, what may be tried again, and when. A refusal
 * that came before anything was committed leaves the token unspent and its record needless.
 */
import { entryAfter, entryRetrying, isUrgent, type Rotation, report, type Subject } from './attempt.ts';
import { type Details, forgivingRedis } from './finish.ts';
import { tryOtherSecret } from './other-secret.ts';
import type { RotationReport } from './outcome.ts';
import type { Answer, SpoolRecord } from './ports.ts';
import { concludeGrantRefused } from './refused-grant.ts';
import { silenceMs } from './retry.ts';

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
  // No token lies in it: a provider that fails for days must not stop the others for want of room.
  record.setAside(true);
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
    nextAt: now + silenceMs(tries, provider.secondTry.after, settings.retryFirstMs),
    failures: tries,
  });
  return report(rotation, 'unknown', 'unknown_outcome', { ...details, entry });
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
