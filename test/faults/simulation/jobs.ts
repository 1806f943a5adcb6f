/**
 * Runs what cron and the queues run, by the real functions: sweep, refresh, recover, inventory. Cron is denser than this:
 * the longer nothing has happened, the longer until the next tick, as long as nothing falls due before; and a job that would
 * find nothing to do is not begun. That only costs delay, and makes months affordable.
 */
import { hasCode } from '../../../src/runtime/errors.ts';
import { providerName } from '../sim/install.ts';
import type { SimWorker } from '../sim/worker.ts';
import type { Run } from './state.ts';
import { hour, minute } from './swarm.ts';
import type { Weather } from './weather.ts';

const tickMsMin = 15_000;
const tickMsMax = 6 * hour;
/** What is overdue waits for a client's probe, and probes are minutes apart: the next one takes another connection. */
const overdueMsMax = 30 * minute;
const sweepAfterMs = 3_000;
/** Inventory's cron. */
const inventoryEveryMs = 5 * minute;
/** However still it is, the store is looked through this often. */
const inventoryMsMax = 12 * hour;
/** Jobs of one worker at a time. */
const concurrency = 2;

type JobName = 'sweep' | 'recover' | 'inventory' | 'work1' | 'work2';

export interface Jobs {
  begin(): void;
  /** What a process does at its start. */
  started(worker: SimWorker): void;
  /** The next tick comes soon. */
  wake(): void;
}

export function createJobs(run: Run, weather: Weather): Jobs {
  const { world, swarm, dice } = run;
  const { kernel, redis, queues } = world;
  const running = new WeakMap<SimWorker, Set<JobName>>();
  let changedAt = 0;
  let inventoryAt = Number.NEGATIVE_INFINITY;
  let quietSince = 0;
  let ticks = 0;

  /** One job of a process, unless it still runs; what it expects to fail may fail. */
  function job(worker: SimWorker, name: JobName, act: () => Promise<unknown>): void {
    const busy = running.get(worker) ?? new Set();
    running.set(worker, busy);
    if (busy.has(name)) return;
    busy.add(name);
    act().then(
      () => void busy.delete(name),
      (error: unknown) => {
        busy.delete(name);
        // A process that cannot open its spool ends.
        if (!hasCode(error) && worker.spool() !== undefined)
          run.wrong('other', `${name} of ${worker.name} threw ${error instanceof Error ? error.stack : error}`);
      },
    );
  }

  async function workOff(worker: SimWorker): Promise<void> {
    while ((await worker.work(providerName)) !== undefined);
  }

  function tick(): void {
    const working = weather.working();
    for (const worker of working) if (mayRecover(worker)) job(worker, 'recover', () => worker.recover());
    takeInventory(working);
    // A while later: at one instant each would find the other's lease, at every tick.
    kernel.after(sweepAfterMs, sweep);
    // BullMQ delivers at least once.
    if (swarm.duplicateJobs && !run.calm && working.length > 0 && dice.chance(0.2)) {
      for (const worker of working) void worker.rotate(dice.oneOf(world.connections)).catch(() => {});
    }
  }

  function mayRecover({ disk }: SimWorker): boolean {
    return disk.files.size > 0 || disk.broken || !redis.mirror.connections()[Symbol.iterator]().next().done;
  }

  /** One of them, and now and then all. */
  function takeInventory(working: readonly SimWorker[]): void {
    const now = kernel.monotonic();
    const stale =
      changedAt + swarm.listLagMs + inventoryEveryMs > inventoryAt ||
      redis.index.entries.size < world.connections.length;
    if (now < inventoryAt + (stale ? inventoryEveryMs : inventoryMsMax)) return;
    const chosen = dice.chance(0.1) ? working : working.slice(0, 1 + dice.below(working.length)).slice(-1);
    for (const worker of chosen) {
      job(worker, 'inventory', async () => {
        const startedAt = kernel.monotonic();
        await worker.inventory();
        inventoryAt = startedAt;
      });
    }
  }

  /** Whether there is a job to hand out, a client to probe, or a queue to look at. */
  function maySweep(): boolean {
    const now = kernel.now();
    if (queues.waiting > 0) return true;
    for (const { nextAt, state } of redis.index.entries.values())
      if ((nextAt !== null && nextAt <= now) || state === 'suspect' || state === 'blocked') return true;
    return false;
  }

  function sweep(): void {
    if (!maySweep()) return;
    const working = weather.working();
    const scheduler = working[dice.below(working.length)];
    if (scheduler !== undefined) {
      job(scheduler, 'sweep', async () => {
        await scheduler.sweep();
        startWork();
      });
    }
    startWork();
  }

  function startWork(): void {
    if (queues.waiting === 0) return;
    for (const worker of weather.working())
      for (let place = 1; place <= concurrency; place++)
        job(worker, place === 1 ? 'work1' : 'work2', () => workOff(worker));
  }

  function nextTickMs(): number {
    const quietMs = kernel.monotonic() - quietSince;
    const thinned = Math.min(Math.max(quietMs, tickMsMin), tickMsMax);
    let dueInMs = thinned;
    for (const { nextAt } of redis.index.entries.values()) {
      const inMs = (nextAt ?? Number.POSITIVE_INFINITY) - kernel.now();
      dueInMs = Math.min(dueInMs, inMs > 0 ? inMs : overdueMsMax);
    }
    return Math.max(dueInMs, 1_000);
  }

  function goOn(): void {
    const mine = ++ticks;
    kernel.after(nextTickMs(), () => {
      if (mine !== ticks) return;
      tick();
      goOn();
    });
  }

  return {
    begin() {
      kernel.onEvent(({ name, effects }) => {
        if (effects > 0 && /^store\.(?:put|moveStage|tag|untag)$/.test(name)) changedAt = kernel.monotonic();
      });
      goOn();
    },
    started(worker) {
      job(worker, 'recover', () => worker.recover());
    },
    wake() {
      changedAt = kernel.monotonic();
      // A long wait is cut short; a short one is left to end by itself.
      const wasQuiet = kernel.monotonic() - quietSince > tickMsMin;
      quietSince = kernel.monotonic();
      if (wasQuiet) goOn();
    },
  };
}
