/**
 * What must be finished before a token may be spent: records still open here, versions written but never made current,
 * and a spent token that somebody put back.
 */
import { parseDocument } from '../connection/document.ts';
import { judge, textOf } from '../connection/standing.ts';
import { hasCode } from '../runtime/errors.ts';
import { entryAfter, type Rotation, report, type Subject } from './attempt.ts';
import { finish } from './finish.ts';
import { keepOrphan } from './orphan.ts';
import type { RotationReport } from './outcome.ts';
import { type RawAnswer, type SpoolRecord, stage } from './ports.ts';
import { silenceMs } from './retry.ts';
import { restoreSpentToken } from './spent.ts';

export type Unfinished =
  /** Nothing stands in the way. `unanswered`: requests for this very token whose answer never came. */
  | { readonly kind: 'clear'; readonly unanswered: number }
  | { readonly kind: 'concluded'; readonly report: RotationReport };

export async function finishOpenRecords(rotation: Rotation, subject: Subject): Promise<Unfinished> {
  const { ports, id, settings } = rotation;
  const now = ports.clock.now();
  const concluded = (made: RotationReport): Unfinished => ({ kind: 'concluded', report: made });
  if (ports.spool.unreadable().some((record) => record.connection === id)) {
    const entry = entryAfter(subject, now, {
      state: 'quarantined',
      reason: 'record_unreadable',
      nextAt: now + 3_600_000,
    });
    return concluded(report(rotation, 'quarantined', 'record_unreadable', { at: subject.standing.at, entry }));
  }
  let unanswered = 0;
  for (const record of ports.spool.recordsOf(id)) {
    const raw = await answerIn(record);
    if (raw === 'unreadable') {
      const entry = entryAfter(subject, now, {
        state: 'quarantined',
        reason: 'record_unreadable',
        nextAt: now + 3_600_000,
      });
      return concluded(report(rotation, 'quarantined', 'record_unreadable', { at: subject.standing.at, entry }));
    }
    const overtaken = record.intent.fingerprintOld !== subject.standing.fingerprint;
    if (raw !== undefined) {
      const then = await asOf(rotation, subject, record);
      if (!isUnknown(rotation, then, raw)) {
        const made = await finish(rotation, then, record, raw);
        // An answer held for a person stands in nobody's way once somebody has brought another token.
        if (made.outcome === 'quarantined' && overtaken) continue;
        return concluded(made);
      }
    }
    if (overtaken) {
      // Somebody brought another token since: the question this record asks is answered.
      await record.remove();
      continue;
    }
    const again = nextTryAt(subject, record, settings.retryMaxMs);
    if (again === undefined || (again > now && rotation.asked !== 'manual')) {
      const entry = entryAfter(subject, now, {
        state: again === undefined ? 'suspect' : 'retrying',
        reason: 'unknown_outcome',
        nextAt: again ?? null,
      });
      return concluded(report(rotation, 'notDue', 'unknown_outcome', { at: subject.standing.at, entry }));
    }
    unanswered = Math.max(unanswered, record.intent.unanswered + 1);
  }
  const restored = await restoreSpentToken(rotation, subject, settings.writeLimitMs);
  if (restored !== undefined) return concluded(restored);
  const adopted = await adoptPending(rotation, subject);
  return adopted === undefined ? { kind: 'clear', unanswered } : concluded(adopted);
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

async function answerIn(record: SpoolRecord): Promise<RawAnswer | 'unreadable' | undefined> {
  if (record.state === 'intent') return undefined;
  try {
    return await record.answer();
  } catch (error) {
    if (hasCode(error, 'spool_unreadable')) return 'unreadable';
    throw error;
  }
}

/** An answer that leaves open whether the token is spent (500, 502, 504, cut short): the same as none. */
function isUnknown({ ports }: Rotation, { standing }: Subject, raw: RawAnswer): boolean {
  const answer = ports.endpoint.read(standing.provider, raw, { refreshToken: standing.document.refreshToken });
  return answer.kind === 'refused' && answer.means === 'unknown';
}

/** When the same token may be sent again; undefined where it may not. */
function nextTryAt({ standing }: Subject, { intent }: SpoolRecord, retryMaxMs: number): number | undefined {
  const { secondTry } = standing.provider;
  if (secondTry === 'never' || standing.life.foreignSpender) return undefined;
  return intent.startedAt + silenceMs(intent.unanswered + 1, secondTry.after, retryMaxMs);
}

/**
 * A version of ours that was written and never became current: where AWSCURRENT is still what it started from, it becomes
 * current now; otherwise it is kept as an orphan and never swapped in.
 */
async function adoptPending(rotation: Rotation, subject: Subject): Promise<RotationReport | undefined> {
  const { ports, id } = rotation;
  const { sighting, standing } = subject;
  const name = ports.nameOf(id);
  const found = Object.entries(sighting.stages).find(([, labels]) => labels.includes(stage.pending));
  if (found === undefined || found[1].includes(stage.current) || found[1].includes(stage.previous)) return undefined;
  const [pendingId] = found;
  const version = await ports.store.read(name, { versionId: pendingId });
  const text = textOf(version.value);
  const parsed = text === undefined ? undefined : parseDocument(text, ports.rules.names, ports.clock.now());
  const token = parsed?.ok === true ? parsed.document.refreshToken : undefined;
  if (parsed?.ok !== true || token === undefined) return undefined;
  const fingerprint = ports.rules.fingerprint(token);
  const { own } = standing.document;
  // The label stays on what we wrote last. Whoever took our section over into theirs had read it as the current one.
  const wasCurrent = own.attempt === pendingId;
  const overtaken = wasCurrent || fingerprint === standing.fingerprint || own.spent.includes(fingerprint);
  const now = ports.clock.now();
  if (parsed.document.own.from === sighting.version.versionId) {
    await ports.permits.writes(1, 'recovery', AbortSignal.timeout(rotation.settings.writeLimitMs));
    await ports.store.moveStage(name, { stage: stage.current, to: pendingId, from: sighting.version.versionId });
    const entry = { ...entryAfter(subject, now, { state: 'active', reason: 'none' }), seen: '', nextAt: now };
    return report(rotation, 'rotated', 'none', {
      at: standing.at,
      versionOld: sighting.version.versionId,
      versionNew: pendingId,
      entry,
    });
  }
  if (!overtaken) {
    await keepOrphan(name, pendingId, parsed.document.own.attempt ?? pendingId, ports);
    return undefined;
  }
  await ports.store.moveStage(name, { stage: stage.pending, from: pendingId });
  return undefined;
}
