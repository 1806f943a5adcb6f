/** A run as a person reads it: suites, what each tried, rare states, failures with the command that shows each again. */
import { createPaint } from '../../src/cli/paint.ts';
import { type Column, table } from '../../src/cli/table.ts';
import type { Ended, Totals } from './verdict.ts';

const aligned = (titles: readonly string[], rows: readonly (readonly string[])[]) =>
  table({ columns: titles.map((title): Column => ({ title })), rows, width: undefined, paint: createPaint(false) });

/** Lines of a failure shown; the rest is in the JSON. */
const failuresMax = 20;

export function tablesOf(ended: readonly Ended[], totals: Totals, problems: readonly string[]): string[] {
  const { counts, rareStates, rareStatesMissed, failures } = totals;
  return [
    ...aligned(['SUITE', 'SECONDS', 'FAILURES', 'RARE STATES', 'COUNTS'], ended.map(suiteRow)),
    ...ended.flatMap(({ suite, result }) =>
      result?.table === undefined || result.table.length === 0 ? [] : ['', `${suite.name}:`, ...result.table],
    ),
    '',
    ...aligned(
      ['TOTAL', ''],
      Object.entries(counts).map(([name, count]) => [name, count === null ? 'not counted' : String(count)]),
    ),
    `rare states reached often enough: ${rareStates} of ${rareStates + rareStatesMissed.length}`,
    ...ended.flatMap(({ suite, died }) =>
      died === undefined
        ? []
        : ['', `${suite.name} ${died.why}; its last words:`, ...died.lastLines.map((line) => `  | ${line}`)],
    ),
    ...(failures.length === 0 ? [] : ['', `FAILURES (${failures.length}):`]),
    ...failures
      .slice(0, failuresMax)
      .flatMap(({ property, what, replay }) => [`  ${property}: ${what}`, `    ${replay}`]),
    ...(failures.length > failuresMax ? [`  ... and ${failures.length - failuresMax} more`] : []),
    '',
    ...(problems.length === 0 ? ['Every property held.'] : problems.map((problem) => `RED: ${problem}`)),
  ];
}

function suiteRow({ suite, seconds, result, died }: Ended): string[] {
  const states = Object.values(result?.rareStates ?? {});
  const reached = states.filter((state) => state.reached >= state.wanted && state.reached > 0).length;
  const counts = Object.entries(result?.counts ?? {}).map(([name, count]) => `${name} ${count}`);
  return [
    suite.name,
    String(seconds),
    died === undefined ? String(result?.failures.length ?? 0) : 'DIED',
    states.length === 0 ? '-' : `${reached}/${states.length}`,
    counts.join(', '),
  ];
}
