/**
 * Exhaustive: every order in which two workers and a foreign writer can have their turns, call by call, with every fault
 * at every call, within stated bounds (exhaustive/plan.ts); equal states are gone on from once. After every event the
 * invariants are looked at, and at the end of each schedule, once all is let run on, what must hold at last.
 *
 * Replay: `mode:writer:choices`, as a failure prints it; shows what happened, call by call.
 */
import { createPaint } from '../../src/cli/paint.ts';
import { table } from '../../src/cli/table.ts';
import { budgetMs, planFor, readReplay, replayText, type Task } from './exhaustive/plan.ts';
import { type Ran, runSchedule } from './exhaustive/schedule.ts';
import { replayed, type Searched, search } from './exhaustive/search.ts';
import type { Failure, Suite, SuiteOptions, SuiteResult } from './suite.ts';

/** Of failures that say the same, so many are told; all are counted. */
const toldMax = 2;

/** What must be met, or the search has looked at nothing: faults, what workers came to, what they met of others. */
const wanted: Readonly<Record<string, number>> = {
  crashAfter: 100,
  crashTorn: 5,
  errorAfter: 100,
  'lease.lost': 50,
  'redis.flush': 100,
  rotated: 100,
  busy: 100,
  unknown: 20,
  suspect: 20,
  needsConsent: 5,
  orphaned: 5,
  saved_other_field: 20,
  restored_spent_token: 20,
  windowLosses: 5,
  staleSpend: 2,
};

interface Tally {
  readonly reached: ReadonlyMap<string, number>;
  readonly counts: Record<string, number>;
  readonly failures: Failure[];
  take(task: Task, ran: Ran): void;
}

function createTally(): Tally {
  const counts: Record<string, number> = {
    states: 0,
    schedules: 0,
    pruned: 0,
    ended: 0,
    windowLosses: 0,
    waitedForPerson: 0,
    staleSpends: 0,
    lostTokens: 0,
    doubleSpends: 0,
    familiesRevoked: 0,
    falseReconsents: 0,
    silentDeaths: 0,
  };
  const failures: Failure[] = [];
  const told = new Map<string, number>();
  const reached = new Map<string, number>();
  const reach = (name: string, count: number) => void reached.set(name, (reached.get(name) ?? 0) + count);
  const add = (name: string, count: number) => {
    counts[name] = (counts[name] ?? 0) + count;
  };

  function fail(property: string, what: string, replay: string): void {
    const counted = counts[property] === undefined ? 'other' : property;
    if (counted !== 'other') add(counted, 1);
    const key = `${property} ${what.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '')}`;
    told.set(key, (told.get(key) ?? 0) + 1);
    if ((told.get(key) ?? 0) > toldMax) return;
    const command = `node test/faults/main.ts --only exhaustive --replay ${replay}`;
    failures.push({ property: counted, what: `${property}: ${what}`, replay: command });
  }

  return {
    reached,
    counts,
    failures,
    take(task, { turns, violations, settled, world }) {
      const replay = replayText(task, turns.taken);
      for (const { property, what } of violations) fail(property, what, replay);
      for (const { property, what } of settled?.failures ?? []) fail(property, what, replay);
      if (settled === undefined) return;
      if (world.reported.has('staleSpend')) add('staleSpends', 1);
      add('ended', 1);
      if (settled.waited) add('waitedForPerson', 1);
      for (const [fault, count] of turns.met) reach(fault, count);
      for (const word of world.reported) reach(word, 1);
      const lost = Object.values(world.invariants.windowLosses).reduce((sum, count) => sum + count, 0);
      add('windowLosses', lost);
      reach('windowLosses', lost);
    },
  };
}

async function searchOne(task: Task, tally: Tally, enough: () => boolean): Promise<Searched> {
  const ends = new Set<string>();
  const ended = (key: string) => {
    const before = ends.has(key);
    ends.add(key);
    return before;
  };
  const searched = await search(
    async (choices) => tally.take(task, await runSchedule(choices, { ...task, traceLinesMax: 0, goOn: false, ended })),
    { runsMax: Number.POSITIVE_INFINITY, enough },
  );
  for (const name of ['states', 'schedules', 'pruned'] as const)
    tally.counts[name] = (tally.counts[name] ?? 0) + searched[name];
  return searched;
}

async function replay(text: string, { say }: SuiteOptions): Promise<SuiteResult> {
  const tally = createTally();
  const { task, taken } = readReplay(text);
  const ran = await runSchedule(replayed(taken), { ...task, traceLinesMax: 5_000, goOn: true, ended: () => false });
  for (const line of ran.world.kernel.trace.lines) say(line);
  say(`trace ${ran.world.kernel.trace.hash}; at the end: ${ran.settled?.dead ?? 'alive'}`);
  tally.take(task, ran);
  return { counts: {}, failures: tally.failures };
}

export const suite: Suite = {
  name: 'exhaustive',
  async run(options) {
    if (options.replay !== undefined) return replay(options.replay, options);
    const tally = createTally();
    const rows: string[][] = [];
    const endAt = performance.now() + budgetMs[options.quick ? 'quick' : options.long ? 'long' : 'usual'];
    const enough = () => performance.now() > endAt;
    for (const task of planFor(options)) {
      const { mode, writer, bounds } = task;
      const { states, schedules, pruned, complete } = await searchOne(task, tally, enough);
      options.say(`${mode} ${writer} ${bounds.deviationsMax}: ${states} states, ${schedules} schedules`);
      const every = complete ? 'every' : 'a part';
      rows.push([mode, writer, `${bounds.deviationsMax}`, every, `${schedules}`, `${states}`, `${pruned}`]);
    }
    const rareStates = Object.entries(wanted).map(([name, count]) => {
      const owed = options.quick ? 0 : count;
      return [name, { reached: tally.reached.get(name) ?? 0, wanted: owed }] as const;
    });
    return {
      counts: tally.counts,
      rareStates: Object.fromEntries(rareStates),
      failures: tally.failures,
      table: table({
        columns: ['PROVIDER', 'FOREIGN WRITER', 'DEVIATIONS', '', 'SCHEDULES', 'STATES', 'SEEN BEFORE'].map(
          (title) => ({ title }),
        ),
        rows,
        width: undefined,
        paint: createPaint(false),
      }),
    };
  },
};
