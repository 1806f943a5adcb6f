/**
 * Told to stop while Redis is away or hangs: the real process ends by itself and soon, whatever shape Redis was to come in.
 * What runs is finished all the same: an answer on its way reaches the store.
 */
import { afterEach, describe, expect, test } from 'vitest';
import { createClosers } from '../../src/runtime/closers.ts';
import type { WorkerProcess } from '../faults/processes/worker-process.ts';
import { createWorld } from '../faults/processes/world.ts';
import { freePort } from '../support/free-port.ts';
import { nodePassword, type RedisProcess, startRedisProcess } from '../support/redis-process.ts';
import { expectEndsSoon, type Place, type Role, startService } from '../support/service-process.ts';

const closers = createClosers();
afterEach(() => closers.closeAll());

describe('Redis never reached', () => {
  const nobody = async () => `127.0.0.1:${await freePort()}`;
  const nodes = async () => [await nobody(), await nobody(), await nobody()];

  test.for<[shape: string, role: Role, place: () => Promise<Place>]>([
    ['one server', 'all', async () => ({ url: `redis://${await nobody()}` })],
    ['one server', 'scheduler', async () => ({ url: `redis://${await nobody()}` })],
    ['one server', 'worker', async () => ({ url: `redis://${await nobody()}` })],
    ['Sentinels', 'all', async () => ({ sentinel: { name: 'main', nodes: await nodes() } })],
    ['a Cluster', 'all', async () => ({ cluster: { nodes: await nodes() } })],
  ])('as %s, role %s: ends soon, and well', async ([_shape, role, place]) => {
    const service = startService(await place(), closers, role);
    await service.said('redis.waiting');
    await service.said('service.started');
    await expectEndsSoon(service);
  });
});

describe('Redis that was there', () => {
  async function startOn(): Promise<{ redis: RedisProcess; service: WorkerProcess }> {
    const redis = await startRedisProcess({ settings: ['maxmemory-policy noeviction'] });
    closers.push('redis', () => redis.stop());
    const service = startService({ url: `redis://:${nodePassword}@${redis.address}` }, closers);
    await service.said('service.started');
    // Its workers wait for jobs: that is what a lost Redis leaves hanging.
    await expect
      .poll(async () => String(await redis.admin.client('LIST')).includes('cmd=bzpopmin'), { timeout: 30_000 })
      .toBe(true);
    return { redis, service };
  }

  test('and is gone: ends soon, and well', async () => {
    const { redis, service } = await startOn();
    await redis.kill();
    await service.said('redis.lost');
    await expectEndsSoon(service);
  });

  test('and hangs: ends soon, and well', async () => {
    const { redis, service } = await startOn();
    redis.pause();
    await expectEndsSoon(service);
  });

  test('and dies while the process stops: ends soon, and well', async () => {
    const { redis, service } = await startOn();
    service.signal('SIGTERM');
    await service.said('service.draining');
    await redis.kill();
    expect(await service.gone).toBe('exit code 0');
  });
});

test.for<[how: string, lose: (world: Awaited<ReturnType<typeof createWorld>>) => void]>([
  ['is gone', ({ door }) => door.shut()],
  ['hangs', ({ door }) => door.watch(() => 'swallow')],
])('a rotation under way when Redis %s is finished before the end: its answer is in the store', async ([, lose]) => {
  const world = await createWorld();
  closers.push('world', () => world.close());
  world.connect('a', 'strict');
  const held = world.front.hold('committed');
  // Each step that Redis does not answer costs its command limit: a drain must outlast some of them.
  const worker = world.start({ name: 'pod', rotation: { drainLimit: '60s' } });
  await held.reached;
  lose(world);
  worker.signal('SIGTERM');
  await worker.said('service.draining');
  held.release('go');
  expect(await worker.gone).toBe('exit code 0');
  expect(await worker.said('service.stopped')).toMatchObject({ left: 0 });
  expect(world.document('a').refresh_token).toBe(world.sandbox.oracle.liveToken('a'));
  expect(world.sandbox.oracle.presentations()).toHaveLength(1);
  expect(world.sandbox.oracle.doubleSpends()).toEqual([]);
});
