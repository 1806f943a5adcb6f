/**
 * The whole service in one test: the real app with its queues and workers, in the world of world.ts. What is faked is the
 * world outside.
 */
import { join } from 'node:path';
import { type App, startApp } from '../../src/app.ts';
import type { RotationReport } from '../../src/rotation/outcome.ts';
import { createMetrics, type Metrics } from '../../src/telemetry/metrics.ts';
import { startWorld, type World, type WorldOptions } from './world.ts';

export { day, hour, minute, otherClient, rigClient } from './world.ts';

export interface Rig extends World {
  readonly metrics: Metrics;
  readonly reports: readonly RotationReport[];
  /** Starts an app; stopped with the rig. Several on one world need names of their own. */
  start(options?: { readonly role?: 'all' | 'scheduler' | 'worker'; readonly name?: string }): Promise<App>;
  /** Apps started from now on reach Redis by this URL. */
  useRedis(url: string): void;
  /** The next report of a connection, from now on; `which` chooses among them. */
  next(connection: string, which?: (report: RotationReport) => boolean): Promise<RotationReport>;
  /** Resolves when an event of this name is logged, from now on. */
  logged(event: string): Promise<void>;
  /** Stops every app that still runs, then closes the world. */
  stop(): Promise<void>;
}

export async function startRig(options: WorldOptions = {}): Promise<Rig> {
  const world = await startWorld(options);
  const { config } = world;
  const metrics = createMetrics({
    providers: Object.keys(config.providers),
    queues: Object.keys(config.providers),
    build: { version: '0', commit: 'test', node: '24' },
    runtimeMetrics: false,
  });
  const reports: RotationReport[] = [];
  const watching = new Set<(report: RotationReport) => void>();
  const listening = new Set<(event: string) => void>();
  const { log } = world.deps;
  const heard =
    (tell: typeof log.info): typeof log.info =>
    (event, fields) => {
      tell(event, fields);
      for (const listen of [...listening]) listen(event);
    };
  const deps = {
    ...world.deps,
    log: { debug: heard(log.debug), info: heard(log.info), warn: heard(log.warn), error: heard(log.error) },
  };
  const running = new Set<App>();
  let redisUrl = deps.redisUrl;
  return {
    ...world,
    metrics,
    reports,
    async start({ role = 'all', name = 'data' } = {}) {
      // Workers share keys and store, never a spool.
      const dataDir = join(world.directory, name);
      const own =
        name === 'data'
          ? config
          : { ...config, dataDir, spool: { ...config.spool, directory: join(dataDir, 'spool') } };
      const app = await startApp(own, {
        role,
        metrics,
        deps: { ...deps, redisUrl },
        observe(report) {
          reports.push(report);
          for (const watch of [...watching]) watch(report);
        },
      });
      const tracked: App = {
        ...app,
        async stop() {
          running.delete(tracked);
          return app.stop();
        },
      };
      running.add(tracked);
      return tracked;
    },
    useRedis(url) {
      redisUrl = url;
    },
    next: (connection, which = () => true) =>
      new Promise((done) => {
        watching.add(function watch(report) {
          if (report.connection !== connection || !which(report)) return;
          watching.delete(watch);
          done(report);
        });
      }),
    logged: (event) =>
      new Promise((done) => {
        listening.add(function listen(heardNow) {
          if (heardNow !== event) return;
          listening.delete(listen);
          done();
        });
      }),
    async stop() {
      for (const app of [...running]) await app.stop();
      await world.closers.closeAll();
    },
  };
}
