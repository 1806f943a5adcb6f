/**
 * The whole service in one test: the real app with its queues and workers on a real Redis, the Secrets Manager double through
 * the real SDK, the providers' sandbox over real HTTP, and a calendar the test turns. What is faked is the world outside.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../../config/derive.ts';
import { loadConfig } from '../../config/load.ts';
import { type App, startApp } from '../../src/app.ts';
import type { RotationReport } from '../../src/rotation/outcome.ts';
import { createClosers } from '../../src/runtime/closers.ts';
import { type LogFields, type Logger, silentLogger } from '../../src/runtime/logger.ts';
import { systemMachine } from '../../src/runtime/machine.ts';
import { seededRandom, systemRandom } from '../../src/runtime/random.ts';
import { type Consent, type Consented, createProviderSandbox, type ProviderSandbox } from '../../src/sandbox/providers/sandbox.ts';
import { createSecretsManagerDouble, type SecretsManagerDouble } from '../../src/sandbox/secrets-manager/double.ts';
import { createMetrics, type Metrics } from '../../src/telemetry/metrics.ts';
import { type TurnableClock, turnableClock } from './provider-bench.ts';
import { startTestRedis, type TestRedis } from './redis.ts';

export const day = 86_400_000;

export interface Rig {
  readonly clock: TurnableClock;
  readonly redis: TestRedis;
  readonly double: SecretsManagerDouble;
  readonly sandbox: ProviderSandbox;
  readonly config: Config;
  readonly directory: string;
  readonly metrics: Metrics;
  readonly log: readonly { readonly event: string; readonly fields: LogFields }[];
  /** A customer consents and the application stores it as a managed secret. */
  connect(consent: Omit<Consent, 'client'> & { client?: Consent['client'] }, more?: Record<string, unknown>): Consented;
  /** Starts an app; stopped with the rig. */
  start(options?: { role?: 'all' | 'scheduler' | 'worker' }): Promise<App>;
  /** The next report of a connection, from now on; `which` chooses among them. */
  next(connection: string, which?: (report: RotationReport) => boolean): Promise<RotationReport>;
  readonly reports: readonly RotationReport[];
  /** The current document of a connection. */
  document(connection: string): Record<string, unknown>;
  stop(): Promise<void>;
}

export const rigClient = { clientId: 'rig-client', clientSecret: 'PLTOKEN-rig-client-secret' };

/** Limits short enough for tests; the configuration file's ranges are for production. */
function testConfig(config: Config, change: (config: Config) => Config): Config {
  const rotation = { ...config.rotation, requestLimit: 4_000, writeLimit: 3_000, lease: 10_000, coolDown: 1, drainLimit: 10_000, concurrency: 8 };
  const schedule = { sweep: '* * * * * *', inventory: '* * * * * *', recover: '* * * * * *' };
  return change({ ...config, rotation, schedule, web: { ...config.web, port: 0 } });
}

export async function startRig(options: { change?: (config: Config) => Config; settings?: readonly string[] } = {}): Promise<Rig> {
  const closers = createClosers();
  const clock = turnableClock();
  const random = seededRandom(11);
  const directory = await mkdtemp(join(tmpdir(), 'pilotlight-rig-'));
  closers.push('directory', () => rm(directory, { recursive: true, force: true }));
  const redis = await startTestRedis();
  closers.push('redis', () => redis.stop());
  await ageEpoch(redis);
  const double = createSecretsManagerDouble({ clock, random });
  const store = await double.start();
  closers.push('double', () => double.stop());
  const sandbox = createProviderSandbox({ clock, random });
  const providers = await sandbox.start();
  closers.push('sandbox', () => sandbox.stop());
  double.secrets.create('clients/rig', JSON.stringify({ client_id: rigClient.clientId, client_secret: rigClient.clientSecret }));

  const loaded = loadConfig({ env: { PILOTLIGHT_DATA_DIR: directory, PILOTLIGHT_STORE: 'aws' }, inKubernetes: false });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const config = testConfig(
    {
      ...loaded.config,
      store: { ...loaded.config.store, aws: { ...loaded.config.store.aws, endpoint: store.url, region: 'eu-central-1' } },
      clients: { rig: { secret: 'clients/rig' } },
      sandbox: { connectTo: providers.url.href },
    },
    options.change ?? ((same) => same),
  );
  const log: { event: string; fields: LogFields }[] = [];
  const note = (event: string, fields: LogFields = {}) => void log.push({ event, fields });
  const logger: Logger = { debug: note, info: note, warn: note, error: note };
  const metrics = createMetrics({
    providers: Object.keys(config.providers),
    queues: Object.keys(config.providers),
    build: { version: '0', commit: 'test', node: '24' },
    runtimeMetrics: false,
  });
  const reports: RotationReport[] = [];
  const waiting = new Set<{ connection: string; which: (report: RotationReport) => boolean; done: (report: RotationReport) => void }>();
  const observe = (report: RotationReport) => {
    reports.push(report);
    for (const one of [...waiting]) {
      if (one.connection !== report.connection || !one.which(report)) continue;
      waiting.delete(one);
      one.done(report);
    }
  };
  const apps: App[] = [];
  return {
    clock,
    redis,
    double,
    sandbox,
    config,
    directory,
    metrics,
    log,
    reports,
    connect(consent, more = {}) {
      const held = sandbox.grants.create({ client: rigClient, ...consent });
      const value = documentOf(consent.provider, held, more);
      double.secrets.create(consent.connection, JSON.stringify(value), { 'pilotlight:managed': 'true' });
      return held;
    },
    async start({ role = 'all' } = {}) {
      const app = await startApp(config, {
        role,
        metrics,
        observe,
        deps: {
          clock,
          random: systemRandom(),
          log: logger,
          machine: systemMachine(),
          redisUrl: redis.url,
          inKubernetes: false,
          say: () => {},
          credentialsCacheMs: 1,
          awsCredentials: { accessKeyId: 'test', secretAccessKey: 'test' },
          observeStore: () => {},
        },
      });
      apps.push(app);
      await app.settled;
      return app;
    },
    next: (connection, which = () => true) =>
      new Promise((done) => {
        waiting.add({ connection, which, done });
      }),
    document: (connection) => JSON.parse(String(double.secrets.current(connection)?.value)) as Record<string, unknown>,
    async stop() {
      for (const app of apps) await app.stop();
      await closers.closeAll();
    },
  };
}

/** Leases are given at once: the epoch rule has tests of its own. */
async function ageEpoch(redis: TestRedis): Promise<void> {
  const runId = /run_id:(\w+)/.exec(await redis.redis.info('server'))?.[1] ?? '';
  await redis.redis.hset('{pilotlight}:epoch', runId, '1');
}

export function documentOf(provider: string, held: Consented, more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    provider,
    environment: held.environment,
    client: 'rig',
    refresh_token: held.refreshToken,
    access_token: held.accessToken,
    token_type: held.tokenType,
    scope: held.scope,
    consented_at: new Date(held.consentedAt).toISOString(),
    refreshed_at: new Date(held.refreshedAt).toISOString(),
    ...(held.apiAccessPoint === undefined ? {} : { api_access_point: held.apiAccessPoint }),
    ...(held.dataCenter === undefined ? {} : { data_center: held.dataCenter }),
    ...more,
  };
}

export { silentLogger };
