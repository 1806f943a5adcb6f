/**
 * Redis for a machine that has none set up: the configured one, else one of ours that runs already, else one found on the
 * PATH (or installed) and started on loopback. Two processes of one data folder share one server, because two servers
 * would each grant the same lease. An owner that ends hands the server to another that uses it; one whose owner was killed
 * is taken over by the next to come.
 */
import type { spawn } from 'node:child_process';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../runtime/clock.ts';
import { PilotlightError } from '../runtime/errors.ts';
import type { Random } from '../runtime/random.ts';
import { findRedisBinary, installRedis } from './private-redis-install.ts';
import { startRedisServer } from './private-redis-server.ts';
import {
  claimState,
  clearDead,
  dropSharer,
  dropState,
  noteSharer,
  readLive,
  rewriteState,
  type ServerState,
  sharersOf,
} from './private-redis-state.ts';

export interface EnsureRedisOptions {
  /** REDIS_URL, where it is set; then nothing is started. */
  readonly url?: string;
  /** True where several hosts or pods run (Kubernetes): a Redis of each would grant the same lease, so none is started. */
  readonly shared: boolean;
  /** Absolute path. */
  readonly dataDir: string;
  /** Tells the person at the terminal what is about to happen. */
  readonly say: (line: string) => void;
  readonly path: string;
  readonly uid: number;
  /** Our own process id. */
  readonly pid: number;
  readonly spawn: typeof spawn;
  readonly kill: (pid: number, signal: NodeJS.Signals | 0) => unknown;
  readonly clock: Clock;
  readonly random: Random;
  readonly osReleaseFile?: string;
  readonly policyFile?: string;
}

export interface EnsuredRedis {
  /** May hold a password: never log it. */
  readonly url: string;
  readonly source: 'configured' | 'running' | 'started';
  /** Stops the server where it is ours and nobody else uses it. */
  stop(): Promise<void>;
}

/** Another process may win the race for the data folder once; twice means that something else is wrong. */
const attemptsMax = 3;
const stopMsMax = 5_000;

/** The URL of the private Redis that runs for a data folder, undefined when none does. */
export async function findPrivateRedis(dataDir: string): Promise<string | undefined> {
  return (await readLive(dataDir))?.url;
}

/** Throws redis_unavailable when there is none and none can be had; the message says what to do. */
export async function ensureRedis(options: EnsureRedisOptions): Promise<EnsuredRedis> {
  if (options.url !== undefined) return { url: options.url, source: 'configured', stop: async () => undefined };
  if (options.shared) {
    throw new PilotlightError('redis_unavailable', 'REDIS_URL is not set: several pods need one Redis between them');
  }
  await mkdir(options.dataDir, { recursive: true, mode: 0o700 });
  for (let attempt = 1; attempt <= attemptsMax; attempt++) {
    const running = await readLive(options.dataDir);
    const shared = running === undefined ? undefined : await share(options, running);
    if (shared !== undefined) return shared;
    const started = await startOwn(options);
    if (started !== undefined) return started;
  }
  throw new PilotlightError(
    'redis_unavailable',
    `the private Redis of ${options.dataDir} comes and goes; start once more`,
  );
}

/** A server that runs already: left to its owner while that lives, else ours from now on. Undefined where it has just ended. */
async function share(options: EnsureRedisOptions, running: ServerState): Promise<EnsuredRedis | undefined> {
  const { dataDir, kill, pid } = options;
  const found = { url: running.url, source: 'running' } as const;
  if (running.owner === pid) return { ...found, stop: async () => undefined };
  await noteSharer(running, pid);
  if (!isAlive(kill, running.owner)) await rewriteState(dataDir, { ...running, owner: pid });
  else if ((await readLive(dataDir))?.pid !== running.pid) return undefined;
  return { ...found, stop: () => leave(options, running) };
}

async function leave(options: EnsureRedisOptions, running: ServerState): Promise<void> {
  const { dataDir, kill, clock, pid } = options;
  await dropSharer(running, pid);
  const current = await readLive(dataDir);
  if (current?.pid !== running.pid || current.owner !== pid) return;
  if (await handedOver(options, current)) return;
  kill(running.pid, 'SIGTERM');
  const since = clock.monotonic();
  while (isAlive(kill, running.pid) && clock.monotonic() - since < stopMsMax) await clock.sleep(20);
  await dropState(dataDir, running.pid);
  await rm(running.directory, { recursive: true, force: true });
}

/** Makes a living process that uses the server its owner; false where there is none. */
async function handedOver({ dataDir, kill, pid }: EnsureRedisOptions, state: ServerState): Promise<boolean> {
  for (const heir of await sharersOf(state)) {
    if (heir === pid || !isAlive(kill, heir)) continue;
    await rewriteState(dataDir, { ...state, owner: heir });
    // One that left in this very moment did not see that the server was its own.
    if ((await sharersOf(state)).includes(heir)) return true;
  }
  return false;
}

/** Starts a server and writes down where it is; undefined when another process was faster. */
async function startOwn(options: EnsureRedisOptions): Promise<EnsuredRedis | undefined> {
  const { dataDir, random, pid } = options;
  const binary = (await findRedisBinary(options.path)) ?? (await installRedis(options));
  const directory = join(dataDir, `redis-${random.bytes(4).toString('hex')}`);
  await clearDead(dataDir);
  const server = await startRedisServer({ ...options, binary, directory, detached: true });
  const state = { url: server.url, pid: server.pid, owner: pid, directory };
  if (!(await claimState(dataDir, state))) {
    await server.stop();
    return undefined;
  }
  return {
    url: server.url,
    source: 'started',
    async stop() {
      const runs = (await readLive(dataDir))?.pid === server.pid;
      if (runs && (await handedOver(options, state))) return;
      await dropState(dataDir, server.pid);
      await server.stop();
    },
  };
}

function isAlive(kill: EnsureRedisOptions['kill'], pid: number): boolean {
  try {
    kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, under another user.
    return (error as { code?: unknown }).code === 'EPERM';
  }
}
