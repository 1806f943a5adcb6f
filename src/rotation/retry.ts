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

/** Even a provider that never answers is asked once a day: only an answer proves death. */
const silenceMsMax = 86_400_000;

/**
 * How long after a request without an answer the same token is sent again, ms: as the provider's file says the first time,
 * twice as long each time after that, so that a window of grace is used and a dead provider is left alone. `tries` counts
 * the requests made so far.
 */
export function silenceMs(tries: number, secondTryAfterMs: number, retryFirstMs: number): number {
  if (tries <= 1) return secondTryAfterMs;
  return Math.min(Math.max(secondTryAfterMs, retryFirstMs) * 2 ** Math.min(tries - 1, 20), silenceMsMax);
}
