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

/** A deadline with the life it belongs to, ms. */
export interface Life {
  readonly deadlineAt: number | null;
  readonly clock: DeadlineClock | null;
  readonly spanMs: number | null;
}

/** When a connection becomes urgent if nothing happens (epoch ms). */
export interface Alarms {
  readonly warnAt: number;
  readonly pageAt: number;
}

/** The urgency of a deadline at `now`. */
export function urgencyOf(life: Life, now: number, thresholds: Thresholds): Urgency {
  const alarms = alarmsOf(life, thresholds);
  if (alarms === undefined || life.deadlineAt === null) return 'none';
  if (now >= life.deadlineAt) return 'over';
  if (now > alarms.pageAt) return 'page';
  return now > alarms.warnAt ? 'warn' : 'none';
}

/** The instants after which a deadline is urgent; undefined where none is known. */
export function alarmsOf({ deadlineAt, clock, spanMs }: Life, thresholds: Thresholds): Alarms | undefined {
  if (deadlineAt === null || clock === null || spanMs === null) return undefined;
  const marks = clock === 'absolute' ? thresholds.absoluteMarksMs.filter((mark) => mark <= spanMs / 2) : [];
  if (marks.length > 0) return { warnAt: deadlineAt - Math.max(...marks), pageAt: deadlineAt - Math.min(...marks) };
  // An idle life, or an absolute one too short for any mark.
  return {
    warnAt: deadlineAt - Math.min(thresholds.warnMsMax, spanMs * thresholds.warnShare),
    pageAt: deadlineAt - Math.min(thresholds.pageMsMax, spanMs * thresholds.pageShare),
  };
}
