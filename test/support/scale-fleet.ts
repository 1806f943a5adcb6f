/**
 * One scheduler and five workers as a deployment would run them: real processes that are killed and told to stop at random,
 * each followed by another. A killed pod's disk is found by its successor, or is gone with its node.
 */
import { systemClock } from '../../src/runtime/clock.ts';
import type { Random } from '../../src/runtime/random.ts';
import { type Chronicle, createChronicle } from '../faults/processes/chronicle.ts';
import { recordFiles, recordsOnDisk } from '../faults/processes/records.ts';
import { until, within } from '../faults/processes/within.ts';
import type { WorkerProcess } from '../faults/processes/worker-process.ts';
import type { FaultWorld } from '../faults/processes/world.ts';

export interface FleetCounts {
  /** SIGKILL of workers and of the scheduler. */
  readonly kills: number;
  readonly schedulerKills: number;
  /** SIGTERM. */
  readonly stops: number;
  readonly started: number;
  /** Rotations that a kill found in the middle. */
  readonly interrupted: number;
  /** Of these, answers that outlived their worker. */
  readonly sealed: number;
}

export interface Fleet {
  readonly chronicle: Chronicle;
  counts(): FleetCounts;
  /** Ends one process at random and starts another in its place. */
  strike(random: Random): Promise<void>;
  /** Every process told to stop is gone. Answers what is wrong with how they went. */
  farewells(): Promise<readonly string[]>;
}

type Role = 'scheduler' | 'worker';

const workers = 5;
const startMsMax = 60_000;
/** The drain limit of the world's configuration, and what closing takes on a busy machine. */
const stopMsMax = 60_000;
/** Longest it may go on once it is at work, ms; drawn anew for each. */
const lifeMsMax = 900;
/** Longest wait for its work. */
const idleMsMax = 2_000;
const share = { keepsDisk: 0.75, comingUp: 0.15 } as const;
/** How five processes of a role go, in an order that is drawn. */
const ends = ['kill', 'kill', 'kill', 'stop', 'stop'] as const;

export function startFleet(world: FaultWorld): Fleet {
  const chronicle = createChronicle(world);
  const going: Promise<string | undefined>[] = [];
  const count = { kills: 0, schedulerKills: 0, stops: 0, started: 0, interrupted: 0, sealed: 0 };
  let pods = 0;
  const start = (role: Role, name = `${role}-${pods++}`): WorkerProcess => {
    count.started += 1;
    // One at a time for each provider: work lasts, and every kill finds some of it half done.
    return world.start({ name, role, rotation: { concurrency: 1 } });
  };
  const roles: readonly Role[] = ['scheduler', ...Array.from({ length: workers }, () => 'worker' as const)];
  const running = roles.map((role) => start(role));
  const turns = deckOf([...roles.keys()]);
  const waysOf = { scheduler: deckOf(ends), worker: deckOf(ends) };

  async function kill(victim: WorkerProcess, role: Role, random: Random): Promise<WorkerProcess> {
    const keepsDisk = random.fraction() < share.keepsDisk;
    const excusedBefore = chronicle.excuses.length;
    const death = await chronicle.kill(victim, keepsDisk);
    count.kills += 1;
    if (role === 'scheduler') count.schedulerKills += 1;
    count.sealed += death.owed.length;
    const unsealed = chronicle.excuses.slice(excusedBefore).filter(({ why }) => why === 'unsealed' || why === 'disk');
    count.interrupted += death.owed.length + unsealed.length;
    const successor = start(role, keepsDisk ? victim.name : undefined);
    death.successorAt = successor.startedAt;
    return successor;
  }

  /** As a rollout does it: the next one comes while the last one drains, with a disk of its own. */
  function stop(victim: WorkerProcess, role: Role): WorkerProcess {
    victim.signal('SIGTERM');
    count.stops += 1;
    going.push(
      (async () => {
        if (!(await within(victim.gone, stopMsMax))) return `${victim.name} did not stop`;
        const how = await victim.gone;
        // What a killed one left on the disk before it is recovered once that one's leases are over; its own it finishes.
        const { records } = recordsOnDisk(victim.spool, world.keyring);
        const own = records.filter(({ startedAt }) => startedAt >= victim.startedAt).length;
        // Told before it listened for signals, it just ends: nothing was begun.
        const ended = how === 'exit code 0' || (how === 'SIGTERM' && !victim.lines().some(isStarted));
        return ended && own === 0 ? undefined : `${victim.name} stopped with ${how}, ${own} records of its own left`;
      })(),
    );
    return start(role);
  }

  return {
    chronicle,
    counts: () => ({ ...count }),
    async strike(random) {
      const place = turns(random);
      const victim = running[place] as WorkerProcess;
      const role = roles[place] as Role;
      await untilItsTime(victim, random);
      const way = waysOf[role](random);
      running[place] = way === 'kill' ? await kill(victim, role, random) : stop(victim, role);
    },
    farewells: async () => (await Promise.all(going)).filter((wrong) => wrong !== undefined),
  };
}

/** Draws until each was drawn once, then begins anew: chance decides in which order, never whether. */
function deckOf<T>(cards: readonly T[]): (random: Random) => T {
  let left: T[] = [];
  return (random) => {
    if (left.length === 0) left = [...cards];
    return left.splice(Math.floor(random.fraction() * left.length), 1)[0] as T;
  };
}

const isStarted = ({ event }: { readonly event: string }) => event === 'service.started';

/** Mostly in the middle of its work, sometimes while it is still coming up. */
async function untilItsTime(victim: WorkerProcess, random: Random): Promise<void> {
  const clock = systemClock();
  if (random.fraction() < share.comingUp) return clock.sleep(400 * random.fraction());
  if (!(await within(victim.said('service.started'), startMsMax)))
    throw new Error(`${victim.name} did not start: ${victim.printed().slice(-500)}`);
  // A worker has a rotation under way as long as it has a record; a scheduler and an idle worker end all the same.
  await until(() => recordFiles(victim.spool).length > 0, idleMsMax);
  await clock.sleep(lifeMsMax * random.fraction());
}
