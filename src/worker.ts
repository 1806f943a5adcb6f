/** The worker of one process: its rotations, what follows from each, and how it is drained. */
import type { recoverJob } from '../jobs/recover.ts';
import { refreshJob, runRefresh } from '../jobs/refresh.ts';
import type { Alerting } from './alert-parts.ts';
import type { AppOptions } from './app.ts';
import { rotationSettings } from './derive-settings.ts';
import { createRefreshWorkers } from './queue/refresh-workers.ts';
import { createReports } from './queue/reports.ts';
import type { RotationPorts } from './rotation/attempt.ts';
import type { RotationReport } from './rotation/outcome.ts';
import { rotationPorts } from './rotation-parts.ts';
import type { Closers } from './runtime/closers.ts';
import type { Services } from './services.ts';
import type { MirroredSpool } from './spool/mirrored.ts';
import type { Audit } from './telemetry/audit.ts';
import { createObserver } from './telemetry/observe.ts';
import type { Tracing } from './tracing-parts.ts';

export interface Worker {
  readonly ports: RotationPorts;
  readonly accounting: Parameters<typeof recoverJob>[3];
  readonly settings: Parameters<typeof recoverJob>[2];
  start(): void;
  drain(limitMs: number): Promise<number>;
}

export function createWorker(
  services: Services,
  spool: MirroredSpool,
  options: AppOptions,
  { alerting, trail, tracing }: { readonly alerting: Alerting; readonly trail: Audit; readonly tracing: Tracing },
  closers: Closers,
): Worker {
  const { config, deps, prefix, redis } = services;
  const { clock, log } = deps;
  const settings = rotationSettings(config);
  const observer = createObserver(options.metrics, trail, () => clock.now());
  const observe = (report: RotationReport) => {
    observer(report);
    alerting.observe(report);
    options.observe?.(report);
  };
  const ports = tracing.ports(rotationPorts(services, spool), services);
  const accounting = { index: services.index, log, observe };
  const reports = createReports({ redis: redis.redis, prefix, clock });
  const workers = createRefreshWorkers({
    redis: services.connect('workers').redis,
    prefix,
    providers: Object.keys(config.providers),
    concurrency: config.rotation.concurrency,
    lockDurationMs: settings.leaseMs,
    clock,
    logger: log,
    job: refreshJob,
    ...(tracing.jobs === undefined ? {} : { traces: tracing.jobs }),
    onStalled: (provider) => options.metrics.stalled(provider),
    async run(job, signal) {
      const report = await tracing.rotation(job, () => runRefresh(job, { ports, settings, accounting }, signal));
      if (job.reason === 'manual') await reports.publish(report);
    },
  });
  closers.push('workers', () => workers.close());
  return {
    ports,
    accounting,
    settings,
    start: () => workers.start(),
    drain: (limitMs) => workers.drain(limitMs, settings.requestLimitMs),
  };
}
