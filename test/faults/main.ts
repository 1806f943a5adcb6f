/**
 * `npm run test:faults`: the proof that no refresh token is lost. Every suite runs in a process of its own, two at a time,
 * the longest first; what they counted is added up, and the run is green only if every property held and everything owed
 * was tried.
 */
import { availableParallelism, loadavg } from 'node:os';
import { childArguments, type FaultArguments, readArguments } from './arguments.ts';
import { runInLanes } from './lanes.ts';
import type { SuiteResult } from './suite.ts';
import { loadSuite, suites } from './suites.ts';
import { tablesOf } from './tables.ts';
import { addUp, type Ended, problemsOf, type Totals } from './verdict.ts';

const say = (line: string) => void process.stderr.write(`${line}\n`);

/** Longest one suite may take: the whole run has 15 minutes. */
const limitMs = { usual: 780_000, quick: 180_000, long: 86_400_000 } as const;

async function runAll(asked: FaultArguments): Promise<number> {
  const startedMs = performance.now();
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  const ended = await runInLanes(asked.chosen, {
    lanes: asked.lanes,
    limitMs: limitMs[asked.long ? 'long' : asked.quick ? 'quick' : 'usual'],
    command: (suite) => [process.execPath, ...process.execArgv, import.meta.filename, ...childArguments(suite, asked)],
    say: (suite, line) => say(`${suite}: ${line}`),
    signal: stop.signal,
  }).catch((error: unknown) => {
    if (stop.signal.aborted) return undefined;
    throw error;
  });
  if (ended === undefined) return 130;
  const totals = addUp(ended, (suite) => commandOf(suite, asked));
  const problems = problemsOf(totals, { ...asked, whole: asked.chosen.length === suites.length });
  const seconds = Math.round((performance.now() - startedMs) / 1_000);
  say(['', ...tablesOf(ended, totals, problems), `${seconds} s, seed ${asked.seed}`].join('\n'));
  if (asked.json)
    process.stdout.write(`${JSON.stringify(documentOf(asked, ended, totals, problems, seconds), null, 2)}\n`);
  return problems.length === 0 ? 0 : 1;
}

function commandOf(suite: string, { seed, long, quick, replay }: FaultArguments): string {
  const mode = `${long ? ' --long' : ''}${quick ? ' --quick' : ''}`;
  return `node test/faults/main.ts --only ${suite} --seed ${seed}${mode}${replay === undefined ? '' : ` --replay ${replay}`}`;
}

function documentOf(
  asked: FaultArguments,
  ended: readonly Ended[],
  totals: Totals,
  problems: readonly string[],
  seconds: number,
) {
  const { seed, long, quick } = asked;
  return {
    ok: problems.length === 0,
    ...totals.counts,
    rareStates: totals.rareStates,
    rareStatesMissed: totals.rareStatesMissed.length,
    seconds,
    seed,
    mode: long ? 'long' : quick ? 'quick' : 'usual',
    problems,
    failures: totals.failures,
    suites: Object.fromEntries(ended.map((one) => [one.suite.name, { seconds: one.seconds, ...outcomeOf(one) }])),
    machine: {
      node: process.versions.node,
      cores: availableParallelism(),
      load: loadavg().map((n) => Math.round(n * 10) / 10),
    },
  };
}

function outcomeOf({ result, died }: Ended) {
  if (died !== undefined) return { died: died.why };
  return { counts: result?.counts, failures: result?.failures.length, rareStates: result?.rareStates ?? {} };
}

/** The child's side: one suite, its result handed up; by hand, its result is the last line. */
async function runChild({ chosen, long, quick, seed, replay }: FaultArguments): Promise<void> {
  // Nobody is left to hear of it.
  process.once('disconnect', () => process.exit(1));
  const suite = await loadSuite(chosen[0]?.name ?? '');
  const result: SuiteResult = await suite.run({ long, quick, seed, replay, say });
  if (process.send === undefined) process.stdout.write(`${JSON.stringify(result)}\n`);
  else await new Promise<void>((sent) => process.send?.(result, () => sent()));
  process.exit(0);
}

const read = readArguments(process.argv.slice(2));
if (!read.ok) {
  (read.exit === 0 ? process.stdout : process.stderr).write(read.says);
  process.exitCode = read.exit;
} else if (read.asked.child) await runChild(read.asked);
else process.exitCode = await runAll(read.asked);
