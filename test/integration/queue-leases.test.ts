/** Leases and cool-downs on a real Redis, races, lost servers and all. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createLeases } from '../../src/queue/leases.ts';
import type { Lease, LeaseAnswer, Leases } from '../../src/rotation/ports.ts';
import { type Clock, systemClock } from '../../src/runtime/clock.ts';
import { hasCode } from '../../src/runtime/errors.ts';
import { silentLogger } from '../../src/runtime/logger.ts';
import { seededRandom, systemRandom } from '../../src/runtime/random.ts';
import { startTestRedis, type TestRedis } from '../support/redis.ts';

const leaseMs = 60_000;
const forRotation = { ms: leaseMs, passCoolDown: false };
const forRecovery = { ms: leaseMs, passCoolDown: true };

let server: TestRedis;
let leases: Leases;

function leasesOf(redis = server.redis, clock: Clock = systemClock()): Leases {
  return createLeases({ redis, clock, random: systemRandom(), logger: silentLogger, leaseMs });
}

/** Makes Redis's epoch old enough, as if it had been there for a day. */
async function ageEpoch(redis = server.redis): Promise<void> {
  const runId = /run_id:(\w+)/.exec(await redis.info('server'))?.[1] ?? '';
  await redis.hset('{pilotlight}:epoch', runId, Date.now() - 86_400_000);
}

function granted(answer: LeaseAnswer): Lease {
  if ('refused' in answer) throw new Error(`refused: ${answer.refused}`);
  return answer.lease;
}

beforeAll(async () => {
  server = await startTestRedis({ settings: ['repl-diskless-sync-delay 0'] });
  // Every test makes leases of its own on this one connection.
  server.redis.setMaxListeners(50);
});
beforeEach(async () => {
  await server.flush();
  await ageEpoch();
  leases = leasesOf();
});
afterAll(() => server.stop());

test('of many who ask at once, from several processes, one gets the lease', async () => {
  const connections = await Promise.all([server.connect(), server.connect(), server.connect()]);
  const all = connections.map(({ redis }) => leasesOf(redis));
  const answers = await Promise.all(
    Array.from({ length: 60 }, (_, i) => (all[i % 3] as Leases).acquire('c1', forRotation)),
  );
  expect(answers.filter((answer) => 'lease' in answer)).toHaveLength(1);
  for (const answer of answers) {
    if ('lease' in answer) continue;
    expect(answer.refused).toBe('held');
    expect(answer.retryAfterMs).toBeGreaterThan(0);
    expect(answer.retryAfterMs).toBeLessThanOrEqual(leaseMs);
  }
});

test('a released lease is free at once, and only its owner can release it', async () => {
  const first = granted(await leases.acquire('c1', forRotation));
  await first.release();
  expect(first.remainingMs()).toBe(0);
  const second = granted(await leases.acquire('c1', forRotation));
  await first.release();
  expect(await first.stillOurs()).toBe(false);
  expect(await second.stillOurs()).toBe(true);
});

test('a lease that ran out belongs to the next one, and the first owner learns it', async () => {
  const first = granted(await leases.acquire('c1', forRotation));
  await server.redis.del('{pilotlight}:lease:c1');
  expect(await first.stillOurs()).toBe(false);
  const second = granted(await leases.acquire('c1', forRotation));
  await first.release();
  expect(await second.stillOurs()).toBe(true);
});

test('a cool-down keeps rotation out and lets recovery and confirmation pass', async () => {
  await granted(await leases.acquire('c1', forRotation)).coolDown(600_000);
  const refused = await leases.acquire('c1', forRotation);
  expect(refused).toMatchObject({ refused: 'cooling' });
  expect('refused' in refused && refused.retryAfterMs).toBeGreaterThan(590_000);
  const recovery = granted(await leases.acquire('c1', forRecovery));
  expect(await leases.acquire('c1', forRecovery)).toMatchObject({ refused: 'held' });
  await recovery.release();
  // Recovery posted nothing, so what the POST before it left behind still holds.
  expect(await leases.acquire('c1', forRotation)).toMatchObject({ refused: 'cooling' });
});

test('a cool-down is never shortened, and is kept even when the lease had been lost', async () => {
  const first = granted(await leases.acquire('c1', forRotation));
  await server.redis.del('{pilotlight}:lease:c1');
  const second = granted(await leases.acquire('c1', forRotation));
  await first.coolDown(600_000);
  expect(await second.stillOurs()).toBe(true);
  await second.coolDown(1_000);
  expect(await server.redis.pttl('{pilotlight}:cool:c1')).toBeGreaterThan(590_000);
});

test('what is left is counted from before the call, on the clock handed in', async () => {
  let monotonic = 1_000;
  const clock: Clock = { ...systemClock(), monotonic: () => monotonic };
  const random = seededRandom(1);
  const redis = server.redis;
  const lazy = createLeases({
    redis,
    clock,
    // The token is drawn before the call; time passes from here on.
    random,
    logger: silentLogger,
    leaseMs,
  });
  const asked = lazy.acquire('c1', forRotation);
  const lease = granted(await asked);
  expect(lease.remainingMs()).toBe(leaseMs);
  monotonic += leaseMs - 1;
  expect(lease.remainingMs()).toBe(1);
  monotonic += 5;
  expect(lease.remainingMs()).toBe(0);
  // By our reckoning it is over, whatever Redis still says.
  expect(await lease.stillOurs()).toBe(false);
});

test('a Redis that was flushed grants no lease until the longest one must be over', async () => {
  const before = granted(await leases.acquire('c1', forRotation));
  await server.flush();
  expect(await before.stillOurs()).toBe(false);
  const refused = await leases.acquire('c1', forRotation);
  expect(refused).toMatchObject({ refused: 'epoch_young' });
  expect('refused' in refused && refused.retryAfterMs).toBeLessThanOrEqual(leaseMs);
  expect(await leases.acquire('c2', forRecovery)).toMatchObject({ refused: 'epoch_young' });
  await ageEpoch();
  granted(await leases.acquire('c1', forRotation));
});

test('a Redis whose clock went back is treated as one that was lost', async () => {
  const runId = Object.keys(await server.redis.hgetall('{pilotlight}:epoch'))[0] ?? '';
  await server.redis.hset('{pilotlight}:epoch', runId, Date.now() + 3_600_000);
  const refused = await leases.acquire('c1', forRotation);
  expect(refused).toMatchObject({ refused: 'epoch_young' });
  expect('refused' in refused && refused.retryAfterMs).toBeLessThanOrEqual(leaseMs);
});

test('a replica that took over may lack the last leases, and grants none at first', async () => {
  const replica = await startTestRedis();
  try {
    const [, password = '', port = ''] = /:([^:@]+)@127\.0\.0\.1:(\d+)/.exec(server.url) ?? [];
    await replica.redis.config('SET', 'masterauth', password);
    await replica.redis.replicaof('127.0.0.1', port);
    await expect.poll(() => replica.redis.hlen('{pilotlight}:epoch'), { timeout: 20_000 }).toBe(1);
    // The primary dies with a lease that was never replicated.
    await replica.redis.replicaof('NO', 'ONE');
    granted(await leases.acquire('c1', forRotation));
    const { redis } = await replica.connect();
    expect(await leasesOf(redis).acquire('c1', forRotation)).toMatchObject({ refused: 'epoch_young' });
    await ageEpoch(redis);
    granted(await leasesOf(redis).acquire('c1', forRotation));
  } finally {
    await replica.stop();
  }
});

test('without Redis acquiring throws, asking says no, and giving back is silent', async () => {
  const lost = await startTestRedis();
  await ageEpoch(lost.redis);
  const { redis } = await lost.connect();
  const some = leasesOf(redis);
  const lease = granted(await some.acquire('c1', forRotation));
  await lost.stop();
  expect(await lease.stillOurs()).toBe(false);
  await lease.release();
  await lease.coolDown(1_000);
  const failure = await some.acquire('c2', forRotation).catch((error: unknown) => error);
  expect(hasCode(failure, 'redis_unavailable')).toBe(true);
});

test('a Redis that hangs does not hold up the last look', async () => {
  const slow = createLeases({
    redis: server.redis,
    clock: systemClock(),
    random: systemRandom(),
    logger: silentLogger,
    leaseMs,
    askMsMax: 50,
  });
  const lease = granted(await slow.acquire('c1', forRotation));
  process.kill(server.pid, 'SIGSTOP');
  try {
    expect(await lease.stillOurs()).toBe(false);
  } finally {
    process.kill(server.pid, 'SIGCONT');
  }
  await expect.poll(() => lease.stillOurs()).toBe(true);
});
