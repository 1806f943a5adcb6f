/** How far the store's clock is from ours: what one answer can tell and what it cannot, and when it is worth a word. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { LogFields } from '../../src/runtime/logger.ts';
import { createSkewWatch, judgeSkew, type ServerDate, skewOf } from '../../src/secrets/clock-skew.ts';

const now = Date.UTC(2026, 10, 20, 8);
/** An answer of a server whose clock is `skewMs` ahead of ours: made somewhere on the way, told in whole seconds. */
function answer(skewMs: number, { roundTripMs = 80, made = 0.5 } = {}): ServerDate {
  const madeAt = now + roundTripMs * made + skewMs;
  return { serverAt: Math.floor(madeAt / 1_000) * 1_000, sentAt: now, receivedAt: now + roundTripMs };
}

describe('one answer', () => {
  test('always has the true skew within its margin, wherever on the way the header was made', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -3_600_000, max: 3_600_000 }),
        fc.integer({ min: 0, max: 10_000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (skewMs, roundTripMs, made) => {
          const skew = skewOf(answer(skewMs, { roundTripMs, made }));
          expect(skew).toBeDefined();
          expect(Math.abs((skew?.skewMs ?? 0) - skewMs)).toBeLessThanOrEqual((skew?.marginMs ?? 0) + 1);
        },
      ),
    );
  });

  test('of a quick round trip is good to about half a second', () => {
    expect(skewOf(answer(0, { roundTripMs: 20 }))?.marginMs).toBe(510);
  });

  test.each<[why: string, date: ServerDate]>([
    ['a date that is none', { serverAt: Number.NaN, sentAt: now, receivedAt: now }],
    ['an answer that took too long', { serverAt: now, sentAt: now, receivedAt: now + 10_001 }],
    ['a calendar turned back meanwhile', { serverAt: now, sentAt: now, receivedAt: now - 1 }],
  ])('says nothing for %s', (_, date) => expect(skewOf(date)).toBeUndefined());
});

test('a skew near the limit is neither beyond nor within it', () => {
  expect(judgeSkew({ skewMs: 61_000, marginMs: 500 }, 60_000)).toBe('beyond');
  expect(judgeSkew({ skewMs: -61_000, marginMs: 500 }, 60_000)).toBe('beyond');
  expect(judgeSkew({ skewMs: 60_200, marginMs: 500 }, 60_000)).toBe('unclear');
  expect(judgeSkew({ skewMs: 59_000, marginMs: 500 }, 60_000)).toBe('within');
});

describe('the watch', () => {
  function watched() {
    const lines: [event: string, fields: LogFields][] = [];
    const note = (event: string, fields: LogFields = {}) => void lines.push([event, fields]);
    return { watch: createSkewWatch({ info: note, warn: note }), lines };
  }

  test('says once that the clocks have parted, and once that they agree again', () => {
    const { watch, lines } = watched();
    for (const seconds of [0, 0, 90, 95, 120, 60, 90, 2, 1, -80, -400]) watch.seen(answer(seconds * 1_000));
    expect(lines.map(([event]) => event)).toEqual(['store.clock_apart', 'store.clock_agrees', 'store.clock_apart']);
    expect(Math.abs(Number(lines[0]?.[1].seconds) - 90)).toBeLessThanOrEqual(1);
    expect(Math.abs(Number(lines[2]?.[1].seconds) + 80)).toBeLessThanOrEqual(1);
  });

  test('does not waver at the limit', () => {
    const { watch, lines } = watched();
    for (let look = 0; look < 50; look++) watch.seen(answer(60_000 + (look % 3) * 200 - 200));
    expect(lines).toEqual([]);
  });

  test('keeps the last that could be told', () => {
    const { watch } = watched();
    expect(watch.read()).toBeUndefined();
    watch.seen(answer(5_000));
    watch.seen({ serverAt: Number.NaN, sentAt: now, receivedAt: now });
    expect(Math.abs((watch.read()?.skewMs ?? 0) - 5_000)).toBeLessThan(1_000);
  });
});
