/** What the soak makes of its looks: each figure against its own limit, each family of Redis keys for itself. */
import { expect, test } from 'vitest';
import { readArguments } from '../soak/arguments.ts';
import { createSharedCalendar } from '../soak/calendar.ts';
import { figures, type Look } from '../soak/figures.ts';
import { type Leak, leaks, shownBy } from '../soak/plant.ts';
import { familyOf } from '../soak/redis-look.ts';
import { unseenLeaks } from '../soak/report.ts';
import { createTimeline } from '../soak/timeline.ts';
import { verdictOf } from '../soak/verdict.ts';

const names = Object.keys(figures);
/** Five months in which a figure or a family grows by ten times its limit a month, or none does. */
function looks(growing?: string): Look[] {
  return Array.from({ length: 75 }, (_, place) => {
    const months = place / 15;
    const value = (name: string, perUnit: number) => 1_000 + (name === growing ? 10 * perUnit * months : 0);
    return {
      days: months * 30,
      figures: Object.fromEntries(names.map((name) => [name, value(name, figures[name]?.limit.perUnit ?? 0)])),
      families: { e: 150, attempts: value('redis:attempts', 12), ...(place > 30 ? { report: 1 } : {}) },
    };
  });
}

test('a steady run is good, a family that comes and goes with it', () => {
  const { good, growing, judged } = verdictOf(looks(), 1 / 12);
  expect(growing).toEqual([]);
  expect(good).toBe(true);
  expect(judged.map(({ name }) => name)).toEqual(
    expect.arrayContaining([...names, 'redis:e', 'redis:attempts', 'redis:report']),
  );
});

test.for([...names, 'redis:attempts'])('growth of %s alone makes the run bad, and is named', (name) => {
  const { good, growing, judged } = verdictOf(looks(name), 1 / 12);
  expect(good).toBe(false);
  expect(growing).toHaveLength(1);
  expect(judged.filter(({ grows }) => grows).map((one) => one.name)).toEqual([name]);
});

test('a slope a month is told by the real hour as well', () => {
  const handles = verdictOf(looks('handles'), 0.1).judged.find(({ name }) => name === 'handles');
  expect(handles?.slopePerMonth).toBeCloseTo(20);
  // 74 looks of two days are 4.93 months, in a tenth of an hour.
  expect(handles?.slopePerHour).toBeCloseTo((20 * 74) / 15 / 0.1);
});

test('every leak that can be planted has figures it must show in, and one that shows in none is told', () => {
  for (const leak of leaks) expect(shownBy[leak].length).toBeGreaterThan(0);
  const options = { minutes: 1, json: true, seed: 1, connections: 20, daysPerSecond: 0.5 };
  const planted: readonly Leak[] = ['heap', 'fds'];
  expect(unseenLeaks({ ...options, leaks: planted }, verdictOf(looks('fds'), 1))).toEqual(['heap']);
});

test.for([
  ['{pilotlight}:attempts:docusign/a:b', 'attempts'],
  ['{pilotlight}:mix:2027-01-04', 'mix'],
  ['{pilotlight}:incidents', 'incidents'],
  ['{pilotlight}:refresh-docusign:17', 'refresh-queue job'],
  ['{pilotlight}:refresh-docusign:17:lock', 'refresh-queue job-lock'],
  ['{pilotlight}:refresh-docusign:de:customer/1', 'refresh-queue de'],
  ['{pilotlight}:alerts:events', 'alerts-queue events'],
  ['{pilotlight}:alerts-turn', 'alerts-turn'],
  ['other', 'other'],
] as const)('%s is of the family %s', ([key, family]) => expect(familyOf(key)).toBe(family));

test('the calendar runs by the shared counter, changes speed at its instant and never runs backwards', () => {
  let ms = 1_000;
  const clock = { monotonic: () => ms, sleep: () => Promise.resolve() };
  const calendar = createSharedCalendar({ fromMs: 1_000, at: 50_000, speed: 0 }, clock, () => ms);
  ms = 5_000;
  expect(calendar.now()).toBe(50_000);
  calendar.follow(calendar.next(6_000, 100));
  expect(calendar.now()).toBe(50_000);
  ms = 7_000;
  expect(calendar.now()).toBe(150_000);
  calendar.follow(calendar.next(8_000, 2));
  ms = 7_500;
  expect(calendar.now()).toBe(200_000);
  ms = 9_000;
  expect(calendar.now()).toBe(252_000);
});

test('the command line is read, and refused in words', () => {
  expect(readArguments([])).toMatchObject({ minutes: 10, json: false, leaks: [] });
  expect(readArguments(['--minutes', '5', '--json', '--plant', 'all'])).toMatchObject({
    minutes: 5,
    json: true,
    leaks,
  });
  expect(readArguments(['--help'])).toBe('help');
  expect(() => readArguments(['--minutes', 'x'])).toThrow(/--minutes must be a number/);
  expect(() => readArguments(['--plant', 'nothing'])).toThrow(/there is no leak nothing/);
  expect(() => readArguments(['--minuts', '5'])).toThrow();
});

test('a trouble begins on its day, ends after its days, and is counted even where it never struck', async () => {
  const ended: string[] = [];
  const trouble = (name: string, day: number, days: number, struck: number) => ({
    name,
    day,
    days,
    begin: () => ({ end: () => void ended.push(name), struck: () => struck }),
  });
  const timeline = createTimeline([trouble('outage', 1, 2, 5), trouble('flush', 2, 0, 0), trouble('outage', 9, 2, 3)]);
  expect(await timeline.step(0.5)).toEqual([]);
  expect(await timeline.step(1.1)).toEqual(['outage']);
  expect(await timeline.step(2)).toEqual(['flush']);
  expect(ended).toEqual([]);
  await timeline.step(2.1);
  expect(ended).toEqual(['flush']);
  await timeline.step(3.2);
  expect(ended).toEqual(['flush', 'outage']);
  await timeline.step(10);
  timeline.endAll();
  expect([...timeline.struck]).toEqual([
    ['flush', 0],
    ['outage', 8],
  ]);
});
