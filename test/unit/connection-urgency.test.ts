/** When on-call is warned and paged: shares of the life, capped, and marks before an absolute end. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Urgency, urgencyOf } from '../../src/connection/urgency.ts';

const hour = 3_600_000;
const day = 24 * hour;
const thresholds = {
  warnMsMax: 14 * day,
  warnShare: 0.3,
  pageMsMax: 3 * day,
  pageShare: 0.1,
  absoluteMarksMs: [30, 14, 7, 3, 1].map((days) => days * day),
};

const left = (leftMs: number, spanMs: number, clock: 'idle' | 'absolute' = 'idle') =>
  urgencyOf({ deadlineAt: 1_000 * day, clock, spanMs }, 1_000 * day - leftMs, thresholds);

describe('an idle life', () => {
  it.each<[string, number, number, Urgency]>([
    ['30 days, 9 left', 30 * day, 9 * day, 'none'],
    ['30 days, just under 9 left', 30 * day, 9 * day - 1, 'warn'],
    ['30 days, 3 left', 30 * day, 3 * day, 'warn'],
    ['30 days, just under 3 left', 30 * day, 3 * day - 1, 'page'],
    ['60 days, 14 left', 60 * day, 14 * day, 'none'],
    ['60 days, just under 14 left', 60 * day, 14 * day - 1, 'warn'],
    ['60 days, just under 3 left', 60 * day, 3 * day - 1, 'page'],
    ['24 hours, 7.2 hours left', 24 * hour, 7.2 * hour, 'none'],
    ['24 hours, just under 7.2 left', 24 * hour, 7.2 * hour - 1, 'warn'],
    ['24 hours, just under 2.4 left', 24 * hour, 2.4 * hour - 1, 'page'],
    ['30 days, nothing left', 30 * day, 0, 'over'],
    ['30 days, a day over', 30 * day, -day, 'over'],
  ])('of %s', (_, spanMs, leftMs, urgency) => {
    expect(left(leftMs, spanMs)).toBe(urgency);
  });
});

describe('an absolute life', () => {
  it.each<[string, number, number, Urgency]>([
    ['365 days, 30 left', 365 * day, 30 * day, 'none'],
    ['365 days, just under 30 left', 365 * day, 30 * day - 1, 'warn'],
    ['365 days, 1 left', 365 * day, day, 'warn'],
    ['365 days, just under 1 left', 365 * day, day - 1, 'page'],
    ['30 days, 15 left: the mark of 30 lies in its first half', 30 * day, 15 * day, 'none'],
    ['30 days, just under 14 left', 30 * day, 14 * day - 1, 'warn'],
    ['7 days, just under 3 left', 7 * day, 3 * day - 1, 'warn'],
    ['24 hours, too short for any mark, 8 left', 24 * hour, 8 * hour, 'none'],
    ['24 hours, too short for any mark, 7 left', 24 * hour, 7 * hour, 'warn'],
    ['24 hours, too short for any mark, 2 left', 24 * hour, 2 * hour, 'page'],
    ['365 days, over', 365 * day, 0, 'over'],
  ])('of %s', (_, spanMs, leftMs, urgency) => {
    expect(left(leftMs, spanMs, 'absolute')).toBe(urgency);
  });
});

it('is none where nothing is known', () => {
  expect(urgencyOf({ deadlineAt: null, clock: null, spanMs: null }, 0, thresholds)).toBe('none');
});

it('only ever grows as time passes, and no life ends without a page before', () => {
  const rank: readonly Urgency[] = ['none', 'warn', 'page', 'over'];
  const spans = fc.integer({ min: 60_000, max: 800 * day });
  fc.assert(
    fc.property(spans, fc.constantFrom('idle' as const, 'absolute' as const), (spanMs, clock) => {
      const seen = Array.from({ length: 401 }, (_, step) =>
        rank.indexOf(left(spanMs * (1 - step / 400), spanMs, clock)),
      );
      expect(seen).toEqual([...seen].sort());
      expect(seen[0]).toBe(0);
      expect(left(1, spanMs, clock)).toBe('page');
      expect(seen.at(-1)).toBe(3);
    }),
    { numRuns: 200 },
  );
});
