/**
 * The Redis of one world, behind a door: workers know the door's address only, so that Redis can be lost, come back empty
 * under the same address, or be away for a while. Whoever watches sees every command pass, and may hold it back for good.
 */
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { findRedisBinary, howToInstall } from '../../../src/queue/private-redis-install.ts';
import { type RedisServer, startRedisServer } from '../../../src/queue/private-redis-server.ts';
import { connectRedis, type RedisConnection } from '../../../src/queue/redis.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { silentLogger } from '../../../src/runtime/logger.ts';
import { systemRandom } from '../../../src/runtime/random.ts';
import { onExit } from './on-exit.ts';

export type Way = 'command' | 'answer';
/** What becomes of the bytes seen. `link` is the same for all bytes of one connection. */
export type Watch = (way: Way, bytes: Buffer, link: object) => 'pass' | 'swallow';

export interface RedisDoor {
  /** What workers are told. */
  readonly url: string;
  /** Past the door, for arranging and looking. */
  redis(): Redis;
  /** From now on; undefined: nobody watches. */
  watch(watch: Watch | undefined): void;
  /** Loses everything, as FLUSHALL does. */
  flush(): Promise<void>;
  /** Dies and comes back with nothing, at the same address. */
  restart(): Promise<void>;
  /** Cuts every connection and lets none in until it is opened. */
  shut(): void;
  open(): void;
  /** Leases are given at once: the epoch rule holds a new Redis back for the length of one. */
  ageEpoch(): Promise<void>;
  stop(): Promise<void>;
}

const password = Buffer.from('processes-of-the-fault-suite');

export async function startRedisDoor(directory: string): Promise<RedisDoor> {
  const binary = await findRedisBinary(process.env.PATH ?? '');
  if (binary === undefined) throw new Error(howToInstall);
  const clock = systemClock();
  let started = 0;
  let killed = false;

  async function start(): Promise<{ server: RedisServer; own: RedisConnection }> {
    const server = await startRedisServer({
      binary: binary ?? '',
      directory: join(directory, `redis-${started++}`),
      spawn,
      clock,
      random: { ...systemRandom(), bytes: () => password },
      detached: false,
      settings: ['hz 200'],
    });
    // Of the role that waits: a machine that is busy is no fault.
    const own = connectRedis({ url: server.url, role: 'workers', logger: silentLogger, clock });
    await own.untilReached(10_000);
    return { server, own };
  }
  let { server, own } = await start();
  const killWithUs = () => {
    if (!killed) process.kill(server.pid, 'SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  };
  const spare = onExit(killWithUs);
  const door = await openDoor(() => Number(new URL(server.url).port));
  const url = new URL(server.url);
  url.port = String(door.port);

  return {
    url: url.href,
    redis: () => own.redis,
    watch: door.watch,
    async flush() {
      await own.redis.flushall();
    },
    async restart() {
      await own.close();
      killed = true;
      process.kill(server.pid, 'SIGKILL');
      await server.stop();
      ({ server, own } = await start());
      killed = false;
    },
    shut: door.shut,
    open: door.open,
    async ageEpoch() {
      const runId = /run_id:(\w+)/.exec(await own.redis.info('server'))?.[1] ?? '';
      await own.redis.hset('{pilotlight}:epoch', runId, '1');
    },
    async stop() {
      spare();
      await door.stop();
      await own.close();
      killed = true;
      await server.stop();
    },
  };
}

async function openDoor(port: () => number) {
  let isOpen = true;
  let watching: Watch | undefined;
  const sockets = new Set<Socket>();
  const track = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
  };
  const server = createServer({ noDelay: true }, (near) => {
    track(near);
    if (!isOpen) {
      near.resetAndDestroy();
      return;
    }
    const far = connect({ host: '127.0.0.1', port: port(), noDelay: true });
    track(far);
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
    const link = {};
    const carry = (from: Socket, to: Socket, way: Way) =>
      from.on('data', (bytes: Buffer) => {
        if ((watching?.(way, bytes, link) ?? 'pass') === 'pass') to.write(bytes);
      });
    carry(near, far, 'command');
    carry(far, near, 'answer');
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const shut = () => {
    isOpen = false;
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as { port: number }).port,
    shut,
    open() {
      isOpen = true;
    },
    watch(watch: Watch | undefined) {
      watching = watch;
    },
    async stop() {
      const closed = new Promise((done) => server.close(done));
      shut();
      await closed;
    },
  };
}
