/** When a failed attempt is repeated: doubling, spread, and never slower than the deadline allows. Pure. */

export interface RetryFacts {
  /** Attempts that failed in a row, this one included. */
  readonly failures: number;
  readonly now: number;
  readonly deadlineAt: number | null;
  readonly retryFirstMs: number;
  readonly retryMaxMs: number;
  /** [0, 1). */
  readonly fraction: number;
}

/** A connection near its end is tried at least this many times before it. */
const triesLeftMin = 10;

export function retryAt({ failures, now, deadlineAt, retryFirstMs, retryMaxMs, fraction }: RetryFacts): number {
  const doubled = Math.min(retryFirstMs * 2 ** Math.min(Math.max(failures, 1) - 1, 20), retryMaxMs);
  const leftMs = deadlineAt === null ? Number.POSITIVE_INFINITY : Math.max(deadlineAt - now, 0);
  const waitMs = Math.max(Math.min(doubled, leftMs / triesLeftMin), retryFirstMs);
  return now + Math.round(waitMs * (0.75 + fraction / 2));
}
