/** Medians, percentiles and spreads: a figure is never one number from one run. */

export interface Spread {
  readonly min: number;
  readonly max: number;
  readonly runs: number;
}

/** The value below which `share` (0 to 1) of all lie, by nearest rank; NaN of none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(sorted.length * share) - 1))] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

export function spreadOf(values: readonly number[]): Spread {
  return { min: rounded(Math.min(...values)), max: rounded(Math.max(...values)), runs: values.length };
}

/** Three digits that mean something; whole numbers from 100 on. */
export function rounded(value: number): number {
  if (!Number.isFinite(value)) return value;
  return Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3));
}

/**
 * Events per second from their monotonic instants (ms), in the order they came, without the first and the last tenth:
 * at both ends not every lane is busy.
 */
export function steadyRate(atMs: readonly number[]): number {
  const from = Math.floor(atMs.length * 0.1);
  const to = Math.floor(atMs.length * 0.9) - 1;
  const ms = (atMs[to] ?? Number.NaN) - (atMs[from] ?? Number.NaN);
  return ((to - from) * 1_000) / ms;
}
