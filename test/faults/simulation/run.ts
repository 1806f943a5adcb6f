/** One seed: a world, what befalls it for months, and what comes of it. */
import { seededChooser } from '../sim/choosers.ts';
import { createDice, seedOf } from '../sim/dice.ts';
import { createSimWorld, type Reported, type SimWorld } from '../sim/world.ts';
import { createCallFaults, latencyMs } from './call-faults.ts';
import { createJobs } from './jobs.ts';
import { letPeopleIn } from './people.ts';
import { type RareState, watchRareStates } from './rare-states.ts';
import type { Run } from './state.ts';
import { day, hour, type Swarm, swarmOf } from './swarm.ts';
import { createDeathWatch, judgeEnd } from './verdict.ts';
import { createWeather } from './weather.ts';

export interface Wrong {
  readonly property: string;
  readonly what: string;
  /** Calls that had their turn before. */
  readonly step: number;
}

export interface SeedResult {
  readonly swarm: Swarm;
  readonly hash: string;
  readonly steps: number;
  readonly virtualDays: number;
  readonly rotations: number;
  readonly wrong: readonly Wrong[];
  readonly reached: ReadonlyMap<RareState, number>;
  readonly windowLosses: SimWorld['windowLosses'];
  readonly policySecondTries: number;
  /** The whole trace, where it was asked for. */
  readonly trace: readonly string[];
  readonly reports: SimWorld['reports'];
}

/** How long the world runs on when no fault comes any more: beyond every due instant. */
const calmDays = 22;
/** A run this long goes round in circles. */
const stepsMax = 1_500_000;

export async function runSeed(seed: number, traced = false, callsMax = stepsMax): Promise<SeedResult> {
  const swarm = swarmOf(seed);
  const dice = createDice(seedOf(seed, 'weather'));
  const shared = { calm: false };
  const world = createSimWorld({
    chooser: seededChooser({ seed, latencyMs, fate: createCallFaults(swarm, () => shared.calm) }),
    seed,
    mode: swarm.mode,
    connections: Array.from({ length: swarm.connections }, (_, nth) => ({
      id: `c${nth}`,
      agedMs: dice.below(9 * day),
    })),
    traceLinesMax: traced ? Number.POSITIVE_INFINITY : 0,
  });
  const { kernel } = world;
  const wrong: Wrong[] = [];
  const reached = new Map<RareState, number>();
  const run: Run = {
    swarm,
    world,
    dice,
    get calm() {
      return shared.calm;
    },
    set calm(calm) {
      shared.calm = calm;
    },
    wake: () => jobs.wake(),
    started: (worker) => jobs.started(worker),
    saw: (state) => void reached.set(state, (reached.get(state) ?? 0) + 1),
    wrong: (property, what) => void wrong.push({ property, what, step: kernel.steps }),
  };
  if (swarm.refreshEveryDays > 0)
    for (const id of world.connections)
      world.store.tag(world.install.nameOf(id), { 'pilotlight:refresh-every': `${swarm.refreshEveryDays}d` });

  const weather = createWeather(run);
  const jobs = createJobs(run, weather);
  const watchDeaths = createDeathWatch(run);
  const watchReport = watchRareStates(run);
  const lastOutcome = new Map<string, string>();
  let rotations = 0;
  let seen = 0;
  const watch = ({ report, by }: Reported) => {
    watchReport({ report, by });
    if (report.outcome === 'rotated') rotations += 1;
    const said = `${report.outcome} ${report.reason}`;
    const news = report.outcome === 'rotated' || lastOutcome.get(report.connection) !== said;
    lastOutcome.set(report.connection, said);
    // Whatever else came of an attempt says itself when it wants to be looked at again.
    if (news && ['rotated', 'orphaned', 'sealed'].includes(report.outcome)) run.wake('news');
  };
  const look = () => {
    for (; seen < world.reports.length; seen++) {
      const reported = world.reports[seen];
      if (reported !== undefined) watch(reported);
    }
    return wrong.length > 0 || world.violations.length > 0;
  };
  kernel.onEvent(() => void look());
  const everyHour = () => {
    watchDeaths();
    kernel.after(hour, everyHour);
  };

  letPeopleIn(run);
  weather.begin();
  jobs.begin();
  everyHour();
  const going = { until: look, stepsMax: callsMax };
  let ended = await kernel.run({ ...going, forMs: swarm.days * day });
  if (ended === 'time') {
    weather.end();
    ended = await kernel.run({ ...going, forMs: calmDays * day });
    if (ended === 'time') judgeEnd(run);
  }
  if (ended === 'steps') run.wrong('other', `no end after ${callsMax} calls`);
  if (ended === 'idle') run.wrong('other', 'nobody had anything left to do');
  for (const { property, connection, what } of world.violations)
    wrong.push({ property, what: `${connection}: ${what}`, step: kernel.steps });
  return {
    swarm,
    wrong,
    rotations,
    reached,
    hash: kernel.trace.hash,
    steps: kernel.steps,
    virtualDays: kernel.monotonic() / day,
    windowLosses: world.windowLosses,
    policySecondTries: world.provider.oracle.policySecondTries,
    trace: kernel.trace.lines,
    reports: world.reports,
  };
}
