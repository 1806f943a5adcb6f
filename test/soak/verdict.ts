/** The verdict over a run: which figures grow beyond their limits, and what else did not hold. Pure. */
import { figureOf, figures, type Look } from './figures.ts';
import { type Growth, growthOf, type Point } from './growth.ts';

export const daysPerMonth = 30;

export interface Judged extends Growth {
  readonly name: string;
  /** Per month of the calendar; `growth.slope` is the same. */
  readonly slopePerMonth: number;
  readonly slopePerHour: number;
}

export interface Verdict {
  readonly good: boolean;
  readonly judged: readonly Judged[];
  /** What grows, in words. */
  readonly growing: readonly string[];
}

/** A figure of every look, by name; families of Redis keys as `redis:<family>`, 0 where a look saw none. */
export function seriesOf(looks: readonly Look[]): ReadonlyMap<string, readonly Point[]> {
  const families = new Set(looks.flatMap((look) => Object.keys(look.families)));
  const series = new Map<string, Point[]>();
  const put = (name: string, at: number, value: number | undefined) => {
    if (value === undefined) return;
    const points = series.get(name) ?? [];
    series.set(name, points);
    points.push({ at, value });
  };
  for (const look of looks) {
    const at = look.days / daysPerMonth;
    for (const name of Object.keys(figures)) put(name, at, look.figures[name]);
    for (const family of families) put(`redis:${family}`, at, look.families[family] ?? 0);
  }
  return series;
}

/** `realHours`: how long the looks took. Throws RangeError where they are too few to judge by. */
export function verdictOf(looks: readonly Look[], realHours: number): Verdict {
  const months = ((looks.at(-1)?.days ?? 0) - (looks[0]?.days ?? 0)) / daysPerMonth;
  const judged = [...seriesOf(looks)].map(([name, points]): Judged => {
    const growth = growthOf(points, figureOf(name).limit);
    const slopePerMonth = growth.slope.middle;
    return { ...growth, name, slopePerMonth, slopePerHour: (slopePerMonth * months) / realHours };
  });
  const growing = judged
    .filter(({ grows }) => grows)
    .map(({ name, from, to }) => `${figureOf(name).words}: from ${shown(name, from)} to ${shown(name, to)}`);
  return { good: growing.length === 0, judged, growing };
}

/** A value as people read it. */
export function shown(name: string, value: number): string {
  const { unit } = figureOf(name);
  if (unit === 'MiB') return `${(value / 1_048_576).toFixed(2)} MiB`;
  const number = Math.abs(value) >= 100 || Number.isInteger(value) ? String(Math.round(value)) : value.toFixed(2);
  return unit === '' ? number : `${number} ${unit}`;
}
