/** What happens to the world by itself: outages, losses, processes that die or stop and come back, clocks that jump. */
import { stage } from '../../../src/rotation/ports.ts';
import type { SimWorker } from '../sim/worker.ts';
import type { Run } from './state.ts';
import { day, hour, lengthMs, minute, waitMs } from './swarm.ts';

const workerNames = ['w1', 'w2'] as const;
/** What Redis forgets, a worker must be there to say again: none is away for longer when Redis loses its data. */
const awayMsWithRedisLoss = minute;
/** A worker that has what nobody else has is waited for an hour: it is back before, unless the calendar is turned. */
const awaitedMs = 50 * minute;
const awaitedMsWithClockJumps = minute;

export interface Weather {
  /** Starts the workers, and everything that befalls them. */
  begin(): void;
  /** Ends every fault, and lets whoever is gone come back. */
  end(): void;
  /** A worker that lives and is not stopped. */
  working(): readonly SimWorker[];
}

export function createWeather(run: Run): Weather {
  const { swarm, world, dice } = run;
  const { kernel, store, redis, provider } = world;
  const current = new Map<string, SimWorker>();
  const gone = new WeakSet<SimWorker>();
  let keepsMended = 0;

  const works = ({ actor }: SimWorker) => actor.alive && !actor.stopped;
  const everyoneWorks = () => [...current.values()].every(works);

  /** Something that comes again and again, while there are faults. */
  function repeatedly(meanMs: number, act: () => void): void {
    kernel.after(waitMs(dice, meanMs), () => {
      if (run.calm) return;
      act();
      repeatedly(meanMs, act);
    });
  }

  /** Something that comes, lasts and goes. */
  function spells(meanMs: number, lasts: readonly [number, number], begin: () => () => void): void {
    kernel.after(waitMs(dice, meanMs), () => {
      if (run.calm) return;
      const finish = begin();
      kernel.trace.note(kernel.monotonic(), 'a spell begins');
      run.wake('weather');
      kernel.after(lengthMs(dice, ...lasts), () => {
        finish();
        run.wake('weather');
        spells(meanMs, lasts, begin);
      });
    });
  }

  function start(name: string, disk?: SimWorker['disk']): void {
    const worker = world.start(name, disk);
    current.set(name, worker);
    run.started(worker);
  }

  function died(worker: SimWorker): void {
    const name = worker.name.split('.')[0] ?? '';
    // What it had sent may still have its effect: that is no second death.
    if (current.get(name) !== worker || gone.has(worker)) return;
    gone.add(worker);
    const lost = worker.disk.thrownAway || (!run.calm && swarm.diskLoss && dice.chance(0.3));
    if (lost) world.loseDisk(worker.disk);
    else if (dice.chance(0.2)) worker.disk.losePower();
    const away = dice.chance(0.75) ? lengthMs(dice, 1_000, minute) : lengthMs(dice, minute, 30 * hour);
    const backInMs = Math.min(
      away,
      swarm.redisLoss ? awayMsWithRedisLoss : away,
      hasTheOnlyCopy(worker) ? awaitedMax : away,
    );
    kernel.after(backInMs, () => start(name, lost ? undefined : worker.disk));
  }

  const awaitedMax = swarm.clockJumps ? awaitedMsWithClockJumps : awaitedMs;

  /** A sealed answer lies on its disk and is not in the mirror. */
  function hasTheOnlyCopy({ disk }: SimWorker): boolean {
    return world.connections.some((connection) => {
      const found = world.places.of(connection);
      const mirrored = (token: string) => found.some((place) => place.kind === 'mirror' && place.token === token);
      return found.some((place) => place.disk === disk && !mirrored(place.token));
    });
  }

  function storms(): void {
    if (swarm.storeOutages) {
      spells(15 * day, [10 * minute, 7 * day], () => {
        const outage = dice.oneOf(['down', 'throttled', 'denied'] as const);
        if (dice.chance(0.3)) store.writeOutage = outage;
        else store.outage = outage;
        return () => {
          store.outage = undefined;
          store.writeOutage = undefined;
        };
      });
    }
    if (swarm.redisOutages) {
      spells(10 * day, [minute, 12 * hour], () => {
        redis.outage = true;
        return () => {
          redis.outage = false;
        };
      });
    }
    if (swarm.providerOutages) {
      spells(10 * day, [10 * minute, 2 * day], () => {
        const status = dice.oneOf([503, 500, 429] as const);
        provider.trouble = () =>
          status === 429 ? { kind: 'refuse', status, retryAfterS: 600 } : { kind: 'refuse', status };
        return usualTroubles;
      });
    }
    if (swarm.diskFaults) {
      for (const name of workerNames) {
        spells(15 * day, [minute, 6 * hour], () => {
          const disk = current.get(name)?.disk;
          const what = dice.oneOf(['full', 'broken'] as const);
          if (disk !== undefined) disk[what] = true;
          return () => {
            if (disk !== undefined) disk[what] = false;
          };
        });
      }
    }
    if (swarm.wrongSecret !== 'never') {
      const { wrongSecret } = swarm;
      spells(25 * day, [10 * minute, day], () => {
        const client = provider.clients['client-id'];
        if (client === undefined) return () => {};
        const before = client.secret;
        client.wrongSecret = wrongSecret;
        client.secret = `client-secret-of-${++keepsMended}-9876543210`;
        return () => {
          client.secret = before;
        };
      });
    }
  }

  function blows(): void {
    if (swarm.redisLoss) {
      repeatedly(8 * day, () => {
        // A process that does not run cannot mirror its records again: then it is the window that is stated.
        if (!everyoneWorks()) return;
        const how = dice.below(3);
        if (how === 0) world.flushRedis();
        else world.restartRedis(how === 1);
        run.wake('redis');
      });
    }
    if (swarm.clockJumps) {
      repeatedly(10 * day, () => {
        kernel.turnCalendar(dice.oneOf([-1, 1]) * lengthMs(dice, 1_000, 3 * hour));
        run.saw('clockJumped');
        run.wake('clock');
      });
    }
    if (swarm.crashes) {
      repeatedly(6 * day, () => dice.oneOf([...current.values()]).kill());
    }
  }

  /** Beyond the lease, and back before anybody could be asked to consent. */
  function maybeStop(worker: SimWorker): void {
    // Nor while Redis may lose what only this process could tell it again.
    if (!swarm.stops || swarm.redisLoss || run.calm || !dice.chance(0.01)) return;
    worker.stop(lengthMs(dice, 10_000, awaitedMax));
  }

  /** Pod and Redis go together, after the value was written and before it became current: only the store knows. */
  function maybeLoseAll(worker: SimWorker, about: string): void {
    if (!swarm.diskLoss || !swarm.redisLoss || run.calm || !about.endsWith(stage.pending) || !dice.chance(0.03)) return;
    if (!everyoneWorks()) return;
    kernel.trace.note(kernel.monotonic(), 'pod and Redis lose all');
    world.loseDisk(worker.disk);
    world.flushRedis();
    worker.kill();
  }

  function usualTroubles(): void {
    provider.trouble = (_, { ours }) => {
      if (run.calm || !ours || !dice.chance(swarm.providerTroubles)) return undefined;
      switch (dice.below(8)) {
        case 0:
          return { kind: 'notSent' };
        case 1:
          return { kind: 'refuse', status: dice.oneOf([500, 503]) };
        case 2:
          return { kind: 'refuse', status: 429, retryAfterS: 1 + dice.below(3_600) };
        case 3:
          return { kind: 'commitThenFail', status: dice.oneOf([500, 502, 504]) };
        case 4:
          return { kind: 'commitThenReset' };
        default:
          return { kind: 'commitThenTruncate', at: dice.fraction() };
      }
    };
  }

  return {
    working: () => [...current.values()].filter(works),
    begin() {
      store.listLagMs = swarm.listLagMs;
      usualTroubles();
      kernel.onEvent(({ actor, name, about, effects }) => {
        const worker = current.get(actor.split('.')[0] ?? '');
        if (worker?.name !== actor) return;
        if (name === 'store.put' && worker.actor.alive && effects > 0) maybeLoseAll(worker, about);
        if (!worker.actor.alive) died(worker);
        else if (/^(?:provider|lease|disk|store)\./.test(name)) maybeStop(worker);
      });
      for (const name of workerNames) start(name);
      storms();
      blows();
    },
    end() {
      run.calm = true;
      provider.trouble = undefined;
      store.outage = undefined;
      store.writeOutage = undefined;
      redis.outage = false;
      const client = provider.clients['client-id'];
      if (client !== undefined && keepsMended > 0) client.secret = 'client-secret-0123456789';
      for (const disk of world.disks) {
        disk.full = false;
        disk.broken = false;
      }
      run.wake('calm');
    },
  };
}
