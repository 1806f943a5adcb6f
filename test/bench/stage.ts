/**
 * What every part of the bench stands on: a private Redis, the world in a process of its own, a temporary folder, and the
 * configuration by which the service finds them. Closing it leaves nothing behind, also when the bench is interrupted.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../../config/derive.ts';
import { loadConfig } from '../../config/load.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import type { Closers } from '../../src/runtime/closers.ts';
import { silentLogger } from '../../src/runtime/logger.ts';
import { systemMachine } from '../../src/runtime/machine.ts';
import { systemRandom } from '../../src/runtime/random.ts';
import type { Deps } from '../../src/services.ts';
import { startTestRedis, type TestRedis } from '../support/redis.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { type Child, startChild } from './child.ts';
import { clientSecretName, provider } from './connections.ts';
import type { WorldCounts, WorldHello, WorldInput } from './world.ts';

export const credentials = { accessKeyId: 'bench', secretAccessKey: 'bench-secret-access-key' };
export const region = 'eu-central-1';

export interface Tuning {
  /** Rotations at once. */
  readonly concurrency: number;
  /** Store writes a second; more than a file may say where no limit is wanted, so that the limiter is still asked. */
  readonly writesPerSecond: number;
  /** How long a rotation tries to write by itself; the default unless given. */
  readonly writeLimitMs?: number;
}

/** Everything a child needs to start the service. Travels as JSON. */
export interface ServiceInput {
  readonly configFile: string;
  readonly env: Readonly<Record<string, string>>;
  readonly tuning: Tuning;
}

export interface Stage {
  readonly directory: string;
  readonly redis: TestRedis;
  readonly world: Child & WorldHello;
  counts(): Promise<WorldCounts>;
  /** The service as configured here; `name` gives it a data folder of its own. */
  service(name: string, tuning?: Partial<Tuning>): ServiceInput;
}

/** As good as none, and still asked: the round trip to the limiter is part of a rotation. */
export const unlimited = 10_000;

export async function setStage(closers: Closers, worldInput: WorldInput): Promise<Stage> {
  const directory = scratchFolder('pilotlight-bench-', closers);
  const redis = await startTestRedis();
  closers.push('Redis', () => redis.stop());
  await ageEpoch(redis);
  const child = await startChild('./world.ts', { input: worldInput });
  closers.push('world', () => child.stop());
  const world = { ...child, ...(child.hello as WorldHello) };
  return {
    directory,
    redis,
    world,
    counts: () => world.ask<WorldCounts>('counts'),
    service: (name, tuning = {}) =>
      serviceInput(name, directory, redis, world, { concurrency: 32, writesPerSecond: unlimited, ...tuning }),
  };
}

/** A Redis that is new gives no lease for the length of one: the bench does not wait for that. */
async function ageEpoch({ redis }: TestRedis): Promise<void> {
  const runId = /run_id:(\w+)/.exec(await redis.info('server'))?.[1] ?? '';
  await redis.hset('{pilotlight}:epoch', runId, '1');
}

function serviceInput(
  name: string,
  directory: string,
  redis: TestRedis,
  world: WorldHello,
  tuning: Tuning,
): ServiceInput {
  const configFile = join(directory, `${name}.yaml`);
  const settings = {
    dataDir: join(directory, name),
    store: { kind: 'aws', aws: { region, endpoint: world.storeUrl, ...requestLimitOf(tuning) } },
    clients: { bench: { secret: clientSecretName } },
    providers: { [provider]: { limits: { perSecond: 1_000 } } },
    rotation: {
      concurrency: tuning.concurrency,
      ...(tuning.writeLimitMs === undefined ? {} : { writeLimit: `${tuning.writeLimitMs}ms` }),
    },
    // As a mounted Secret: every worker opens what another one sealed.
    spool: { keys: { directory: join(directory, 'keys') }, fingerprintKeyFile: join(directory, 'fingerprint.key') },
    web: { port: 0 },
    sandbox: { connectTo: world.providerUrl.replace(/\/$/, '') },
  };
  // JSON is YAML.
  writeFileSync(configFile, JSON.stringify(settings), { mode: 0o600 });
  return { configFile, env: { REDIS_URL: redis.url }, tuning };
}

/** A slow write must fit twice into the time there is for it. */
function requestLimitOf({ writeLimitMs }: Tuning): { requestLimit?: string } {
  return writeLimitMs === undefined ? {} : { requestLimit: `${writeLimitMs / 2}ms` };
}

/** The configuration, by the loader the service uses; only the write limit may be out of a file's range. */
export function configOf({ configFile, env, tuning }: ServiceInput): Config {
  const loaded = loadConfig({ file: configFile, env, inKubernetes: false });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const { config } = loaded;
  const aws = { ...config.store.aws, writesPerSecond: tuning.writesPerSecond };
  return { ...config, store: { ...config.store, aws } };
}

export function depsOf({ env }: ServiceInput, more: Partial<Deps> = {}): Deps {
  return {
    clock: systemClock(),
    random: systemRandom(),
    log: silentLogger,
    machine: systemMachine(),
    redisUrl: env.REDIS_URL,
    inKubernetes: false,
    say: () => {},
    credentialsCacheMs: 60_000,
    awsCredentials: credentials,
    observeStore: () => {},
    ...more,
  };
}
