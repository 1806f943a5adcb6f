/** At which points workers die, and which rotations meet such a death: drawn once, and the same for both who refresh. */
import type { Random } from '../../../src/runtime/random.ts';
import type { Step } from '../../support/rotation-bench.ts';

/** The same moment as the two programs see it. */
export interface Point {
  readonly name: string;
  /** Where our rotation is stopped. */
  readonly step: Step;
  /** Where the loop is, that refreshes and then saves. */
  readonly loop: 'beforePost' | 'answered' | 'beforePut' | 'saved';
  /** Committed by the provider and not yet sealed: the stated window, in which nobody can save a token. */
  readonly window?: true;
}

export const points: readonly Point[] = [
  { name: 'before the request, intent written', step: 'intended', loop: 'beforePost' },
  { name: 'on the way to the request', step: 'posting', loop: 'beforePost' },
  { name: 'answer in memory, not yet sealed', step: 'answered', loop: 'answered', window: true },
  { name: 'answer sealed', step: 'sealed', loop: 'beforePut' },
  { name: 'before the put', step: 'putting', loop: 'beforePut' },
  { name: 'after the put', step: 'put', loop: 'saved' },
  { name: 'before the swap', step: 'swapping', loop: 'saved' },
  { name: 'after the swap', step: 'swapped', loop: 'saved' },
  { name: 'before the record is deleted', step: 'removing', loop: 'saved' },
];

/** By round and number of the grant. */
export type Plan = readonly ReadonlyMap<number, Point>[];

/** In each round about `share` of the grants meet a death, every point as often as any other. */
export function planKills(grants: number, rounds: number, share: number, random: Random): Plan {
  return Array.from({ length: rounds }, () => {
    const numbers = shuffled(
      Array.from({ length: grants }, (_, number) => number),
      random,
    );
    const doomed = numbers.slice(0, Math.max(points.length, Math.round(grants * share)));
    return new Map(doomed.map((number, at) => [number, points[at % points.length] as Point]));
  });
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const left = [...items];
  for (let at = left.length - 1; at > 0; at--) {
    const other = Math.floor(random.fraction() * (at + 1));
    [left[at], left[other]] = [left[other] as T, left[at] as T];
  }
  return left;
}
