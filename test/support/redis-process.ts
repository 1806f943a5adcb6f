/**
 * One Redis process among several: a Cluster's node, a primary, a replica, a Sentinel. Unlike `redis.ts` it can be killed,
 * paused and started again on its port, and its password is the test's, because nodes must know one another's.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { findRedisBinary, howToInstall } from '../../src/queue/private-redis-install.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { onExit } from '../faults/processes/on-exit.ts';
import { freePort } from './free-port.ts';

export const nodePassword = 'PLTOKEN-redis-password-of-tests';

export interface RedisProcess {
  /** `127.0.0.1:port`. */
  readonly address: string;
  readonly port: number;
  readonly directory: string;
  /** The test's own connection, in clear whatever the clients speak. */
  readonly admin: Redis;
  /** False while it is killed or paused: whoever asked it would wait. */
  answers(): boolean;
  /** Ends it as a power cut would. */
  kill(): Promise<void>;
  /** It hangs: connections stay open and nothing is answered. */
  pause(): void;
  resume(): void;
  /** Starts it again after `kill`, on its port and with its folder. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

export interface RedisProcessOptions {
  /** Further lines of redis.conf. */
  readonly settings?: readonly string[];
  readonly sentinel?: boolean;
}

const answerMsMax = 20_000;

export async function startRedisProcess(options: RedisProcessOptions = {}): Promise<RedisProcess> {
  const clock = systemClock();
  const binary = await findRedisBinary(process.env.PATH ?? '');
  if (binary === undefined) throw new Error(howToInstall);
  const directory = await mkdtemp(join(tmpdir(), 'pilotlight-node-'));
  const port = await freePort();
  const sentinel = options.sentinel === true;
  const configFile = join(directory, 'redis.conf');
  const log = join(directory, 'redis.log');
  const lines = [
    'bind 127.0.0.1',
    `port ${port}`,
    `requirepass ${nodePassword}`,
    `dir ${JSON.stringify(directory)}`,
    `logfile ${JSON.stringify(log)}`,
    ...(sentinel
      ? []
      : [`masterauth ${nodePassword}`, 'save ""', 'appendonly no', 'hz 100', 'repl-diskless-sync-delay 0']),
    ...(options.settings ?? []),
  ];
  writeFileSync(configFile, `${lines.join('\n')}\n`, { mode: 0o600 });

  let paused = false;
  let child: ChildProcess | undefined;
  let exited = Promise.resolve();
  const admin = new Redis({
    host: '127.0.0.1',
    port,
    password: nodePassword,
    lazyConnect: true,
    retryStrategy: () => 20,
    enableReadyCheck: false,
    maxRetriesPerRequest: null,
    connectionName: 'test',
  });
  admin.on('error', () => undefined);
  const killWithUs = () => {
    child?.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  };
  const spare = onExit(killWithUs);

  async function start(): Promise<void> {
    const started = spawn(binary ?? '', [configFile, ...(sentinel ? ['--sentinel'] : [])], {
      stdio: 'ignore',
      env: {},
    });
    child = started;
    exited = new Promise((gone) => started.once('exit', () => gone()));
    if (admin.status === 'wait') admin.connect().catch(() => undefined);
    const answered = admin.ping().then(() => true);
    const late = new AbortController();
    const inTime = await Promise.race([
      answered,
      exited.then(() => false),
      clock.sleep(answerMsMax, late.signal).then(
        () => false,
        () => false,
      ),
    ]);
    late.abort();
    if (!inTime) throw new Error(`a Redis of this test did not start; its log is ${log}`);
  }
  async function kill(): Promise<void> {
    child?.kill('SIGKILL');
    await exited;
  }
  await start();
  return {
    address: `127.0.0.1:${port}`,
    port,
    directory,
    admin,
    kill,
    answers: () => !paused && admin.status === 'ready',
    pause() {
      paused = true;
      child?.kill('SIGSTOP');
    },
    resume() {
      paused = false;
      child?.kill('SIGCONT');
    },
    start,
    async stop() {
      spare();
      admin.disconnect();
      await kill();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Asks again and again until the answer is yes. Throws after a time far beyond what it takes on a loaded machine. */
export async function until(what: string, holds: () => Promise<boolean>, limitMs = 60_000): Promise<void> {
  const clock = systemClock();
  for (const from = clock.monotonic(); !(await holds().catch(() => false)); await clock.sleep(25)) {
    if (clock.monotonic() - from > limitMs) throw new Error(`waited in vain until ${what}`);
  }
}

/** Makes the server's epoch old, as if it had been there for long: leases are given at once. */
export async function ageEpochOf(admin: Redis): Promise<void> {
  const runId = /run_id:(\w+)/.exec(await admin.info('server'))?.[1] ?? '';
  await admin.hset('{pilotlight}:epoch', runId, '1');
}
