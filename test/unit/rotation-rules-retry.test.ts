/** When a failed attempt is repeated: doubling with jitter, and oftener as the deadline comes near. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { retryAt } from '../../src/rotation/retry.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const base = { now: 1_000 * day, deadlineAt: null, retryFirstMs: minute, retryMaxMs: hour, fraction: 0.5 };
const wait = (change: Partial<Parameters<typeof retryAt>[0]>) =>
  retryAt({ ...base, failures: 1, ...change }) - base.now;

describe('the wait', () => {
  it.each([
    [0, minute],
    [1, minute],
    [2, 2 * minute],
    [3, 4 * minute],
    [6, 32 * minute],
    [7, hour],
    [50, hour],
    [1e9, hour],
  ])('after %d failures in a row', (failures, ms) => {
    expect(wait({ failures })).toBe(ms);
  });

  it.each<[string, number, number]>([
    ['a week off', 7 * day, hour],
    ['five hours off', 5 * hour, 30 * minute],
    ['an hour off', hour, 6 * minute],
    ['five minutes off', 5 * minute, minute],
    ['past', -day, minute],
  ])('with the deadline %s leaves room for ten more tries, a minute apart at least', (_, left, ms) => {
    expect(wait({ failures: 20, deadlineAt: base.now + left })).toBe(ms);
  });

  it('is spread by a quarter to both sides', () => {
    expect(wait({ failures: 7, fraction: 0 })).toBe(45 * minute);
    expect(wait({ failures: 7, fraction: 1 - 2 ** -48 })).toBe(75 * minute);
  });

  it('is a whole, finite, positive number of milliseconds, and never loops, for any facts', () => {
    const facts = fc.record({
      failures: fc.integer({ min: 0, max: 1_000_000 }),
      deadlineAt: fc.option(fc.integer({ min: 0, max: 3_000 * day })),
      fraction: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    });
    fc.assert(
      fc.property(facts, (told) => {
        const ms = wait(told);
        expect(Number.isInteger(ms)).toBe(true);
        expect(ms).toBeGreaterThanOrEqual(0.75 * minute);
        expect(ms).toBeLessThanOrEqual(1.25 * hour);
      }),
    );
  });

  it('leaves at least eight tries before a deadline an hour off, whatever the dice say', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 8, maxLength: 8 }), (dice) => {
        let now = base.now;
        for (const [failed, fraction] of dice.entries())
          now = retryAt({ ...base, now, failures: 10 + failed, fraction, deadlineAt: base.now + hour });
        expect(now).toBeLessThan(base.now + hour);
      }),
    );
  });
});
