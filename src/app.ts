/**
 * The composition root: makes the parts of a process from its configuration, starts them in order and closes them in
 * reverse. Nothing outside this file and services.ts decides which adapter stands behind a port.
 */
import type { Config } from '../config/derive.ts';
import { censusJob } from '../jobs/census.ts';
import { inventoryJob } from '../jobs/inventory.ts';
import { recoverJob } from '../jobs/recover.ts';
import { jobsFor } from '../jobs/schedule.ts';
import { sweepJob } from '../jobs/sweep.ts';
import { watchJob } from '../jobs/watch.ts';
import { type Alerting, alertParts, createAlerting } from './alert-parts.ts';
import type { Looked } from './alerts/watch.ts';
import { openTrail } from './audit-trail.ts';
import { entryUrgency, sweepSettings } from './derive-settings.ts';
import { openQueues } from './open-queues.ts';
import { overviewFacts, refreshGauges } from './overview.ts';
import { checkSuitable } from './queue/redis.ts';
import type { RefreshQueuesHandle } from './queue/refresh-queues.ts';
import { openReconsent } from './reconsent-parts.ts';
import type { RotationReport } from './rotation/outcome.ts';
import { openSpool } from './rotation-parts.ts';
import { type Clock, within } from './runtime/clock.ts';
import { type Closers, createClosers } from './runtime/closers.ts';
import { describeError } from './runtime/errors.ts';
import { createTicker } from './schedule/cron.ts';
import { type Deps, openServices, type Services } from './services.ts';
import type { Metrics } from './telemetry/metrics.ts';
import { createHeartbeats } from './web/heartbeats.ts';
import { createWebServer } from './web/server.ts';
import { createStatusReader } from './web/status-reader.ts';
import { webRoutes } from './web-parts.ts';
import { createWorker, type Worker } from './worker.ts';

export interface AppOptions {
  readonly role: 'all' | 'scheduler' | 'worker';
  readonly deps: Deps;
  readonly metrics: Metrics;
  /** Told of every rotation, after metrics and audit. */
  readonly observe?: (report: RotationReport) => void;
  /** Told of every look for what on-call should know. */
  readonly looked?: (looked: Looked) => void;
}

export interface App {
  /** Address of the web server. */
  readonly url: string;
  readonly services: Services;
  readonly queues: RefreshQueuesHandle;
  /** Resolves when every first run (recovery, inventory, sweep) has come to its end. */
  readonly settled: Promise<void>;
  /** Takes no new work, waits for what runs, closes everything. Answers how many rotations were still running. */
  stop(): Promise<number>;
}

/** Redis is waited for this long at start before the process says that it is not ready; it goes on waiting. */
const redisPatienceMs = 1_500;
/** A sweep that takes longer than this is no sign of life any more. */
const sweepMsMax = 600_000;

export async function startApp(config: Config, options: AppOptions): Promise<App> {
  const closers = createClosers();
  try {
    return await start(config, options, closers);
  } catch (error) {
    await closers.closeAll().catch(() => undefined);
    throw error;
  }
}

async function start(config: Config, options: AppOptions, closers: Closers): Promise<App> {
  const { deps, role, metrics } = options;
  const { clock, log } = deps;
  const services = await openServices(config, deps, closers);
  const phase = { now: 'starting' as 'starting' | 'running' | 'draining' };
  const heartbeats = createHeartbeats(clock);
  await services.redis.untilReached(redisPatienceMs).catch(() => log.warn('redis.waiting'));
  if (services.redis.reachedOnce()) await checkSuitable(services.redis.redis, log);
  const queues = await openQueues(services, closers, redisPatienceMs);

  const works = role !== 'scheduler';
  const spool = works ? await openSpool(config, services, closers) : undefined;
  const trail = await openTrail(services, metrics, closers);
  const reconsent = await openReconsent(services, (event) => trail.recordConsent(event));
  const alerts = await alertParts(services, (connection, version) =>
    version === undefined ? undefined : reconsent?.linkFor({ kind: 'reconsent', connection, version }),
  );
  const alerting = createAlerting(services, alerts, (channel, kind) => metrics.alertTold(channel, kind), closers);
  const worker = spool === undefined ? undefined : createWorker(services, spool, options, { alerting, trail }, closers);
  const beat = heartbeats.expect('ticker', sweepMsMax);
  const ticker = createTicker(
    jobsFor(role, [
      ...cronJobs(services, queues, metrics, alerting, worker),
      watchFor(options, config, alerting, metrics),
    ]),
    {
      log,
      ended: beat,
      ran(name) {
        services.lamps
          .note(name, clock.now())
          .catch((error: unknown) => log.warn('lamp.not_noted', describeError(error)));
      },
    },
  );

  const sources = { services, queues, spool };
  const status = createStatusReader({
    index: services.index,
    clock,
    facts: () => overviewFacts(sources),
    urgencyOf: entryUrgency(config),
  });
  const web = createWebServer({
    ...config.web,
    // The operator's pages bring their own overview.
    statusPage: false,
    routes: await webRoutes(services, alerts, status, reconsent),
    environment: config.environment,
    health: {
      heartbeats: () => heartbeats.read(),
      readiness: async () => ({ phase: phase.now, checks: [{ name: 'redis', ok: await services.redis.ping() }] }),
    },
    metrics: {
      async render() {
        await refreshGauges(sources, metrics).catch(() => metrics.redis(false));
        return metrics.render();
      },
    },
    status,
    logger: log,
    clock,
  });
  closers.push('web', () => web.stop());
  const { url } = await web.start();
  worker?.start();
  alerting.start();
  phase.now = 'running';
  const settled = ticker.start();
  metrics.configLoaded(clock.now());
  log.info('service.started', { role, url, store: config.store.kind, environment: config.environment });

  return {
    url,
    services,
    queues,
    settled,
    async stop() {
      phase.now = 'draining';
      log.info('service.draining');
      // Side by side: while a long inventory comes to its end no further job may be taken.
      const limitMs = config.rotation.drainLimit;
      const [left = 0] = await Promise.all([worker?.drain(limitMs), inTime(ticker.stop(), limitMs, clock)]);
      // A customer's new grant may be on its way to the store.
      await reconsent?.settled();
      await closers.closeAll();
      log.info('service.stopped', { left });
      return left;
    },
  };
}

/** Resolves when something has come to its end, or after `ms`: what runs by cron is done again by the next process. */
function inTime(something: Promise<void>, ms: number, clock: Clock): Promise<void> {
  return within(clock, ms, (late) =>
    Promise.race([something, new Promise<void>((over) => late.addEventListener('abort', () => over()))]),
  );
}

/** By one process at a time, whatever its role: a scheduler that is gone is one of the things looked for. */
function watchFor({ role, looked }: AppOptions, { alerts }: Config, alerting: Alerting, metrics: Metrics) {
  const { ports, settings } = alerting.watch;
  return watchJob(alerts.watch, role === 'worker' ? 'worker' : 'scheduler', ports, settings, (result) => {
    alerting.looked(result);
    metrics.incidents(result.open);
    looked?.(result);
  });
}

function cronJobs(
  services: Services,
  queues: RefreshQueuesHandle,
  metrics: Metrics,
  { flagVoid }: Alerting,
  worker: Worker | undefined,
) {
  const { config, deps } = services;
  const { clock, log } = deps;
  const { schedule } = config;
  const ports = { ...services, clock, log, queues, flagVoid };
  return [
    ...(worker === undefined ? [] : [recoverJob(schedule.recover, worker.ports, worker.settings, worker.accounting)]),
    inventoryJob(schedule.inventory, ports, (result) => {
      log.info('inventory.taken', {
        seen: result.seen,
        changed: result.changed,
        removed: result.removed,
        missing: result.missing,
        durationMs: Math.round(result.durationMs),
      });
      metrics.inventory({
        result: result.heldBack ? 'vanished' : 'complete',
        endedAt: clock.now(),
        durationMs: result.durationMs,
        secrets: result.seen,
      });
    }),
    sweepJob(schedule.sweep, ports, sweepSettings(config), ({ durationMs, added }) =>
      metrics.sweep({ endedAt: clock.now(), durationMs, enqueued: added }),
    ),
    censusJob({
      index: services.index,
      clock,
      taken: (census) => metrics.connections(census),
      last: { atMs: undefined },
    }),
  ];
}
