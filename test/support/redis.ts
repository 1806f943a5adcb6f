/**
 * A real Redis for one test file: private, on loopback, gone when the file is done. Everything opened through it is
 * closed with it, so that a test leaks neither a connection nor a process.
 */
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { findRedisBinary, howToInstall } from '../../src/queue/private-redis-install.ts';
import { startRedisServer } from '../../src/queue/private-redis-server.ts';
import { connectRedis, type RedisConnection, type RedisRole } from '../../src/queue/redis.ts';
import { type Clock, systemClock } from '../../src/runtime/clock.ts';
import { createClosers } from '../../src/runtime/closers.ts';
import { type Logger, silentLogger } from '../../src/runtime/logger.ts';
import { systemRandom } from '../../src/runtime/random.ts';
import { freePort } from './free-port.ts';

export interface TestRedis {
  readonly url: string;
  readonly pid: number;
  /** A connection for commands, for arranging and looking. */
  readonly redis: Redis;
  /** A further connection, ready for use; closed with the server. */
  connect(role?: RedisRole, options?: { readonly logger?: Logger }): Promise<RedisConnection>;
  flush(): Promise<void>;
  /** Closes every connection and stops the server. */
  stop(): Promise<void>;
}

export interface TestRedisOptions {
  /** Further lines of redis.conf. */
  readonly settings?: readonly string[];
  /** One node that holds all slots: whatever touches two slots fails. */
  readonly cluster?: boolean;
}

/** Starts it; takes some 50 ms (a cluster node two seconds). */
export async function startTestRedis(options: TestRedisOptions = {}): Promise<TestRedis> {
  const clock = systemClock();
  const binary = await findRedisBinary(process.env.PATH ?? '');
  if (binary === undefined) throw new Error(howToInstall);
  const directory = await mkdtemp(join(tmpdir(), 'pilotlight-redis-'));
  const server = await startRedisServer({
    binary,
    directory,
    spawn,
    clock,
    random: systemRandom(),
    detached: false,
    settings: [...(options.settings ?? []), ...(options.cluster === true ? await clusterSettings() : [])],
  });
  const killWithUs = () => {
    process.kill(server.pid, 'SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  };
  process.once('exit', killWithUs);
  const closers = createClosers();
  closers.push('server', async () => {
    process.off('exit', killWithUs);
    await server.stop();
  });

  async function connect(role: RedisRole = 'commands', more: { readonly logger?: Logger } = {}) {
    const connection = connectRedis({ url: server.url, role, logger: more.logger ?? silentLogger, clock });
    closers.push(`connection for ${role}`, () => connection.close());
    await connection.untilReached(10_000);
    return connection;
  }
  const { redis } = await connect();
  if (options.cluster === true) {
    await takeAllSlots(redis, clock).catch(async (error: unknown) => {
      await closers.closeAll();
      throw error;
    });
  }
  return {
    url: server.url,
    pid: server.pid,
    redis,
    connect,
    async flush() {
      await redis.flushall();
    },
    stop: () => closers.closeAll(),
  };
}

async function clusterSettings(): Promise<string[]> {
  return ['cluster-enabled yes', 'cluster-require-full-coverage no', `cluster-port ${await freePort()}`];
}

async function takeAllSlots(redis: Redis, clock: Clock): Promise<void> {
  await redis.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
  const isUp = async () => String(await redis.call('CLUSTER', 'INFO')).includes('cluster_state:ok');
  // Redis lets a fresh cluster node wait two seconds before it takes writes.
  for (let asked = 0; !(await isUp()); asked++) {
    if (asked > 1_000) throw new Error('the single-node cluster did not come up');
    await clock.sleep(20);
  }
}
