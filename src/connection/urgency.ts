/** How near a deadline is, in words on-call acts on. Thresholds are shares of the life, capped: a 24 h token warns in hours. */
import type { DeadlineClock } from './entry.ts';

export interface Thresholds {
  readonly warnMsMax: number;
  readonly warnShare: number;
  readonly pageMsMax: number;
  readonly pageShare: number;
  /** Marks before the end of an absolute life, ms, longest first; those in its second half count. */
  readonly absoluteMarksMs: readonly number[];
}

export type Urgency = 'none' | 'warn' | 'page' | 'over';

/** The urgency of a deadline at `now`. `spanMs` is the life the deadline belongs to. */
export function urgencyOf(
  life: { deadlineAt: number | null; clock: DeadlineClock | null; spanMs: number | null },
  now: number,
  thresholds: Thresholds,
): Urgency {
  const { deadlineAt, clock, spanMs } = life;
  if (deadlineAt === null || clock === null || spanMs === null) return 'none';
  const leftMs = deadlineAt - now;
  if (leftMs <= 0) return 'over';
  const marks = clock === 'absolute' ? thresholds.absoluteMarksMs.filter((mark) => mark <= spanMs / 2) : [];
  if (marks.length > 0) return leftMs < Math.min(...marks) ? 'page' : leftMs < Math.max(...marks) ? 'warn' : 'none';
  // An idle life, or an absolute one too short for any mark.
  if (leftMs < Math.min(thresholds.pageMsMax, spanMs * thresholds.pageShare)) return 'page';
  return leftMs < Math.min(thresholds.warnMsMax, spanMs * thresholds.warnShare) ? 'warn' : 'none';
}
