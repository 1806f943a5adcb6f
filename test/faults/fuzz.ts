/**
 * Fuzzing: the catalogue of bad inputs and the providers' own answers, damaged in every small way, fed to everything that
 * reads what somebody else wrote. No crash, no hang, no lost or altered token, no canary in anything that is shown.
 */
import { answers } from './fuzz/answers.ts';
import { anyAnswers } from './fuzz/any-answers.ts';
import { configs } from './fuzz/configs.ts';
import { documents } from './fuzz/documents.ts';
import type { Part } from './fuzz/part.ts';
import { rotations } from './fuzz/rotations.ts';
import { keyFiles, spoolRecords } from './fuzz/spool-records.ts';
import { times } from './fuzz/times.ts';
import type { Failure, Suite, SuiteOptions, SuiteResult } from './suite.ts';

const parts: readonly Part[] = [answers, anyAnswers, documents, rotations, spoolRecords, keyFiles, times, configs];

/** Inputs in all. */
const inputsFor = { quick: 6_000, usual: 120_000, long: 1_200_000 } as const;
const roundInputs = 500;
/** Of one part: what is broken in one way is broken in many. */
const failuresMax = 5;

export const suite: Suite = {
  name: 'fuzz',
  run: (options) => (options.replay === undefined ? runAll(options) : replayOne(options.replay)),
};

interface Run {
  readonly part: Part;
  readonly states: Map<string, number>;
  readonly failures: Failure[];
  inputs: number;
  ms: number;
}

async function runAll({ long, quick, seed, say }: SuiteOptions): Promise<SuiteResult> {
  const total = inputsFor[long ? 'long' : quick ? 'quick' : 'usual'];
  const shares = parts.reduce((sum, { share }) => sum + share, 0);
  const runs: Run[] = [];
  for (const part of parts) {
    const run: Run = { part, states: new Map(), failures: [], inputs: 0, ms: 0 };
    runs.push(run);
    await runPart(run, Math.ceil((total * part.share) / shares), seed);
    say(`${part.name}: ${run.inputs} inputs in ${Math.round(run.ms / 1_000)} s, ${run.failures.length} failures`);
  }
  return resultOf(runs, true);
}

async function runPart(run: Run, wanted: number, seed: number): Promise<void> {
  const { part, states, failures } = run;
  const note = (state: string) => void states.set(state, (states.get(state) ?? 0) + 1);
  const startedMs = performance.now();
  for (let round = 0; run.inputs < wanted && failures.length < failuresMax; round++) {
    const inputs = Math.min(roundInputs, wanted - run.inputs);
    // Apart by more than the rounds of any run, so that the runs of two seeds share none.
    const made = await part.run({ seed: (seed * 100_003 + round) % 2 ** 31, inputs }, note);
    run.inputs += made.inputs;
    if (made.failure !== undefined && !failures.some(({ what }) => kindOf(what) === kindOf(made.failure?.what ?? '')))
      failures.push(made.failure);
  }
  run.ms = performance.now() - startedMs;
}

/** What went wrong, without the input that showed it. */
function kindOf(what: string): string {
  return what.replace(/; input: .*$/s, '');
}

/** `part@seed@path`. */
async function replayOne(replay: string): Promise<SuiteResult> {
  const [name, seed = '', path = ''] = replay.split('@');
  const part = parts.find((one) => one.name === name);
  if (part === undefined || !/^\d+$/.test(seed)) throw new Error(`no such replay: ${replay}`);
  const run: Run = { part, states: new Map(), failures: [], inputs: 0, ms: 0 };
  const whole = path === 'round' || path === '';
  const made = await part.run(
    { seed: Number(seed), inputs: whole ? roundInputs : 1, ...(whole ? {} : { path }) },
    () => {},
  );
  run.inputs = made.inputs;
  if (made.failure !== undefined) run.failures.push(made.failure);
  return resultOf([run], false);
}

function resultOf(runs: readonly Run[], whole: boolean): SuiteResult {
  const failures = runs.flatMap((run) => run.failures);
  const count = (property: string) => failures.filter((failure) => failure.property === property).length;
  // What a run of this length would meet but a few times is left to a longer one.
  const states = runs.flatMap(({ part, states, inputs }) =>
    Object.entries(part.reaches)
      .filter(([, once]) => inputs >= 4 * once)
      .map(([state, once]) => [
        `${part.name}: ${state}`,
        { reached: states.get(state) ?? 0, wanted: Math.floor(inputs / once / 4) },
      ]),
  );
  return {
    counts: {
      fuzzed: runs.reduce((sum, { inputs }) => sum + inputs, 0),
      lostTokens: count('lostTokens'),
      canaryLeaks: count('canaryLeaks'),
      falseReconsents: count('falseReconsents'),
    },
    ...(whole ? { rareStates: Object.fromEntries(states) } : {}),
    failures,
    table: runs.map(
      ({ part, inputs, ms }) => `${part.name}: ${inputs} inputs, ${Math.round(inputs / (ms / 1_000))} a second`,
    ),
  };
}
