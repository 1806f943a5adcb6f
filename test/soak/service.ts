/**
 * The service under soak: the real app in all roles, in a process of its own, with its log on standard output. It answers
 * what it weighs, and leaks on purpose where it was told to, so that a run can show that leaks are found.
 */
import { readdirSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { getHeapSpaceStatistics } from 'node:v8';
import { loadConfig } from '../../config/load.ts';
import { startApp } from '../../src/app.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { systemMachine } from '../../src/runtime/machine.ts';
import { systemRandom } from '../../src/runtime/random.ts';
import { configureDemo } from '../../src/sandbox/demo/configure.ts';
import { createLogger, logDestination } from '../../src/telemetry/log.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { inputOf, serve } from '../bench/child.ts';
import { createSharedCalendar, type Stretch } from './calendar.ts';
import type { ServiceLook } from './figures.ts';
import { readLeft } from './left.ts';
import { type Leak, planter } from './plant.ts';
import { clients } from './population.ts';

export interface ServiceInput {
  readonly directory: string;
  readonly redisUrl: string;
  readonly storeUrl: string;
  readonly providersUrl: string;
  readonly alertsUrl: string;
  readonly calendar: Stretch;
  readonly leaks: readonly Leak[];
}

export interface ServiceHello {
  readonly url: string;
  readonly spool: string;
}

const input = inputOf<ServiceInput>();
const own = systemClock();
const calendar = createSharedCalendar(input.calendar, own);
const loaded = loadConfig({
  env: { PILOTLIGHT_DATA_DIR: input.directory, PILOTLIGHT_STORE: 'aws', REDIS_URL: input.redisUrl },
  inKubernetes: false,
});
if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
const demo = configureDemo(loaded.config, { store: input.storeUrl, providers: input.providersUrl }, clients);
const config: typeof demo = {
  ...demo,
  web: { ...demo.web, port: 0 },
  // Small enough to be full several times over before the half of the run that is judged.
  audit: { ...demo.audit, maxBytes: 65_536, keep: 2 },
  alerts: {
    ...demo.alerts,
    channels: { soak: { kind: 'webhook', url: input.alertsUrl, secretEnv: 'SOAK_WEBHOOK_SECRET', format: 'standard' } },
  },
};
const providers = Object.keys(config.providers);
const build = { version: '0', commit: 'soak', node: process.versions.node };
const metrics = createMetrics({ providers, queues: providers, build });
const log = createLogger({ level: config.log.level, destination: logDestination(1), clock: calendar });
let rotations = 0;

const app = await startApp(config, {
  role: 'all',
  metrics,
  deps: {
    clock: calendar,
    random: systemRandom(),
    log,
    machine: systemMachine(),
    redisUrl: loaded.redisUrl,
    inKubernetes: false,
    say: () => {},
    // Days pass in seconds: a corrected client secret must be seen within hours of theirs.
    credentialsCacheMs: 100,
    awsCredentials: { accessKeyId: 'soak', secretAccessKey: 'soak-secret-access-key' },
    observeStore: (operation, outcome, durationMs) => metrics.storeRequest(operation, outcome, durationMs),
  },
  observe({ outcome }) {
    if (outcome !== 'rotated') return;
    rotations += 1;
    plant();
  },
});
const plant = planter(input.leaks, { redis: app.services.redis.redis, log, spool: config.spool.directory });
await app.settled;

const delay = monitorEventLoopDelay({ resolution: 10 });
delay.enable();
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Twice, with a turn between: what a first collection gives back to finalizers is freed by a second. */
async function collect(): Promise<void> {
  if (globalThis.gc === undefined) throw new Error('the service under soak needs --expose-gc');
  for (let times = 0; times < 2; times++) {
    globalThis.gc();
    await turn();
  }
}

/** Least of what is held within half a second: requests under way come and go, what was forgotten stays. */
async function held(): Promise<{ handles: number; fds: number }> {
  const all: { handles: number; fds: number }[] = [];
  for (let times = 0; times < 10; times++) {
    // Reading the folder takes a descriptor of its own.
    const fds = readdirSync('/proc/self/fd').length - 1;
    all.push({ handles: process.getActiveResourcesInfo().length, fds });
    await own.sleep(50);
  }
  return { handles: Math.min(...all.map(({ handles }) => handles)), fds: Math.min(...all.map(({ fds }) => fds)) };
}

/** Of the heap: compiled code and what belongs to it, which comes to rest long after the data has. */
function codeBytes(): number {
  const isCode = ({ space_name: name }: { space_name: string }) => /code|trusted/.test(name);
  return getHeapSpaceStatistics().reduce((sum, space) => sum + (isCode(space) ? space.space_used_size : 0), 0);
}

function listeners(): number {
  return process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0);
}

async function look(): Promise<ServiceLook> {
  const lagMs = delay.percentile(99) / 1e6;
  await collect();
  const { rss, heapUsed, external } = process.memoryUsage();
  const code = codeBytes();
  const { handles, fds } = await held();
  // What the look itself held up is not the service's.
  delay.reset();
  return { rss, heapUsed, data: heapUsed - code, external, handles, fds, listeners: listeners(), lagMs, rotations };
}

serve(
  { url: app.url, spool: config.spool.directory } satisfies ServiceHello,
  { look, left: () => readLeft(app.services), follow: (stretch: Stretch) => calendar.follow(stretch) },
  () => app.stop(),
);
