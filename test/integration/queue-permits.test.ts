/** Rate limits over several processes sharing one Redis. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createPermits } from '../../src/queue/permits.ts';
import type { Permits } from '../../src/rotation/ports.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { hasCode, PilotlightError } from '../../src/runtime/errors.ts';
import { startTestRedis, type TestRedis } from '../support/redis.ts';

let server: TestRedis;
const clock = systemClock();
const never = new AbortController().signal;

beforeAll(async () => {
  server = await startTestRedis();
});
beforeEach(() => server.flush());
afterAll(() => server.stop());

async function threeWorkers(writesPerSecond: number): Promise<Permits[]> {
  const connections = await Promise.all([server.connect(), server.connect(), server.connect()]);
  return connections.map(({ redis }) => createPermits({ redis, clock, writesPerSecond }));
}

/** Most permits used within any window of this many ms. */
function mostWithin(times: readonly number[], windowMs: number): number {
  const sorted = times.toSorted((a, b) => a - b);
  let first = 0;
  let most = 0;
  sorted.forEach((time, last) => {
    while (time - (sorted[first] ?? 0) >= windowMs) first++;
    most = Math.max(most, last - first + 1);
  });
  return most;
}

test('three workers at 45 a second together never use more than 50 within a second', async () => {
  const workers = await threeWorkers(45);
  const times: number[] = [];
  const startedAt = clock.monotonic();
  const write = async (permits: Permits) => {
    while (clock.monotonic() - startedAt < 2_500) {
      await permits.writes(2, 'rotation', never);
      times.push(clock.monotonic(), clock.monotonic());
    }
  };
  await Promise.all(workers.flatMap((permits) => Array.from({ length: 8 }, () => write(permits))));
  expect(mostWithin(times, 1_000)).toBeLessThanOrEqual(50);
  // Loose on purpose: how close it comes to 45 a second is the benchmark's business.
  expect(times.length).toBeGreaterThan(45);
});

test('a worker alone is not kept waiting, and a second one gets its turn', async () => {
  const [one, two] = (await threeWorkers(20)) as [Permits, Permits];
  const order: string[] = [];
  const ask = (name: string, permits: Permits) =>
    permits.writes(1, 'rotation', never).then(() => {
      order.push(name);
    });
  await ask('first', one);
  await Promise.all([...Array.from({ length: 12 }, () => ask('one', one)), ask('two', two)]);
  expect(order[0]).toBe('first');
  // The other worker's twelve do not all go first.
  expect(order.indexOf('two')).toBeLessThan(order.length - 1);
});

test('recovery that waits is not starved by rotation, and rotation is not starved by recovery', async () => {
  const workers = await threeWorkers(40);
  const used = { rotation: 0, recovery: 0 };
  const stop = new AbortController();
  const write = async (permits: Permits, share: 'rotation' | 'recovery') => {
    while (used.rotation + used.recovery < 70) {
      await permits.writes(1, share, stop.signal);
      used[share] += 1;
    }
    stop.abort('enough');
  };
  const rotations = workers.flatMap((permits) => Array.from({ length: 20 }, () => write(permits, 'rotation')));
  await Promise.allSettled([...rotations, write(workers[0] as Permits, 'recovery')]);
  const all = used.rotation + used.recovery;
  expect(used.recovery / all).toBeGreaterThan(0.12);
  expect(used.rotation / all).toBeGreaterThan(0.3);
});

test('while recovery waits the two lines together keep to the rate', async () => {
  const workers = await threeWorkers(40);
  const times: number[] = [];
  const startedAt = clock.monotonic();
  const write = async (permits: Permits, share: 'rotation' | 'recovery') => {
    while (clock.monotonic() - startedAt < 2_000) {
      await permits.writes(1, share, never);
      times.push(clock.monotonic());
    }
  };
  await Promise.all(
    workers.flatMap((permits) => [
      ...Array.from({ length: 6 }, () => write(permits, 'rotation')),
      ...Array.from({ length: 3 }, () => write(permits, 'recovery')),
    ]),
  );
  expect(mostWithin(times, 1_000)).toBeLessThanOrEqual(50);
});

const lineEnd = () => server.redis.hget('{pilotlight}:rate:writes', 'main').then(Number);
const asked = async () =>
  Number(/cmdstat_evalsha:calls=(\d+)/.exec(String(await server.redis.info('commandstats')))?.[1] ?? 0);

test('who gives up waiting is told why, and gives the place back', async () => {
  const permits = createPermits({ redis: server.redis, clock, writesPerSecond: 0.6 });
  await permits.writes(1, 'rotation', never);
  const before = await lineEnd();
  const reason = new Error('drained');
  const stop = new AbortController();
  const waiting = permits.writes(1, 'rotation', stop.signal).catch((error: unknown) => error);
  await expect.poll(lineEnd).toBeGreaterThan(before);
  stop.abort(reason);
  expect(await waiting).toBe(reason);
  await expect.poll(lineEnd).toBe(before);
});

test('who gives up leaves nothing behind in a slow line, though others have come behind', async () => {
  const workers = await threeWorkers(0.1);
  await workers[0]?.writes(1, 'rotation', never);
  const before = await lineEnd();
  const calls = await asked();
  const stop = new AbortController();
  const waiting = Promise.allSettled(workers.map((permits) => permits.writes(1, 'rotation', stop.signal)));
  await expect.poll(asked).toBeGreaterThanOrEqual(calls + workers.length);
  expect(await lineEnd()).toBe(before);
  stop.abort(new Error('drained'));
  expect((await waiting).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  expect(await lineEnd()).toBe(before);
});

test('a signal that is aborted already asks for nothing', async () => {
  const permits = createPermits({ redis: server.redis, clock });
  const reason = new Error('stopped');
  const aborted = AbortSignal.abort(reason);
  await expect(permits.writes(1, 'rotation', aborted)).rejects.toBe(reason);
  await expect(permits.request('docusign', 5, aborted)).rejects.toBe(reason);
  expect(await server.redis.keys('*:rate:*')).toEqual([]);
});

test('without a limit Redis is not asked', async () => {
  const permits = createPermits({ redis: server.redis, clock, writesPerSecond: Number.POSITIVE_INFINITY });
  await permits.writes(2, 'rotation', never);
  await permits.request('docusign', Number.POSITIVE_INFINITY, never);
  expect(await server.redis.keys('*')).toEqual([]);
});

test('each provider has a pace of its own', async () => {
  const permits = createPermits({ redis: server.redis, clock });
  await Promise.all([permits.request('docusign', 0.05, never), permits.request('adobe', 0.05, never)]);
  expect((await server.redis.keys('*:rate:*')).sort()).toEqual([
    '{pilotlight}:rate:provider:adobe',
    '{pilotlight}:rate:provider:docusign',
  ]);
});

test('many waiters of one worker share few round trips', async () => {
  const calls = async () =>
    Number(/cmdstat_evalsha:calls=(\d+)/.exec(String(await server.redis.info('commandstats')))?.[1] ?? 0);
  const permits = createPermits({ redis: server.redis, clock });
  await permits.request('docusign', 1_000, never);
  const before = await calls();
  await Promise.all(Array.from({ length: 400 }, () => permits.request('docusign', 1_000, never)));
  expect((await calls()) - before).toBeLessThan(40);
});

test('a flush in the middle lets everybody through at the pace', async () => {
  const permits = createPermits({ redis: server.redis, clock, writesPerSecond: 200 });
  const all = Array.from({ length: 60 }, () => permits.writes(1, 'rotation', never));
  await all[0];
  await server.flush();
  await Promise.all(all);
});

test('a line that a clock set back left far ahead starts anew', async () => {
  await server.redis.hset('{pilotlight}:rate:writes', 'main', '9000000000000000');
  const permits = createPermits({ redis: server.redis, clock });
  await permits.writes(1, 'rotation', never);
  expect(Number(await server.redis.hget('{pilotlight}:rate:writes', 'main'))).toBeLessThan(9e15);
});

test('when Redis is lost everybody who waits is told', async () => {
  const lost = await startTestRedis();
  const { redis } = await lost.connect();
  const permits = createPermits({ redis, clock, writesPerSecond: 1 });
  await permits.writes(1, 'rotation', never);
  await lost.stop();
  const failures = await Promise.all(
    [1, 2, 3].map(() => permits.writes(1, 'rotation', never).catch((error: unknown) => error)),
  );
  for (const failure of failures) expect(hasCode(failure, 'redis_unavailable')).toBe(true);
});

test('a rate or a share that cannot be kept is refused', () => {
  const { redis } = server;
  for (const writesPerSecond of [0, -1, Number.NaN]) {
    expect(() => createPermits({ redis, clock, writesPerSecond })).toThrow(PilotlightError);
  }
  expect(() => createPermits({ redis, clock, recoveryShare: 1 })).toThrow(PilotlightError);
});
