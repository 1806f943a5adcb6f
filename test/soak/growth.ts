/**
 * Whether a figure grows: a robust slope over the second half of a run, with the bounds between which it lies in 95 of 100
 * cases (Theil and Sen; Kendall's variance, as in Gilbert, Statistical Methods for Environmental Pollution Monitoring,
 * 16.4 and 16.5). Pure: nothing here knows what is measured.
 */

export interface Point {
  /** Instant, in whatever unit the limit is per. */
  readonly at: number;
  readonly value: number;
}

export interface Slope {
  /** Median of the slopes between all pairs of points, per unit of time. */
  readonly middle: number;
  readonly low: number;
  readonly high: number;
}

export interface GrowthLimit {
  /** Steady growth that is accepted, per unit of time. */
  readonly perUnit: number;
  /** Growth over the whole window that is not spoken of: one step up is no leak, and no figure is free of noise. */
  readonly least: number;
}

export interface Growth {
  readonly first: number;
  readonly last: number;
  /** Median of the window's first and of its last third. */
  readonly from: number;
  readonly to: number;
  readonly slope: Slope;
  readonly grows: boolean;
}

/** Below this a slope says nothing. */
export const pointsMin = 10;

/** The points of the second half of the time: what comes before is warm-up. */
export function steadyPart(points: readonly Point[]): readonly Point[] {
  const from = points[0]?.at ?? 0;
  const middle = from + ((points.at(-1)?.at ?? from) - from) / 2;
  return points.filter(({ at }) => at >= middle);
}

/** Throws RangeError of fewer than two instants. */
export function slopeOf(points: readonly Point[]): Slope {
  const slopes = points
    .flatMap((one, place) =>
      points.slice(place + 1).flatMap((other) => {
        const run = other.at - one.at;
        return run > 0 ? [(other.value - one.value) / run] : [];
      }),
    )
    .sort((a, b) => a - b);
  if (slopes.length === 0) throw new RangeError('a slope needs points at two instants');
  const count = points.length;
  // 1.96 standard deviations of Kendall's S: 2.5 of 100 lie beyond on each side.
  const spread = 1.96 * Math.sqrt((count * (count - 1) * (2 * count + 5)) / 18);
  const rank = (place: number) => slopes[Math.min(slopes.length - 1, Math.max(0, Math.round(place)))] as number;
  return {
    middle: median(slopes),
    low: rank((slopes.length - spread) / 2 - 1),
    high: rank((slopes.length + spread) / 2),
  };
}

/**
 * Grows where even the lower bound of the slope is above the limit, and the window's end lies above its start by more than
 * noise. Throws RangeError where the window holds too few points to say.
 */
export function growthOf(points: readonly Point[], limit: GrowthLimit): Growth {
  const steady = steadyPart(points);
  if (steady.length < pointsMin) throw new RangeError(`${steady.length} points are too few to judge growth by`);
  const slope = slopeOf(steady);
  const third = Math.ceil(steady.length / 3);
  const from = median(steady.slice(0, third).map(({ value }) => value));
  const to = median(steady.slice(-third).map(({ value }) => value));
  return {
    first: points[0]?.value ?? Number.NaN,
    last: points.at(-1)?.value ?? Number.NaN,
    from,
    to,
    slope,
    grows: slope.low > limit.perUnit && to - from > limit.least,
  };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const low = sorted[Math.ceil(middle) - 1] ?? Number.NaN;
  return (low + (sorted[Math.floor(middle)] ?? low)) / 2;
}
