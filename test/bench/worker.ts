/**
 * A worker process as it runs in production: the real app in the role `worker`, with its log, metrics, audit trail and
 * spool on disk. It notes when each rotation ended, and nothing more.
 */
import { startApp } from '../../src/app.ts';
import type { RotationReport } from '../../src/rotation/outcome.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { createLogger, logDestination } from '../../src/telemetry/log.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { cpuMs, inputOf, serve } from './child.ts';
import { configOf, depsOf, type ServiceInput } from './stage.ts';

export interface Measured {
  /** Monotonic instants at which rotations ended, ms. */
  readonly endedAtMs: readonly number[];
  /** Answer to fsynced of each, ms. */
  readonly sealMs: readonly number[];
  readonly requestMs: readonly number[];
  readonly writeMs: readonly number[];
  readonly totalMs: readonly number[];
  readonly outcomes: Readonly<Record<string, number>>;
  readonly cpuMs: number;
  /** Share of the time the main thread was busy. */
  readonly busy: number;
}

const input = inputOf<ServiceInput>();
const config = configOf(input);
const clock = systemClock();
const providers = Object.keys(config.providers);
const metrics = createMetrics({
  providers,
  queues: providers,
  build: { version: '0', commit: 'bench', node: process.versions.node },
});
let reports: { at: number; report: RotationReport }[] = [];
let enough: { count: number; done: () => void } | undefined;

const app = await startApp(config, {
  role: 'worker',
  metrics,
  deps: depsOf(input, {
    log: createLogger({ level: config.log.level, destination: logDestination(1), clock, base: { role: 'worker' } }),
    observeStore: (operation, outcome, durationMs) => metrics.storeRequest(operation as never, outcome, durationMs),
  }),
  observe(report) {
    // Recovery looks at open records by its own clock, those under way included; what it finds is nothing of the bench's.
    if (report.asked === 'recover') return;
    reports.push({ at: clock.monotonic(), report });
    if (enough !== undefined && reports.length >= enough.count) enough.done();
  },
});
await app.settled;

/** Resolves when this many more rotations have ended. */
async function measure(count: number): Promise<Measured> {
  reports = [];
  const cpuBefore = cpuMs();
  const loopBefore = performance.eventLoopUtilization();
  const { promise, resolve } = Promise.withResolvers<void>();
  enough = { count, done: resolve };
  await promise;
  enough = undefined;
  const outcomes: Record<string, number> = {};
  for (const { report } of reports) {
    const word = report.reason === 'none' ? report.outcome : `${report.outcome}: ${report.error ?? report.reason}`;
    outcomes[word] = (outcomes[word] ?? 0) + 1;
  }
  const each = (pick: (report: RotationReport) => number | undefined) =>
    reports.flatMap(({ report }) => pick(report) ?? []);
  return {
    endedAtMs: reports.map(({ at }) => at),
    sealMs: each(({ sealMs }) => sealMs),
    requestMs: each(({ requestMs }) => requestMs),
    writeMs: each(({ writeMs }) => writeMs),
    totalMs: each(({ totalMs }) => totalMs),
    outcomes,
    cpuMs: cpuMs() - cpuBefore,
    busy: performance.eventLoopUtilization(loopBefore).utilization,
  };
}

serve({ url: app.url }, { measure }, () => app.stop());
