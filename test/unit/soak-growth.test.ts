/** The soak's judgement: growth of every kind is found, noise and what a run begins with is not. */
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../src/runtime/random.ts';
import { growthOf, median, type Point, slopeOf, steadyPart } from '../soak/growth.ts';

const limit = { perUnit: 10, least: 15 };
const random = seededRandom(7);
/** Within ±1, most of it near 0. */
const noise = () => (random.fraction() + random.fraction() + random.fraction()) / 1.5 - 1;
/** Over five months, a look every two days. */
const series = (valueAt: (months: number) => number): Point[] =>
  Array.from({ length: 75 }, (_, place) => ({ at: place / 15, value: valueAt(place / 15) }));

describe('a leak is found', () => {
  test.for<[what: string, valueAt: (months: number) => number]>([
    ['that is steady', (at) => 1_000 + 40 * at],
    ['under noise as large as two months of it', (at) => 1_000 + 40 * at + 80 * noise()],
    ['that comes in steps', (at) => 1_000 + 40 * Math.floor(at * 2)],
    ['under a tide of the month', (at) => 1_000 + 60 * at + 50 * Math.sin(at * 2 * Math.PI)],
    ['that grows faster and faster', (at) => 1_000 + 12 * at ** 2],
    ['that begins with the second half', (at) => 1_000 + Math.max(0, at - 2.5) * 40],
    ['that a few looks deny', (at) => (Math.round(at * 15) % 9 === 0 ? 0 : 1_000 + 40 * at)],
  ])('%s', ([, valueAt]) => expect(growthOf(series(valueAt), limit).grows).toBe(true));
});

describe('no leak is found', () => {
  test.for<[what: string, valueAt: (months: number) => number]>([
    ['where nothing moves', () => 1_000],
    ['in noise', () => 1_000 + 300 * noise()],
    ['in a warm-up that ends in the first half', (at) => 1_000 + 500 * Math.min(at, 2.4)],
    ['in a warm-up that levels off', (at) => 1_000 * (1 - Math.exp(-4 * at))],
    ['in a tide of the month', (at) => 1_000 + 200 * Math.sin(at * 2 * Math.PI)],
    ['in one step up', (at) => (at < 4.7 ? 1_000 : 1_014)],
    ['in a lone peak', (at) => (Math.round(at * 15) === 60 ? 1e6 : 1_000)],
    ['in growth within the limit', (at) => 1_000 + 9 * at],
    ['in growth that is too little to speak of', (at) => 1 + 12 * Math.min(at, 3)],
    ['in what shrinks', (at) => 1_000 - 100 * at],
  ])('%s', ([, valueAt]) => expect(growthOf(series(valueAt), limit).grows).toBe(false));

  test('in a thousand runs of noise alone, but for the share the bounds allow', () => {
    const found = Array.from({ length: 1_000 }, () =>
      growthOf(
        series(() => 1_000 + 300 * noise()),
        limit,
      ),
    );
    expect(found.filter(({ grows }) => grows).length).toBeLessThan(40);
  });
});

test('the first half of the time is warm-up, however many looks fell into it', () => {
  const points = [0, 0.1, 0.2, 0.3, 0.4, 5, 10].map((at) => ({ at, value: at }));
  expect(steadyPart(points).map(({ at }) => at)).toEqual([5, 10]);
});

test('the slope is that of the line, and its bounds hold it', () => {
  const line = slopeOf(series((at) => 3 + 7 * at));
  expect(line.middle).toBeCloseTo(7);
  expect(line.low).toBeCloseTo(7);
  expect(line.high).toBeCloseTo(7);
  const noisy = slopeOf(series((at) => 3 + 7 * at + 5 * noise()));
  expect(noisy.low).toBeLessThan(7);
  expect(noisy.high).toBeGreaterThan(7);
});

/** Reckoned by hand. */
test('the bounds are those of the ranks around the middle', () => {
  const slope = slopeOf([
    { at: 1, value: 10 },
    { at: 2, value: 15 },
    { at: 3, value: 14 },
    { at: 4, value: 20 },
  ]);
  // 5, 2, 10/3, -1, 2.5, 6 in order: -1, 2, 2.5, 3.33, 5, 6.
  expect(slope.middle).toBeCloseTo((2.5 + 10 / 3) / 2);
  expect(slope.low).toBe(-1);
  expect(slope.high).toBe(6);
});

test('too few looks are no verdict', () => {
  const few = series(() => 1).slice(0, 12);
  expect(() => growthOf(few, limit)).toThrow(RangeError);
  expect(() => slopeOf([{ at: 1, value: 1 }])).toThrow(RangeError);
});

test('a median lies in the middle', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(median([])).toBeNaN();
});
