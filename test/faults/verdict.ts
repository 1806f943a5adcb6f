/**
 * What all suites come to together: counts added up by name, and whether the run may be called green. Pure. A zero counts
 * only where somebody counted: what no suite reported is null, never 0, and a run that owes it is red.
 */
import type { Failure, SuiteResult } from './suite.ts';
import type { SuiteEntry } from './suites.ts';

/** One suite as it ended: with a result, or crashed or hanging. */
export interface Ended {
  readonly suite: SuiteEntry;
  readonly seconds: number;
  readonly result?: SuiteResult;
  /** Why there is no result, with the last words of its output. */
  readonly died?: { readonly why: string; readonly lastLines: readonly string[] };
}

/** Anything but zero is a broken promise. */
export const zeroDue = [
  'lostTokens',
  'doubleSpends',
  'familiesRevoked',
  'falseReconsents',
  'silentDeaths',
  'canaryLeaks',
  'sabotagesSurvived',
] as const;

/** How much was tried. */
export const countsDue = ['crashPoints', 'pairs', 'seeds', 'states', 'kills', 'byteCuts', 'fuzzed'] as const;

/** Reported as it is: what no design can save. */
const reported = ['windowLosses'] as const;

export interface Totals {
  /** By name; null where no suite that ran counts it. */
  readonly counts: Readonly<Record<string, number | null>>;
  /** Named rare states reached as often as they must be. */
  readonly rareStates: number;
  readonly rareStatesMissed: readonly { suite: string; state: string; reached: number; wanted: number }[];
  readonly failures: readonly Failure[];
}

/** `replayOf` makes the command that runs a suite again as it was run. */
export function addUp(ended: readonly Ended[], replayOf: (suite: string) => string): Totals {
  const known: readonly string[] = [...zeroDue, ...countsDue, ...reported];
  const counts: Record<string, number | null> = Object.fromEntries(known.map((name) => [name, null]));
  const missed: Totals['rareStatesMissed'][number][] = [];
  const failures: Failure[] = [];
  let rareStates = 0;
  for (const { suite, result, died } of ended) {
    if (died !== undefined) failures.push({ property: 'other', what: died.why, replay: replayOf(suite.name) });
    if (result === undefined) continue;
    failures.push(...result.failures);
    for (const [name, count] of Object.entries(withFailures(result))) counts[name] = (counts[name] ?? 0) + count;
    for (const [state, { reached, wanted }] of Object.entries(result.rareStates ?? {})) {
      if (reached >= wanted && reached > 0) rareStates += 1;
      // A quick run wants none; one it does not reach says nothing.
      else if (wanted > 0) missed.push({ suite: suite.name, state, reached, wanted });
    }
  }
  return { counts, rareStates, rareStatesMissed: missed, failures };
}

/** A suite that names a failure of a property and forgets to count it has counted one all the same. */
function withFailures({ counts, failures }: SuiteResult): Record<string, number> {
  const named = zeroDue.flatMap((name): [string, number][] => {
    const found = failures.filter(({ property }) => property === name).length;
    return found > (counts[name] ?? 0) ? [[name, found]] : [];
  });
  return { ...counts, ...Object.fromEntries(named) };
}

export interface Asked {
  readonly chosen: readonly SuiteEntry[];
  readonly replay: string | undefined;
  /** Every suite there is was asked for. */
  readonly whole: boolean;
}

/** Why the run is red, in sentences; empty where it is green. */
export function problemsOf({ counts, rareStatesMissed, failures }: Totals, { chosen, replay, whole }: Asked): string[] {
  const problems: string[] = [];
  if (failures.length > 0) problems.push(`${failures.length} ${failures.length === 1 ? 'failure' : 'failures'}`);
  for (const name of zeroDue) if ((counts[name] ?? 0) !== 0) problems.push(`${name} is ${counts[name]}, not 0`);
  const strange = Object.entries(counts).filter(([, count]) => count !== null && !(count >= 0 && count < Infinity));
  for (const [name, count] of strange) problems.push(`${name} is ${count}, which is no count`);
  // One case alone owes nothing but itself.
  if (replay !== undefined) return problems;
  for (const name of chosen.flatMap(({ owes }) => owes)) {
    if ((counts[name] ?? 0) === 0) problems.push(`${name} is ${counts[name] ?? 'not counted'}: nothing was tried`);
  }
  if (whole)
    for (const name of zeroDue) if (counts[name] === null) problems.push(`${name} was not counted by any suite`);
  for (const { suite, state, reached, wanted } of rareStatesMissed)
    problems.push(`${suite} reached "${state}" ${reached} times, ${wanted} wanted`);
  return problems;
}

/** A child's word is not taken for a result before it looks like one. */
export function isSuiteResult(value: unknown): value is SuiteResult {
  if (typeof value !== 'object' || value === null) return false;
  const { counts, failures, rareStates = {}, table = [] } = value as Record<string, unknown>;
  const isRecord = (one: unknown): one is Record<string, unknown> =>
    typeof one === 'object' && one !== null && !Array.isArray(one);
  return (
    isRecord(counts) &&
    Object.values(counts).every((count) => typeof count === 'number') &&
    Array.isArray(failures) &&
    failures.every(
      (one) => isRecord(one) && [one.property, one.what, one.replay].every((w) => typeof w === 'string'),
    ) &&
    isRecord(rareStates) &&
    Object.values(rareStates).every(
      (one) => isRecord(one) && typeof one.reached === 'number' && typeof one.wanted === 'number',
    ) &&
    Array.isArray(table) &&
    table.every((line) => typeof line === 'string')
  );
}
