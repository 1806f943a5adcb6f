/**
 * Two secrets with one refresh token would spend it from under each other: both are refused until one of them changes.
 * The one that found the other looks again sooner and renews the refusal of both for as long as it lasts.
 */
import type { IndexEntry } from './entry.ts';

const finderLooksAgainMs = 3_600_000;
const otherLooksAgainMs = 2 * finderLooksAgainMs;

/** The entries of both while they hold the same token. */
export function refuseDuplicates(finder: IndexEntry, other: IndexEntry | undefined, now: number): IndexEntry[] {
  const refused = (entry: IndexEntry, lookAgainMs: number): IndexEntry => ({
    ...entry,
    state: 'invalid',
    reason: 'duplicate_token',
    since: entry.reason === 'duplicate_token' ? entry.since : now,
    nextAt: now + lookAgainMs,
    failures: 0,
  });
  return [refused(finder, finderLooksAgainMs), ...(other === undefined ? [] : [refused(other, otherLooksAgainMs)])];
}
