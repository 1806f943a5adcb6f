/**
 * Suite "simulation": seeded worlds, months of virtual time each, in which everything that can go wrong does, a different
 * part of it in each seed. The protocol is the real one; the provider knows which token is live; invariants are looked at
 * after every event. States that only come of several faults together must be reached often enough, or nothing is proven.
 */
import { type RareState, rareStates } from './simulation/rare-states.ts';
import { runSeed, type SeedResult, type Wrong } from './simulation/run.ts';
import { swarmText } from './simulation/swarm.ts';
import type { Failure, Suite, SuiteOptions, SuiteResult } from './suite.ts';

const seedsNormal = 180;
const seedsQuick = 6;
const seedsLong = 100_000;
/** One seed in so many is run a second time: the same seed must give the same trace. */
const twiceEvery = 50;
/** After so many failing seeds there is nothing more to learn. */
const failuresMax = 25;
/** Lines of trace shown before a violation. */
const linesBefore = 160;

interface Tally {
  readonly failures: Failure[];
  readonly counts: Record<string, number>;
  readonly reached: Map<RareState, number>;
  failing: number;
}

function emptyTally(): Tally {
  const properties = ['lostTokens', 'doubleSpends', 'familiesRevoked', 'falseReconsents', 'silentDeaths'];
  const others = [
    'seeds',
    'virtualDays',
    'rotations',
    'simulatedCalls',
    'windowLosses',
    'policySecondTries',
    'traceMismatches',
  ];
  const counts = Object.fromEntries([...properties, ...others].map((name) => [name, 0]));
  return { failures: [], counts, reached: new Map(), failing: 0 };
}

const replayOf = (seed: number) => `node test/faults/main.ts --only simulation --replay ${seed}`;

function add({ counts }: Tally, name: string, by: number): void {
  counts[name] = (counts[name] ?? 0) + by;
}

function note(tally: Tally, result: SeedResult): void {
  const { seed } = result.swarm;
  add(tally, 'seeds', 1);
  add(tally, 'virtualDays', Math.round(result.virtualDays));
  add(tally, 'rotations', result.rotations);
  add(tally, 'simulatedCalls', result.steps);
  add(tally, 'policySecondTries', result.policySecondTries);
  add(
    tally,
    'windowLosses',
    Object.values(result.windowLosses).reduce((sum, count) => sum + count, 0),
  );
  for (const state of result.reached.keys()) tally.reached.set(state, (tally.reached.get(state) ?? 0) + 1);
  if (result.wrong.length > 0) tally.failing += 1;
  for (const { property, what } of result.wrong) {
    add(tally, property in tally.counts ? property : 'other', 1);
    tally.failures.push({ property, what: `seed ${seed}: ${what}`, replay: replayOf(seed) });
  }
}

async function sameTwice(tally: Tally, first: SeedResult): Promise<void> {
  const { seed } = first.swarm;
  const second = await runSeed(seed);
  if (second.hash === first.hash && second.steps === first.steps) return;
  add(tally, 'traceMismatches', 1);
  const what = `seed ${seed} gave trace ${first.hash} of ${first.steps} calls, and then ${second.hash} of ${second.steps}`;
  tally.failures.push({ property: 'other', what, replay: replayOf(seed) });
}

function seedsFor({ quick, long }: SuiteOptions): number {
  if (quick) return seedsQuick;
  return long ? seedsLong : seedsNormal;
}

/** How many seeds must have met each state: what is usual is several times as much. Too few seeds owe nothing. */
function owed(tally: Tally, seeds: number): NonNullable<SuiteResult['rareStates']> {
  return Object.fromEntries(
    Object.entries(rareStates).map(([state, perThousand]) => [
      state,
      { reached: tally.reached.get(state as RareState) ?? 0, wanted: Math.floor((perThousand * seeds) / 1_000) },
    ]),
  );
}

/** The trace before the first thing that went wrong, and what went wrong. */
async function replay(options: SuiteOptions, argument: string): Promise<SuiteResult> {
  const seed = Number(argument);
  if (!Number.isSafeInteger(seed)) throw new Error(`--replay wants a seed, not ${argument}`);
  const result = await runSeed(seed, true);
  const tally = emptyTally();
  note(tally, result);
  options.say(`${swarmText(result.swarm)}`);
  options.say(`trace ${result.hash}, ${result.steps} calls, ${result.rotations} rotations`);
  const end = lineOf(result, result.wrong[0]);
  for (const line of result.trace.slice(Math.max(0, end - linesBefore), end)) options.say(line);
  for (const { property, what } of result.wrong) options.say(`${property}: ${what}`);
  return { counts: tally.counts, failures: tally.failures };
}

function lineOf({ trace }: SeedResult, wrong: Wrong | undefined): number {
  if (wrong === undefined) return trace.length;
  const line = trace.findIndex((text) => text.startsWith(`${wrong.step + 1} `));
  return line < 0 ? trace.length : line;
}

function tableOf({ counts, reached }: Tally): string[] {
  const { seeds = 0, virtualDays = 0, rotations = 0, simulatedCalls = 0 } = counts;
  const states = Object.keys(rareStates).map((state) => `| ${state} | ${reached.get(state as RareState) ?? 0} |`);
  return [
    `${seeds} seeds, ${Math.round(virtualDays / 365)} virtual years, ${rotations} rotations, ${simulatedCalls} calls`,
    '| rare state | seeds that met it |',
    '|---|---|',
    ...states,
  ];
}

export const suite: Suite = {
  name: 'simulation',
  async run(options) {
    if (options.replay !== undefined) return replay(options, options.replay);
    const tally = emptyTally();
    const seeds = seedsFor(options);
    for (let nth = 0; nth < seeds && tally.failing < failuresMax; nth++) {
      const result = await runSeed(options.seed + nth);
      note(tally, result);
      if (nth % twiceEvery === 0) await sameTwice(tally, result);
      if ((nth + 1) % 25 === 0) options.say(`${nth + 1} of ${seeds} seeds, ${tally.failing} failing`);
    }
    return { counts: tally.counts, rareStates: owed(tally, seeds), failures: tally.failures, table: tableOf(tally) };
  },
};
