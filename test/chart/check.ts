/**
 * Checks, how they are run and how their results are told: a line for each group, every problem in words, and a last line
 * with both counts that `.ci/run` reads.
 */

/** One thing looked at. What it finds wrong is told, one string each; none is a pass. Throwing is a failure too. */
export interface Check {
  /** Checks of one group are told together. */
  readonly group: string;
  readonly what: string;
  run(): Promise<readonly string[]>;
  /** How many cases of its own it looked at, once it ran: tests of a suite, manifests of a rendering. One where absent. */
  cases?(): number;
}

export interface Result {
  readonly group: string;
  readonly what: string;
  readonly problems: readonly string[];
  readonly cases: number;
}

/** Runs all, `lanes` at a time, and gives the results in the order of the checks. Never throws. */
export async function runChecks(
  checks: readonly Check[],
  lanes: number,
  told: (result: Result) => void,
): Promise<Result[]> {
  const results = new Array<Result>(checks.length);
  let next = 0;
  async function lane(): Promise<void> {
    for (let at = next++; at < checks.length; at = next++) {
      const check = checks[at];
      if (check === undefined) return;
      const problems = await check.run().catch((error: Error) => [error.message]);
      const result = { group: check.group, what: check.what, problems, cases: check.cases?.() ?? 1 };
      results[at] = result;
      told(result);
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane));
  return results;
}

export interface Summary {
  readonly ok: boolean;
  readonly passed: number;
  readonly failed: number;
  readonly groups: Readonly<
    Record<string, { readonly passed: number; readonly failed: number; readonly cases: number }>
  >;
  readonly failures: readonly Result[];
}

/** What the results come to. A run that checked nothing is not well. */
export function summarise(results: readonly Result[]): Summary {
  const groups: Record<string, { passed: number; failed: number; cases: number }> = {};
  for (const { group, problems, cases } of results) {
    groups[group] ??= { passed: 0, failed: 0, cases: 0 };
    groups[group].cases += cases;
    groups[group][problems.length === 0 ? 'passed' : 'failed']++;
  }
  const failures = results.filter(({ problems }) => problems.length > 0);
  const passed = results.length - failures.length;
  return { ok: failures.length === 0 && passed > 0, passed, failed: failures.length, groups, failures };
}

/** The summary for a person, and for `.ci/run`: a line that begins with spaces and `Tests`. */
export function summaryLines({ passed, failed, groups, failures }: Summary): string[] {
  const told = failures.flatMap(({ group, what, problems }) => [
    `✗ ${group}: ${what}`,
    ...problems.flatMap((problem) => problem.split('\n').map((line) => `    ${line}`)),
  ]);
  const width = Math.max(...Object.keys(groups).map((name) => name.length), 0);
  const table = Object.entries(groups).map(
    ([name, counts]) =>
      `  ${name.padEnd(width)}  ${counts.passed} passed${counts.failed === 0 ? '' : `, ${counts.failed} failed`}${
        counts.cases === counts.passed + counts.failed ? '' : `, ${counts.cases} cases`
      }`,
  );
  const counts = failed === 0 ? `${passed} passed` : `${failed} failed | ${passed} passed`;
  return [...told, '', ...table, '', `      Tests  ${counts}`];
}
