/**
 * The protocol over its real parts, without cron and queue: rotate() and recover() called directly, in the world of
 * world.ts. A test may stop a rotation at any step as a crash would, or let something happen there, and start over on the
 * same disk.
 */

import { runRefresh } from '../../jobs/refresh.ts';
import type { IndexEntry } from '../../src/connection/entry.ts';
import { rotationSettings } from '../../src/derive-settings.ts';
import { account } from '../../src/rotation/account.ts';
import type { RotationPorts } from '../../src/rotation/attempt.ts';
import type { RotationReport } from '../../src/rotation/outcome.ts';
import { type SpoolRecord, stage } from '../../src/rotation/ports.ts';
import { recover } from '../../src/rotation/recover.ts';
import type { RotationSettings } from '../../src/rotation/settings.ts';
import { openSpool, rotationPorts } from '../../src/rotation-parts.ts';
import { createClosers } from '../../src/runtime/closers.ts';
import { type InventoryResult, takeInventory } from '../../src/schedule/inventory.ts';
import type { RefreshReason } from '../../src/schedule/ports.ts';
import { openServices, type Services } from '../../src/services.ts';
import { startWorld, type World, type WorldOptions } from './world.ts';

export { day, hour, minute, otherClient, rigClient } from './world.ts';

/** Steps a test can step in at, named by what has just been done or is about to be. */
export type Step =
  | 'intended'
  | 'posting'
  | 'answered'
  | 'sealed'
  | 'putting'
  | 'put'
  | 'swapping'
  | 'swapped'
  | 'removing';

export interface RotationBench extends World {
  readonly services: Services;
  readonly settings: RotationSettings;
  readonly reports: readonly RotationReport[];
  /** The worker's parts as they are now. */
  ports(): RotationPorts;
  /** One refresh job, its report entered into the index as the service does. */
  rotate(connection: string, reason?: RefreshReason, signal?: AbortSignal): Promise<RotationReport>;
  /** As the worker there is now, or as one there was. */
  recover(as?: RotationPorts): Promise<readonly RotationReport[]>;
  inventory(): Promise<InventoryResult>;
  entry(connection: string): Promise<IndexEntry | undefined>;
  /** Does something the next time a rotation comes to this step; what it throws is that step's failure. */
  at(step: Step, act: () => void | Promise<void>): void;
  /**
   * The process dies at this step of the connection's next rotation: nothing after it ever runs. Its lease is over, and a
   * new process has opened the same disk when this resolves.
   */
  crash(connection: string, step: Step, reason?: RefreshReason): Promise<void>;
  /** A new process on the same disk; the old one's lease on this connection has come to its end. */
  restart(connection: string): Promise<void>;
  /** Another pod, on an empty disk: the old one's is gone, and so is its lease on this connection. */
  replace(connection: string): Promise<void>;
  stop(): Promise<void>;
}

export async function startRotationBench(options: WorldOptions = {}): Promise<RotationBench> {
  const world = await startWorld(options);
  const { config, closers, deps } = world;
  const services = await openServices(config, deps, closers);
  await services.redis.untilReached(10_000);
  const settings = rotationSettings(config);
  const hooks = new Map<Step, () => void | Promise<void>>();
  const reach = async (step: Step) => {
    const act = hooks.get(step);
    hooks.delete(step);
    await act?.();
  };
  const memory = { absent: new Set<string>() };
  const reports: RotationReport[] = [];
  const accounting = {
    index: services.index,
    log: deps.log,
    observe: (report: RotationReport) => void reports.push(report),
  };
  // A dead process's files stay open until the end: nothing of it runs any more, its close included.
  const processes = createClosers();
  closers.push('processes', () => processes.closeAll());
  let pods = 0;
  let { spool } = config;
  const born = async () =>
    steppable(rotationPorts(services, await openSpool({ ...config, spool }, services, processes)), reach);
  let ports = await born();

  async function restart(connection: string): Promise<void> {
    hooks.clear();
    await world.redis.redis.del(`{pilotlight}:lease:${connection}`);
    ports = await born();
  }
  async function replace(connection: string): Promise<void> {
    pods += 1;
    spool = { ...spool, directory: `${config.spool.directory}-${pods}` };
    await restart(connection);
  }
  const run = async (connection: string, reason: RefreshReason, signal = new AbortController().signal) => {
    // A cool-down is counted in real time: a test that turns the calendar has left it behind.
    await world.redis.redis.del(`{pilotlight}:cool:${connection}`);
    return runRefresh({ connection, reason }, { ports, settings, accounting }, signal);
  };

  return {
    ...world,
    services,
    settings,
    reports,
    ports: () => ports,
    rotate: (connection, reason = 'due', signal) => run(connection, reason, signal),
    async recover(as = ports) {
      const made: RotationReport[] = [];
      for await (const report of recover(as, settings)) {
        await account(report, accounting);
        made.push(report);
      }
      return made;
    },
    inventory: () => takeInventory({ ...services, clock: deps.clock, log: deps.log }, memory),
    entry: (connection) => services.index.get(connection),
    at: (step, act) => void hooks.set(step, act),
    async crash(connection, step, reason = 'due') {
      const died = Promise.withResolvers<'died'>();
      hooks.set(step, () => {
        died.resolve('died');
        return new Promise(() => {});
      });
      const end = await Promise.race([died.promise, run(connection, reason)]);
      if (end !== 'died') throw new Error(`the rotation never came to ${step}: ${end.outcome} ${end.reason}`);
      await restart(connection);
    },
    restart,
    replace,
    stop: () => closers.closeAll(),
  };
}

/** The ports as they are, announcing the steps of a rotation. */
function steppable(ports: RotationPorts, reach: (step: Step) => Promise<void>): RotationPorts {
  const { spool, endpoint, store } = ports;
  return {
    ...ports,
    spool: {
      ...spool,
      async begin(intent) {
        const record = await spool.begin(intent);
        await reach('intended');
        return announced(record, reach);
      },
    },
    endpoint: {
      ...endpoint,
      async send(request) {
        await reach('posting');
        const exchange = await endpoint.send(request);
        await reach('answered');
        return exchange;
      },
    },
    store: {
      ...store,
      async put(name, version) {
        const pending = version.stages.includes(stage.pending);
        if (pending) await reach('putting');
        await store.put(name, version);
        if (pending) await reach('put');
      },
      async moveStage(name, move) {
        const swap = move.stage === stage.current;
        if (swap) await reach('swapping');
        await store.moveStage(name, move);
        if (swap) await reach('swapped');
      },
    },
  };
}

function announced(record: SpoolRecord, reach: (step: Step) => Promise<void>): SpoolRecord {
  return {
    intent: record.intent,
    found: record.found,
    get state() {
      return record.state;
    },
    answer: () => record.answer(),
    async seal(answer) {
      await record.seal(answer);
      await reach('sealed');
    },
    setAside: (isAside) => record.setAside(isAside),
    async remove() {
      await reach('removing');
      await record.remove();
    },
  };
}
