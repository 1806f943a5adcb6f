/**
 * One Redis server of our own: loopback only, random port, random password that is in no argv and in no environment, no
 * persistence (Redis is disposable). It runs in a session of its own, so that Ctrl-C reaches us first and we can finish
 * what is under way; whoever started it stops it by its pid.
 */
import type { spawn } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import type { Clock } from '../runtime/clock.ts';
import { PilotlightError } from '../runtime/errors.ts';
import type { Random } from '../runtime/random.ts';
import { freePort } from './free-port.ts';

export interface RedisServer {
  /** With the password in it: never log it. */
  readonly url: string;
  readonly pid: number;
  /** Stops it and resolves when it is gone. */
  stop(): Promise<void>;
}

export interface RedisServerOptions {
  /** Path of redis-server or valkey-server. */
  readonly binary: string;
  /** A folder for this server alone; made with mode 0700, taken away when it stops. */
  readonly directory: string;
  readonly spawn: typeof spawn;
  readonly clock: Clock;
  readonly random: Random;
  /** False where the server should die with the caller's terminal (tests). */
  readonly detached: boolean;
  /** Further lines of redis.conf. */
  readonly settings?: readonly string[];
}

/** A free port may be taken by somebody else before Redis binds it. */
const attemptsMax = 3;
const startMsMax = 10_000;
/** Redis without persistence ends within milliseconds of SIGTERM; after this it is killed. */
const stopMsMax = 3_000;

/** Starts a server and waits until it answers. Throws redis_unavailable with the end of its own log. */
export async function startRedisServer(options: RedisServerOptions): Promise<RedisServer> {
  let why = '';
  for (let attempt = 1; attempt <= attemptsMax; attempt++) {
    const outcome = await startOnce(options);
    if ('url' in outcome) return outcome;
    why = outcome.why;
  }
  throw new PilotlightError('redis_unavailable', `the private Redis (${options.binary}) did not start: ${why}`);
}

async function startOnce(options: RedisServerOptions): Promise<RedisServer | { readonly why: string }> {
  const { directory, clock } = options;
  const port = await freePort(options.random);
  const password = options.random.bytes(24).toString('base64url');
  const url = `redis://:${password}@127.0.0.1:${port}`;
  const configFile = join(directory, 'redis.conf');
  const logFile = join(directory, 'redis.log');
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await rm(logFile, { force: true });
  await rm(configFile, { force: true });
  await writeFile(configFile, configuration(directory, logFile, port, password, options.settings ?? []), {
    mode: 0o600,
    flag: 'wx',
  });

  const child = options.spawn(options.binary, [configFile], {
    cwd: directory,
    detached: options.detached,
    env: {},
    stdio: 'ignore',
  });
  let gone = false;
  const exited = new Promise<void>((resolve) => {
    const end = () => {
      gone = true;
      resolve();
    };
    child.once('exit', end);
    child.once('error', end);
  });
  if (options.detached) child.unref();

  const stop = async () => {
    if (!gone) child.kill('SIGTERM');
    const late = new AbortController();
    await Promise.race([exited, clock.sleep(stopMsMax, late.signal).catch(() => undefined)]);
    late.abort();
    if (!gone) child.kill('SIGKILL');
    await exited;
    await rm(directory, { recursive: true, force: true });
  };
  const startedAt = clock.monotonic();
  while (!gone && clock.monotonic() - startedAt < startMsMax) {
    if ((await answeringPid(url)) === child.pid && child.pid !== undefined) return { url, pid: child.pid, stop };
    await Promise.race([exited, clock.sleep(10)]);
  }
  const why = await endOf(logFile);
  await stop();
  return { why };
}

function configuration(
  directory: string,
  logFile: string,
  port: number,
  password: string,
  settings: readonly string[],
): string {
  const lines = [
    'bind 127.0.0.1',
    `port ${port}`,
    'protected-mode yes',
    `requirepass ${password}`,
    'daemonize no',
    'supervised no',
    'databases 1',
    'save ""',
    'appendonly no',
    'maxmemory-policy noeviction',
    `dir ${JSON.stringify(directory)}`,
    `logfile ${JSON.stringify(logFile)}`,
    'loglevel notice',
    ...settings,
  ];
  return `${lines.join('\n')}\n`;
}

/** The process id of the server that answers at the URL with its password, undefined when none does. */
export async function answeringPid(url: string): Promise<number | undefined> {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: 1_000,
    commandTimeout: 1_000,
    enableReadyCheck: false,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  redis.on('error', () => undefined);
  try {
    await redis.connect();
    const pid = Number(/process_id:(\d+)/.exec(await redis.info('server'))?.[1]);
    return Number.isInteger(pid) ? pid : undefined;
  } catch {
    return undefined;
  } finally {
    redis.disconnect();
  }
}

/** The last line of its log: why it did not start. It never holds the password. */
async function endOf(logFile: string): Promise<string> {
  const text = await readFile(logFile, 'utf8').catch(() => '');
  return text.trim().split('\n').at(-1)?.slice(0, 300) || 'it ended without a word';
}
