/**
 * Starts the demo: gives it the real service on a calendar of its own, in a folder and on a Redis that go with it. Nothing of
 * the machine's own configuration, Redis or AWS is touched.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../config/load.ts';
import type { Incident } from './alerts/incident.ts';
import { kindWords } from './alerts/kinds.ts';
import { startApp } from './app.ts';
import type { IndexEntry } from './connection/entry.ts';
import { systemClock } from './runtime/clock.ts';
import { PilotlightError } from './runtime/errors.ts';
import { silentLogger } from './runtime/logger.ts';
import { systemMachine } from './runtime/machine.ts';
import { systemRandom } from './runtime/random.ts';
import type { DemoPorts, DemoService, ServiceRequest, ShownIncident } from './sandbox/demo/ports.ts';
import { runDemo } from './sandbox/demo/run.ts';
import { createMetrics } from './telemetry/metrics.ts';

export interface DemoCommand {
  readonly once: boolean;
  readonly seed: number;
  readonly json: boolean;
  readonly days: number;
  /** Port of the status page; 0 takes a free one. */
  readonly port: number;
}

/** One line of it, the connection or what it is about last. */
function shown({ key, kind, severity, about }: Incident): ShownIncident {
  const what = about.connection ?? about.client ?? about.provider;
  return { key, severity, title: `${kindWords(kind).title}${what === undefined ? '' : `: ${what}`}` };
}

/** Runs it to its end; answers the exit code. */
export function runDemoCommand(
  command: DemoCommand,
  terminal: Pick<DemoPorts, 'signal' | 'out' | 'screen'>,
): Promise<number> {
  return runDemo(command, {
    ...terminal,
    clock: systemClock(),
    start: (request) => startService(request, command.port),
  });
}

/** The whole service, in all roles, on a private Redis and in a folder of its own. */
export async function startService(request: ServiceRequest, port: number): Promise<DemoService> {
  const directory = await mkdtemp(join(tmpdir(), 'pilotlight-demo-'));
  const loaded = loadConfig({ env: { PILOTLIGHT_DATA_DIR: directory, PILOTLIGHT_STORE: 'aws' }, inKubernetes: false });
  if (!loaded.ok)
    throw new PilotlightError(
      'config_invalid',
      'the shipped configuration does not load: pilotlight config validate says why',
    );
  const configured = request.configure(loaded.config);
  const config = { ...configured, web: { ...configured.web, port } };
  const providers = Object.keys(config.providers);
  const metrics = createMetrics({
    providers,
    queues: providers,
    build: { version: 'demo', commit: 'demo', node: 'demo' },
  });
  const app = await startApp(config, {
    role: 'all',
    metrics,
    observe: request.observe,
    looked: ({ open }) => request.incidents(open.map(shown)),
    deps: {
      clock: request.clock,
      random: systemRandom(),
      log: silentLogger,
      machine: systemMachine(),
      redisUrl: undefined,
      inKubernetes: false,
      say: request.say,
      // Virtual days pass in seconds: a corrected client secret must be seen within hours of theirs.
      credentialsCacheMs: 100,
      awsCredentials: { accessKeyId: 'demo', secretAccessKey: 'demo' },
      observeStore: (operation, outcome, durationMs) => metrics.storeRequest(operation, outcome, durationMs),
    },
  });
  return {
    url: app.url,
    settled: app.settled,
    async entries() {
      const all: IndexEntry[] = [];
      for await (const page of app.services.index.scan()) all.push(...page);
      return all;
    },
    flushRedis: async () => void (await app.services.redis.redis.flushall()),
    async stop() {
      await app.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
