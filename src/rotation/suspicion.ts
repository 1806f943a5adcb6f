/**
 * From suspicion to fact: `invalid_grant` is what providers answer to a dead token, and also to a wrong client secret, a
 * sibling's rotation or a proxy's whim. Pure rules.
 */
import type { IndexEntry } from '../connection/entry.ts';

export interface SuspicionFacts {
  /** What the index knows; undefined after Redis was lost, which starts the count anew. */
  readonly known: IndexEntry | undefined;
  readonly fingerprint: string;
  /**
   * When the last request of the same client at the same host that succeeded was begun, as known before this one was sent:
   * one that was under way at the first sighting proves nothing.
   */
  readonly lastSuccessAt: number | null;
  readonly now: number;
  readonly confirmAfterMs: number;
}

export type Verdict =
  | { readonly kind: 'suspect'; readonly since: number; readonly sightings: number; readonly nextAt: number }
  | { readonly kind: 'confirmed'; readonly since: number };

/** Longest time between two looks at a suspicion that cannot be confirmed because nothing else of its client succeeds. */
const lookEveryMsMax = 6 * 3_600_000;

/** A success longer ago than so many waits says nothing of now: the client may have been broken again since. */
const freshWaits = 2;

/**
 * Seen twice, far enough apart, and the client has succeeded with another connection since the first sighting, and not
 * long before the last: only then is the customer asked. Without that success the operator keeps being told, and the
 * customer is left in peace.
 */
export function weighSuspicion({ known, fingerprint, lastSuccessAt, now, confirmAfterMs }: SuspicionFacts): Verdict {
  const before =
    known?.state === 'suspect' && known.reason !== 'unknown_outcome' && known.fingerprint === fingerprint
      ? known
      : undefined;
  if (before === undefined) return { kind: 'suspect', since: now, sightings: 1, nextAt: now + confirmAfterMs };
  const longEnough = now - before.since >= confirmAfterMs;
  // One that lies ahead was noted by a calendar that has been turned back since.
  const succeeded = lastSuccessAt !== null && lastSuccessAt >= before.since && lastSuccessAt <= now;
  const isFresh = succeeded && lastSuccessAt >= now - freshWaits * confirmAfterMs;
  if (longEnough && isFresh) return { kind: 'confirmed', since: before.since };
  const sightings = before.failures + 1;
  // This sighting brings a canary; the next look finds what it came to.
  if (longEnough && succeeded) return { kind: 'suspect', since: before.since, sightings, nextAt: now + confirmAfterMs };
  const waitMs = Math.min(confirmAfterMs * 2 ** Math.min(sightings - 1, 10), Math.max(lookEveryMsMax, confirmAfterMs));
  return { kind: 'suspect', since: before.since, sightings, nextAt: now + waitMs };
}
