/** What was indexed under a calendar that was ahead, and has been set right since: nothing it says of time holds. Pure. */
import type { IndexEntry } from '../connection/entry.ts';

const dayMs = 86_400_000;
/** Longer than any wait after an attempt, jitter included (`retryAt`, `silenceMs`, the configuration's bounds). */
const waitMsMax = 5 * dayMs;

/**
 * Whether an entry lies ahead: it holds an instant of the past that is still to come, or waits for one that no wait reaches.
 * Due instants and ends of a life are no such sign: they lie months ahead as a rule.
 */
export function isAhead({ state, since, extendedAt, nextAt }: IndexEntry, now: number): boolean {
  const waits = state !== 'active' && state !== 'unkeepable';
  return since > now + dayMs || (extendedAt ?? 0) > now + dayMs || (waits && (nextAt ?? 0) > now + waitMsMax);
}
