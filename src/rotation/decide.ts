/** Step 4: whether this connection is to be rotated now. A duplicate or late job ends here at no cost. */
import { refuseDuplicates } from '../connection/duplicate.ts';
import { entryOf } from '../connection/standing.ts';
import { type Rotation, report, type Subject } from './attempt.ts';
import type { RotationReport } from './outcome.ts';
import { writeFlag } from './refused-grant.ts';

/** `unanswered` counts requests for this very token whose answer never came. */
export async function decide(
  rotation: Rotation,
  subject: Subject,
  unanswered: number,
): Promise<'rotate' | RotationReport> {
  const { ports, settings, asked } = rotation;
  const { standing, sighting, known } = subject;
  const { life, flag, fingerprint } = standing;
  const now = ports.clock.now();
  const judged = entryOf(sighting, standing, now);
  const notDue = (reason: RotationReport['reason'], entry: RotationReport['entry']) =>
    report(rotation, 'notDue', reason, { at: standing.at, entry });
  if (flag?.state === 'reauth_required' && asked !== 'manual') return notDue(flag.reason, judged);
  if (life.provenEndAt !== null && life.provenEndAt <= now) {
    const failed = await writeFlag(rotation, subject, 'expired', life.provenEndAt);
    if (failed !== undefined)
      return report(rotation, 'retryLater', failed, {
        at: standing.at,
        entry: { ...judged, nextAt: now + settings.retryFirstMs },
      });
    return report(rotation, 'needsConsent', 'expired', {
      at: standing.at,
      entry: { ...judged, nextAt: null, seen: '' },
    });
  }
  // A refresh known not to extend life is not made, whoever asks.
  if (life.dueAt === null) return notDue('absolute_lifetime', judged);
  const holder = await ports.index.holderOf(fingerprint, rotation.id);
  if (holder !== undefined) {
    const [entry, ...others] = refuseDuplicates(judged, await ports.index.get(holder), now);
    await ports.index.put(others);
    return report(rotation, 'quarantined', 'duplicate_token', { at: standing.at, entry });
  }
  const same = known !== undefined && known.fingerprint === fingerprint;
  // The one that claims the token cannot see who else holds it: what the other found holds until it is looked at again.
  if (same && known.reason === 'duplicate_token' && (known.nextAt ?? 0) > now)
    return report(rotation, 'quarantined', 'duplicate_token', { at: standing.at, entry: known });
  if (asked === 'manual' || asked === 'canary' || asked === 'probe') return 'rotate';
  // A second try that was refused waits for its confirmation like any other suspicion.
  if (same && known.state === 'suspect' && known.reason !== 'unknown_outcome') {
    const lookAt = Math.max(known.since + settings.confirmAfterMs, known.nextAt ?? 0);
    return now >= lookAt ? 'rotate' : notDue(known.reason, { ...known, nextAt: lookAt });
  }
  if (unanswered > 0) return 'rotate';
  return life.dueAt <= now ? 'rotate' : notDue('none', judged);
}
