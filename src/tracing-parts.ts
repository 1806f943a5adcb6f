/**
 * Tracing of one process: what records, and what it is put around. Where no collector is configured nothing of OpenTelemetry
 * is loaded: it costs memory in every pod.
 */
import type { Config } from '../config/derive.ts';
import type { CronJob } from '../jobs/job.ts';
import type { JobTraces } from './queue/job-traces.ts';
import type { RotationPorts } from './rotation/attempt.ts';
import type { RotationReport } from './rotation/outcome.ts';
import { rotationBegun, rotationEnd, rotationSpan } from './rotation/rotation-span.ts';
import { tracedPorts } from './rotation/traced-ports.ts';
import type { Closers } from './runtime/closers.ts';
import { type Tracer, tickAttribute } from './runtime/tracer.ts';
import type { RefreshJob } from './schedule/ports.ts';
import type { Deps, Services } from './services.ts';

export interface Tracing {
  /** What BullMQ carries a trace with; undefined where nothing is traced. */
  readonly jobs: JobTraces | undefined;
  /** Each run of a cron job is the beginning of a trace. */
  ticks(jobs: readonly CronJob[]): readonly CronJob[];
  /** The ports with each call a step. */
  ports(ports: RotationPorts, services: Services): RotationPorts;
  rotation(job: RefreshJob, rotate: () => Promise<RotationReport>): Promise<RotationReport>;
}

export const noTracing: Tracing = {
  jobs: undefined,
  ticks: (jobs) => jobs,
  ports: (ports) => ports,
  rotation: (_job, rotate) => rotate(),
};

/** Opened first and closed last, so that what the others do at the end is still sent. */
export async function openTracing(config: Config, deps: Deps, version: string, closers: Closers): Promise<Tracing> {
  const { endpoint, sampleRatio, headersFile } = config.tracing;
  if (endpoint === undefined) return noTracing;
  const { createTraces } = await import('./telemetry/traces.ts');
  const { createJobTraces } = await import('./queue/job-traces.ts');
  const { environment } = config;
  const { clock, log, random } = deps;
  const instance = random.uuid();
  const { tracer, close } = createTraces({
    endpoint,
    sampleRatio,
    headersFile,
    environment,
    version,
    instance,
    clock,
    log,
  });
  closers.push('traces', close);
  return around(tracer, createJobTraces());
}

function around(tracer: Tracer, jobs: JobTraces): Tracing {
  return {
    jobs,
    ticks: (cronJobs) =>
      cronJobs.map((job) => ({
        ...job,
        run: () => tracer.span(`tick ${job.name}`, { [tickAttribute]: job.name }, job.run),
      })),
    ports: (ports, { config, idOf }) => tracedPorts(ports, { tracer, store: config.store.kind, idOf }),
    rotation: (job, rotate) => tracer.span(rotationSpan, rotationBegun(job), rotate, rotationEnd),
  };
}
