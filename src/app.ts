/**
 * The composition root: makes the parts of a process from its configuration, starts them in order and closes them in
 * reverse. Nothing outside this file and services.ts decides which adapter stands behind a port.
 */
import type { Config } from '../config/derive.ts';
import { censusJob } from '../jobs/census.ts';
import { inventoryJob } from '../jobs/inventory.ts';
import { reachJob } from '../jobs/reach.ts';
import { recoverJob } from '../jobs/recover.ts';
import { jobsFor } from '../jobs/schedule.ts';
import { sweepJob } from '../jobs/sweep.ts';
import { watchJob } from '../jobs/watch.ts';
import { type Alerting, alertParts, createAlerting } from './alert-parts.ts';
import type { Looked } from './alerts/watch.ts';
import { openTrail } from './audit-trail.ts';
import { entryAlarms, entryUrgency, sweepSettings } from './derive-settings.ts';
import { openQueues } from './open-queues.ts';
import { overviewFacts } from './overview.ts';
import type { RefreshQueuesHandle } from './queue/refresh-queues.ts';
import { storeInTheWay } from './reachable.ts';
import { readiness } from './readiness.ts';
import { openReconsent } from './reconsent-parts.ts';
import type { RotationReport } from './rotation/outcome.ts';
import { openSpool } from './rotation-parts.ts';
import { atMost } from './runtime/clock.ts';
import { type Closers, createClosers } from './runtime/closers.ts';
import { describeError, hasCode } from './runtime/errors.ts';
import { createTicker } from './schedule/cron.ts';
import { createScrape } from './scrape.ts';
import { type Deps, openServices, type Services } from './services.ts';
import { startRedis } from './start-redis.ts';
import type { Metrics } from './telemetry/metrics.ts';
import { openTracing } from './tracing-parts.ts';
import { createHeartbeats } from './web/heartbeats.ts';
import { createWebServer } from './web/server.ts';
import { createStatusReader } from './web/status-reader.ts';
import { webRoutes } from './web-parts.ts';
import { createWorker, type Worker } from './worker.ts';

export interface AppOptions {
  readonly role: 'all' | 'scheduler' | 'worker';
  readonly deps: Deps;
  readonly metrics: Metrics;
  /** Of this program, for traces. */
  readonly version?: string;
  /** Told of every rotation, after metrics and audit. */
  readonly observe?: (report: RotationReport) => void;
  /** Told of every look for what on-call should know. */
  readonly looked?: (looked: Looked) => void;
}

export interface App {
  /** Address of the web server. */
  readonly url: string;
  /** Where probes and metrics are: the same, unless they have a port of their own. */
  readonly healthUrl: string;
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
  const closers = createClosers(options.deps);
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
  const tracing = await openTracing(config, deps, options.version ?? '0', closers);
  const services = await openServices(config, deps, closers);
  const phase = { now: 'starting' as 'starting' | 'running' | 'draining' };
  const heartbeats = createHeartbeats(clock);
  const firstMeeting = await startRedis(services, redisPatienceMs, closers);
  const queues = await openQueues(services, closers, redisPatienceMs, tracing.jobs);

  const works = role !== 'scheduler';
  const spool = works ? await openSpool(config, services, closers) : undefined;
  const trail = await openTrail(services, metrics, closers);
  const reconsent = await openReconsent(services, (event) => trail.recordConsent(event));
  const alerts = await alertParts(services, (connection, version) =>
    version === undefined ? undefined : reconsent?.linkFor({ kind: 'reconsent', connection, version }),
  );
  const alerting = createAlerting(services, alerts, (channel, kind) => metrics.alertTold(channel, kind), closers);
  const worker =
    spool === undefined ? undefined : createWorker(services, spool, options, { alerting, trail, tracing }, closers);
  const beat = heartbeats.expect('ticker', sweepMsMax);
  const ticker = createTicker(
    tracing.ticks(
      jobsFor(role, [
        ...cronJobs(services, queues, metrics, alerting, worker),
        watchFor(options, config, alerting, metrics),
        reachFor(role, services),
      ]),
    ),
    {
      log,
      now: deps.machine.now,
      sleep: clock.sleep,
      ended: beat,
      failed: (name) => metrics.cronRun(name, 'failed'),
      ran(name) {
        metrics.cronRun(name, 'ok');
        services.lamps
          .note(name, clock.now())
          // That Redis is away is said once, by whoever lost it.
          .catch((error: unknown) => {
            if (!hasCode(error, 'redis_unavailable')) log.warn('lamp.not_noted', describeError(error));
          });
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
      readiness: () => readiness(phase.now, services),
    },
    metrics: { render: createScrape(sources, metrics) },
    status,
    logger: log,
    clock,
  });
  closers.push('web', () => web.stop());
  const { url, healthUrl } = await web.start();
  // No token is spent on a Redis that may drop a lease: one that comes later is looked at first.
  void firstMeeting.fit.then((fit) => (fit && phase.now !== 'draining' ? worker?.start() : undefined));
  alerting.start();
  phase.now = 'running';
  const settled = ticker.start();
  metrics.configLoaded(clock.now());
  metrics.roles(role === 'all' ? ['scheduler', 'worker'] : [role]);
  log.info('service.started', { role, url, store: config.store.kind, environment: config.environment });

  return {
    url,
    healthUrl,
    services,
    queues,
    settled,
    async stop() {
      phase.now = 'draining';
      // The ticker ends on purpose: a long drain is no silence.
      heartbeats.forget('ticker');
      log.info('service.draining');
      // Side by side: while a long inventory comes to its end no further job may be taken.
      const limitMs = config.rotation.drainLimit;
      // What runs by cron is done again by the next process.
      const ticked = atMost(clock, limitMs, ticker.stop(), undefined);
      const [left = 0] = await Promise.all([worker?.drain(limitMs), ticked]);
      // A customer's new grant may be on its way to the store.
      await reconsent?.settled();
      await closers.closeAll();
      log.info('service.stopped', { left });
      return left;
    },
  };
}

function reachFor(role: AppOptions['role'], { store, reachable }: Services) {
  return reachJob(role === 'worker' ? 'worker' : 'scheduler', {
    store,
    quietMs: () => reachable.storeQuietMs(),
    away: () => storeInTheWay(reachable.outages) !== undefined,
  });
}

/** By one process at a time, whatever its role: a scheduler that is gone is one of the things looked for. */
function watchFor({ role, looked }: AppOptions, { alerts }: Config, alerting: Alerting, metrics: Metrics) {
  const { ports, settings } = alerting.watch;
  const { clock } = ports;
  return watchJob(alerts.watch, role === 'worker' ? 'worker' : 'scheduler', ports, settings, (result) => {
    metrics.incidents(result === undefined ? undefined : { ...result, lookedAt: clock.now() });
    if (result === undefined) return;
    alerting.looked(result);
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
      alarmsOf: entryAlarms(config),
      nearest: config.web.metrics.nearest,
      last: { atMs: undefined },
    }),
  ];
}
