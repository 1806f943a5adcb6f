/**
 * One schedule: both workers are asked to rotate the connection, recover, and are asked again; the foreign writer does
 * what it does; a worker that dies is started again on its disk, recovers, and is asked once more. When nobody has anything left to do, the choices are
 * over: everything is let run on for a while, and what must hold at last is looked at.
 */
import type { Violation } from '../sim/invariants.ts';
import type { ModeName } from '../sim/provider-modes.ts';
import type { RunChoices } from './search.ts';
import { type Settled, settle } from './settle.ts';
import { type Bounds, createTurns, cut, type Turns } from './turns.ts';
import { connection, createSmallWorld, type Slot, type SmallWorld } from './world.ts';
import { type WriterName, writers } from './writers.ts';

export interface ScheduleOptions {
  readonly mode: ModeName;
  readonly writer: WriterName;
  readonly bounds: Bounds;
  readonly traceLinesMax: number;
  /** A violation ends the run: what comes of it says nothing more. A replay goes on. */
  readonly goOn: boolean;
  /** Whether a state in which nobody has anything left to do was seen before. */
  readonly ended: (key: string) => boolean;
}

export interface Ran {
  readonly world: SmallWorld;
  readonly turns: Turns;
  readonly violations: readonly Violation[];
  /** Undefined where the run was cut short. */
  readonly settled: Settled | undefined;
}

/** More calls than any schedule needs: one that goes beyond never comes to rest. */
const stepsMax = 5_000;

export async function runSchedule(choices: RunChoices, options: ScheduleOptions): Promise<Ran> {
  const turns: Turns = createTurns(choices, options.bounds, () => world);
  const world = createSmallWorld(options.mode, turns, options.traceLinesMax);
  const { kernel, slots, violations } = world;
  const ran = (settled?: Settled): Ran => ({ world, turns, violations, settled });

  await world.indexed();
  turns.calm = false;
  for (const slot of slots) void firstLife(world, slot).catch(over);
  void foreignLife(world, options.writer);
  try {
    const broken = () => violations.length > 0 && !options.goOn;
    for (;;) {
      const end = await kernel.run({ until: () => broken() || deadOf(slots) !== undefined, stepsMax });
      const dead = deadOf(slots);
      if (broken()) return ran();
      if (dead !== undefined) {
        world.restart(dead);
        void laterLife(world, dead).catch(over);
      } else if (kernel.pending.length === 0) break;
      // A wait began in the very step in which nobody waited for anything: it goes on now.
      else if (end === 'steps') throw new Error('a schedule that never comes to rest');
    }
  } catch (error) {
    if (error === cut) return ran();
    throw error;
  }
  if (options.ended(world.key())) return ran();
  turns.calm = true;
  return ran(await settle(world));
}

/** A process that cannot open its spool ends; the next one tries again. */
const over = () => {};

const deadOf = (slots: readonly Slot[]) => slots.find(({ worker }) => !worker.actor.alive);

async function firstLife(world: SmallWorld, slot: Slot): Promise<void> {
  await slot.worker.rotate(connection);
  world.jobOver(slot.worker.name);
  await laterLife(world, slot);
}

async function laterLife(world: SmallWorld, { worker }: Slot): Promise<void> {
  await worker.recover().catch(() => {});
  world.jobOver(worker.name);
  await worker.rotate(connection);
  world.jobOver(worker.name);
}

async function foreignLife(world: SmallWorld, writer: WriterName): Promise<void> {
  await writers[writer](world, world.foreigner('app')).catch(() => {});
  world.jobOver('app');
}
