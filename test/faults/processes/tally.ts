/** What the suite counts, the times it measured, and the failures it met, each with the one line that shows it again. */
import type { Failure } from '../suite.ts';

export const countNames = [
  'kills',
  'namedKills',
  'randomKills',
  'stops',
  'flushes',
  'redisRestarts',
  'redisOutages',
  'storeOutages',
  'diskFull',
  'skippedDiskFull',
  'recoveries',
  'spends',
  'secondTries',
  'windowLosses',
  'lostTokens',
  'doubleSpends',
  'familiesRevoked',
  'falseReconsents',
  'silentDeaths',
  'canaryLeaks',
] as const;
export type CountName = (typeof countNames)[number];

export interface Tally {
  readonly counts: Readonly<Record<CountName, number>>;
  readonly failures: readonly Failure[];
  /** From a successor's start to the end of each record it found answered, ms. */
  readonly recoveryMs: readonly number[];
  add(count: CountName, by?: number): void;
  /** How often each named state was reached. */
  readonly reached: ReadonlyMap<string, number>;
  reach(state: string): void;
  recovered(ms: number): void;
  /** A property that did not hold; those of our counts are counted. */
  fail(property: CountName | 'other', what: string, replay: string): void;
}

export function createTally(): Tally {
  const counts = Object.fromEntries(countNames.map((name) => [name, 0])) as Record<CountName, number>;
  const failures: Failure[] = [];
  const recoveryMs: number[] = [];
  const reached = new Map<string, number>();
  return {
    reached,
    reach: (state) => void reached.set(state, (reached.get(state) ?? 0) + 1),
    counts,
    failures,
    recoveryMs,
    add(count, by = 1) {
      counts[count] += by;
    },
    recovered(ms) {
      counts.recoveries++;
      recoveryMs.push(ms);
    },
    fail(property, what, replay) {
      if (property !== 'other') counts[property]++;
      failures.push({
        property,
        what: `${replay}: ${what}`,
        replay: `node test/faults/main.ts --only processes --replay ${replay}`,
      });
    },
  };
}
