/**
 * The world outside the service, for one test: a real Redis, the Secrets Manager double behind the real SDK, the providers'
 * sandbox over real HTTP, a calendar the test turns, and the configuration that points at them. Rig (the whole service) and
 * rotation bench (the protocol alone) both stand in it.
 */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../../config/derive.ts';
import { loadConfig } from '../../config/load.ts';
import { type Closers, createClosers } from '../../src/runtime/closers.ts';
import type { LogFields, Logger } from '../../src/runtime/logger.ts';
import { systemMachine } from '../../src/runtime/machine.ts';
import { seededRandom, systemRandom } from '../../src/runtime/random.ts';
import {
  type Consent,
  type Consented,
  createProviderSandbox,
  type ProviderSandbox,
} from '../../src/sandbox/providers/sandbox.ts';
import { createSecretsManagerDouble, type SecretsManagerDouble } from '../../src/sandbox/secrets-manager/double.ts';
import type { Deps } from '../../src/services.ts';
import { createLogger } from '../../src/telemetry/log.ts';
import { type TurnableClock, turnableClock } from './provider-bench.ts';
import { startTestRedis, type TestRedis } from './redis.ts';
import { testCredentials } from './store-fixture.ts';

export const minute = 60_000;
export const hour = 3_600_000;
export const day = 86_400_000;

/** Our registrations; every provider knows them by these credentials. */
export const rigClient = { clientId: 'rig-client', clientSecret: 'PLTOKEN-5f0c9d52-8e7b-4c1a-9c27-d1f6a2b3c4d5' };
export const otherClient = { clientId: 'other-client', clientSecret: 'PLTOKEN-0a1b2c3d-7f6e-4d5c-8b9a-e1f2a3b4c5d6' };

export interface World {
  readonly clock: TurnableClock;
  readonly redis: TestRedis;
  readonly double: SecretsManagerDouble;
  readonly sandbox: ProviderSandbox;
  readonly config: Config;
  readonly directory: string;
  /** What was logged, as it was handed over and as the real logger printed it. */
  readonly log: readonly { readonly event: string; readonly fields: LogFields }[];
  readonly lines: readonly string[];
  readonly deps: Deps;
  readonly closers: Closers;
  /** A customer consents and the application stores it as a managed secret, with these members changed or added. */
  connect(consent: WorldConsent, more?: Record<string, unknown>, tags?: Record<string, string>): Consented;
  /** The current document of a connection. */
  document(connection: string): Record<string, unknown>;
  /** The application saves the current document with these members changed; answers the new version's id. */
  save(connection: string, change: Record<string, unknown>): string;
  spoolFiles(): Promise<readonly string[]>;
  /** Redis loses everything, and remembers to have been up for long: the epoch rule has tests of its own. */
  flushRedis(): Promise<void>;
}

export type WorldConsent = Omit<Consent, 'client'> & { readonly client?: Consent['client'] };

export interface WorldOptions {
  readonly change?: (config: Config) => Config;
  /** How Redis is reached; undefined in `deps` where the test says so itself. */
  readonly redisUrl?: string;
}

/** Limits short enough for tests; the configuration file's ranges are for production. */
function testLimits(config: Config): Config {
  const rotation = {
    ...config.rotation,
    requestLimit: 4_000,
    writeLimit: 1_000,
    lease: 10_000,
    coolDown: 1,
    drainLimit: 10_000,
    concurrency: 8,
  };
  const everySecond = '* * * * * *';
  const schedule = { sweep: everySecond, inventory: everySecond, recover: everySecond };
  const providers = Object.fromEntries(
    Object.entries(config.providers).map(([name, provider]) => [
      name,
      { ...provider, limits: { ...provider.limits, perSecond: 1_000 } },
    ]),
  );
  return { ...config, rotation, schedule, providers, web: { ...config.web, port: 0 } };
}

export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const closers = createClosers();
  const clock = turnableClock();
  const random = seededRandom(11);
  const directory = await mkdtemp(join(tmpdir(), 'pilotlight-world-'));
  closers.push('directory', () => rm(directory, { recursive: true, force: true }));
  // It looks for a signal to end as often as its own clock ticks; every test waits for that.
  const redis = await startTestRedis({ settings: ['hz 200'] });
  closers.push('redis', () => redis.stop());
  await ageEpoch(redis);
  const double = createSecretsManagerDouble({ clock, random });
  const { url } = await double.start();
  closers.push('double', () => double.stop());
  const sandbox = createProviderSandbox({ clock, random });
  const providers = await sandbox.start();
  closers.push('sandbox', () => sandbox.stop());
  for (const [name, { clientId, clientSecret }] of Object.entries({ rig: rigClient, other: otherClient }))
    double.secrets.create(`clients/${name}`, JSON.stringify({ client_id: clientId, client_secret: clientSecret }));

  const loaded = loadConfig({
    env: { PILOTLIGHT_DATA_DIR: directory, PILOTLIGHT_STORE: 'aws' },
    inKubernetes: false,
  });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const base = testLimits(loaded.config);
  const aws = { ...base.store.aws, endpoint: url, region: 'eu-central-1', writesPerSecond: 1_000, requestLimit: 2_000 };
  const pointed: Config = {
    ...base,
    store: { ...base.store, aws },
    clients: { rig: { secret: 'clients/rig' }, other: { secret: 'clients/other' } },
    sandbox: { connectTo: providers.url.href },
  };
  const config = options.change?.(pointed) ?? pointed;
  const log: { event: string; fields: LogFields }[] = [];
  const lines: string[] = [];
  const printer = createLogger({ level: 'debug', destination: { write: (line) => lines.push(line) }, clock });
  const note =
    (level: keyof Logger) =>
    (event: string, fields: LogFields = {}) => {
      log.push({ event, fields });
      printer[level](event, fields);
    };
  const logger: Logger = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') };
  const document = (connection: string) =>
    JSON.parse(String(double.secrets.current(connection)?.value)) as Record<string, unknown>;
  return {
    clock,
    redis,
    double,
    sandbox,
    config,
    directory,
    log,
    lines,
    closers,
    deps: {
      clock,
      random: systemRandom(),
      log: logger,
      machine: systemMachine(),
      redisUrl: options.redisUrl ?? redis.url,
      inKubernetes: false,
      say: () => {},
      credentialsCacheMs: 1,
      awsCredentials: testCredentials,
      observeStore: () => {},
    },
    connect(consent, more = {}, tags = {}) {
      const held = sandbox.grants.create({ client: rigClient, ...consent });
      const value = documentOf(consent.provider, held, more);
      double.secrets.create(consent.connection, JSON.stringify(value), { 'pilotlight:managed': 'true', ...tags });
      return held;
    },
    document,
    save: (connection, change) =>
      double.secrets.put(connection, JSON.stringify({ ...document(connection), ...change })),
    spoolFiles: () => readdir(config.spool.directory),
    async flushRedis() {
      await redis.flush();
      await ageEpoch(redis);
    },
  };
}

/** Leases are given at once. */
async function ageEpoch(redis: TestRedis): Promise<void> {
  const runId = /run_id:(\w+)/.exec(await redis.redis.info('server'))?.[1] ?? '';
  await redis.redis.hset('{pilotlight}:epoch', runId, '1');
}

/** What an application would have stored after a consent. */
export function documentOf(
  provider: string,
  held: Consented,
  more: Record<string, unknown> = {},
): Record<string, unknown> {
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
