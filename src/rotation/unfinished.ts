/**
 * What must be finished before a token may be spent: records still open here, versions written but never made current,
 * and a spent token that somebody put back.
 */
import { judge } from '../connection/standing.ts';
import { hasCode } from '../runtime/errors.ts';
import { entryAfter, type Rotation, report, type Subject } from './attempt.ts';
import { finish } from './finish.ts';
import type { RotationReport } from './outcome.ts';
import { settlePending } from './pending.ts';
import type { Answer, RawAnswer, SpoolRecord } from './ports.ts';
import { silenceMs } from './retry.ts';

export type Unfinished =
  /** Nothing stands in the way. `unanswered`: requests for this very token whose answer never came. */
  | { readonly kind: 'clear'; readonly unanswered: number }
  | { readonly kind: 'concluded'; readonly report: RotationReport };

export async function finishOpenRecords(rotation: Rotation, subject: Subject): Promise<Unfinished> {
  const { ports, id, settings } = rotation;
  const now = ports.clock.now();
  const concluded = (made: RotationReport): Unfinished => ({ kind: 'concluded', report: made });
  const blocked = () => {
    const held = { state: 'quarantined', reason: 'record_unreadable', nextAt: now + 3_600_000 } as const;
    const entry = entryAfter(subject, now, held);
    return concluded(report(rotation, 'quarantined', 'record_unreadable', { at: subject.standing.at, entry }));
  };
  const open = await ports.spool.openOf(id);
  if (open.unreadable.length > 0) return blocked();
  let unanswered = 0;
  /** When those may be asked about again whose time has not come. */
  const waiting: (number | undefined)[] = [];
  // What holds a token comes before what asks for one.
  for (const record of [...open.records].sort(answeredFirst)) {
    const raw = await answerIn(record);
    if (raw === 'unreadable') return blocked();
    if (raw === 'finished') continue;
    const overtaken = isOvertaken(subject, record);
    if (raw !== undefined) {
      const then = await asOf(rotation, subject, record);
      if (!isUnknown(rotation, then, raw)) {
        const made = await finish(rotation, then, record, raw);
        // An answer held for a person stands in nobody's way once somebody has brought another token.
        if (made.outcome === 'quarantined' && overtaken) continue;
        return concluded(made);
      }
      record.setAside(true);
    }
    if (overtaken) {
      // What became of the token this record asks about is known since.
      await record.remove();
      continue;
    }
    const again = nextTryAt(subject, record, settings.retryFirstMs);
    if (again === undefined || (again > now && rotation.asked !== 'manual')) {
      // A later try, made by hand, may have brought the token this one waits for.
      waiting.push(again);
      continue;
    }
    unanswered = Math.max(unanswered, record.intent.unanswered + 1);
  }
  // Nobody is asked, and nothing waits, while a version of ours holds what the answer brought.
  const settled = await settlePending(rotation, subject);
  if (settled !== undefined) return concluded(settled);
  if (waiting.length === 0) return { kind: 'clear', unanswered };
  const again = waiting[0];
  const entry = entryAfter(subject, now, {
    state: again === undefined ? 'suspect' : 'retrying',
    reason: 'unknown_outcome',
    nextAt: again ?? null,
  });
  return concluded(report(rotation, 'notDue', 'unknown_outcome', { at: subject.standing.at, entry }));
}

/**
 * Another token has come since; or this very one has served us again and was kept, as by a provider that does not rotate:
 * then a bare record is what a disk remembers that was away meanwhile.
 */
function isOvertaken({ standing, sighting }: Subject, { intent }: SpoolRecord): boolean {
  if (intent.fingerprintOld !== standing.fingerprint) return true;
  const { attempt, token, extendedAt = 0 } = standing.document.own;
  const { versionId } = sighting.version;
  const isOurs = attempt === versionId && token === standing.fingerprint;
  return isOurs && versionId !== intent.versionOld && extendedAt > intent.startedAt;
}

function answeredFirst(a: SpoolRecord, b: SpoolRecord): number {
  return Number(b.state === 'answered') - Number(a.state === 'answered');
}

/** Finishes a record that holds a new token sealed by then; leaves any other as it is, which needs the lease to be weighed. */
export async function finishGranted(
  rotation: Rotation,
  subject: Subject,
  record: SpoolRecord,
  sealedBefore: number,
): Promise<RotationReport | undefined> {
  const raw = await answerIn(record);
  if (raw === undefined || typeof raw === 'string' || raw.receivedAt > sealedBefore) return undefined;
  const then = await asOf(rotation, subject, record);
  return answerOf(rotation, then, raw).kind === 'granted' ? finish(rotation, then, record, raw) : undefined;
}

/**
 * The connection as it was when its token was spent: what is written is made of that and of nothing later, so that every
 * retry makes the same bytes.
 */
async function asOf({ id, ports }: Rotation, subject: Subject, { intent }: SpoolRecord): Promise<Subject> {
  if (intent.versionOld === subject.sighting.version.versionId) return subject;
  try {
    const version = await ports.store.read(ports.nameOf(id), { versionId: intent.versionOld });
    const sighting = { ...subject.sighting, version };
    const standing = judge(sighting, ports.rules, ports.clock.now());
    return standing.usable ? { ...subject, sighting, standing } : subject;
  } catch (error) {
    if (!hasCode(error, 'store_not_found')) throw error;
    return subject;
  }
}

async function answerIn(record: SpoolRecord): Promise<RawAnswer | 'unreadable' | 'finished' | undefined> {
  if (record.state === 'intent') return undefined;
  try {
    return (await record.answer()) ?? 'finished';
  } catch (error) {
    if (hasCode(error, 'spool_unreadable')) return 'unreadable';
    throw error;
  }
}

/** An answer that leaves open whether the token is spent (500, 502, 504, cut short): the same as none. */
function isUnknown(rotation: Rotation, subject: Subject, raw: RawAnswer): boolean {
  const answer = answerOf(rotation, subject, raw);
  return answer.kind === 'refused' && answer.means === 'unknown';
}

function answerOf({ ports }: Rotation, { standing }: Subject, raw: RawAnswer): Answer {
  return ports.endpoint.read(standing.provider, raw, { refreshToken: standing.document.refreshToken });
}

/**
 * When the same token may be sent again; undefined where it may not. Counted from when the request is known to have ended
 * in silence: a process that stood still may have sent it long after its intent. Whoever finds only the intent has no more.
 */
function nextTryAt({ standing, known }: Subject, { intent }: SpoolRecord, retryFirstMs: number): number | undefined {
  const { secondTry } = standing.provider;
  if (secondTry === 'never' || standing.life.foreignSpender) return undefined;
  const told = known?.reason === 'unknown_outcome' && known.fingerprint === standing.fingerprint ? known.since : 0;
  return Math.max(intent.startedAt, told) + silenceMs(intent.unanswered + 1, secondTry.after, retryFirstMs);
}
