/** The simulated Redis answers as src/queue's scripts do: leases and the epoch rule, breakers, claims, the mirror. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Lease } from '../../src/rotation/ports.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import type { Calls, PortCall } from '../faults/sim/call.ts';
import { createSimRedis, type RedisPorts, type SimRedis } from '../faults/sim/redis.ts';
import { acme, entryFor } from '../support/fakes/index.ts';

const leaseMs = 120_000;
let nowMs = 0;
let slept: number[] = [];
const clock: Clock = {
  now: () => nowMs,
  monotonic: () => nowMs,
  sleep: async (ms) => {
    slept.push(ms);
    nowMs += ms;
  },
};
const plainly: Calls = async (call) => call.effect();
/** The effect happens and nobody hears of it. */
const unheard = (name: string): Calls & { fired: number } => {
  const calls = async <T>(call: PortCall<T>): Promise<T> => {
    const answer = call.effect();
    if (call.name !== name) return answer;
    unheardCalls.fired += 1;
    return call.failed();
  };
  const unheardCalls = Object.assign(calls, { fired: 0 });
  return unheardCalls;
};

let redis: SimRedis;
let one: RedisPorts;
let two: RedisPorts;

beforeEach(() => {
  nowMs = 1_000_000;
  slept = [];
  redis = createSimRedis({ monotonic: clock.monotonic, leaseMs });
  one = redis.bind(plainly, clock, 'one');
  two = redis.bind(plainly, clock, 'two');
});

async function leased(ports: RedisPorts, passCoolDown = false): Promise<Lease> {
  const answer = await ports.leases.acquire('a', { ms: leaseMs, passCoolDown });
  if ('refused' in answer) throw new Error(answer.refused);
  return answer.lease;
}
const refusal = async (ports: RedisPorts, passCoolDown = false) => {
  const answer = await ports.leases.acquire('a', { ms: leaseMs, passCoolDown });
  return 'refused' in answer ? [answer.refused, answer.retryAfterMs] : 'granted';
};

describe('leases', () => {
  it('a server seen for the first time grants none for the longest lease, counted from the first who asked', async () => {
    expect(await refusal(one)).toEqual(['epoch_young', leaseMs]);
    nowMs += leaseMs - 1;
    expect(await refusal(two)).toEqual(['epoch_young', 1]);
    nowMs += 1;
    expect(await refusal(two)).toBe('granted');
  });

  it('a flushed server, a restarted one and one whose clock went back are not trusted', async () => {
    redis.grownUp();
    const lease = await leased(one);
    redis.flush();
    expect(await lease.stillOurs()).toBe(false);
    expect(await refusal(two)).toEqual(['epoch_young', leaseMs]);
    redis.grownUp();
    redis.restart(true);
    expect(await refusal(two)).toEqual(['epoch_young', leaseMs]);
    nowMs += leaseMs;
    expect(await refusal(two)).toBe('granted');
    nowMs -= 2 * leaseMs;
    expect(await refusal(one)).toEqual(['epoch_young', leaseMs]);
  });

  it('excludes others until it is given back or over, and ends for its owner no later than for Redis', async () => {
    redis.grownUp();
    const lease = await leased(one);
    expect(redis.leases.ownerOf('a')).toBe('one');
    nowMs += 5_000;
    expect(await refusal(two)).toEqual(['held', leaseMs - 5_000]);
    expect(lease.remainingMs()).toBe(leaseMs - 5_000);
    nowMs += leaseMs - 5_000;
    expect([lease.remainingMs(), await lease.stillOurs()]).toEqual([0, false]);
    const next = await leased(two);
    await lease.release();
    expect(await next.stillOurs()).toBe(true);
    await next.release();
    expect(await refusal(one)).toBe('granted');
  });

  it('can be lost while its owner goes on believing in it', async () => {
    redis.grownUp();
    const lease = await leased(one);
    expect(redis.leases.lose('a')).toBe(true);
    expect(await refusal(two)).toBe('granted');
    expect(lease.remainingMs()).toBe(leaseMs);
    expect(await lease.stillOurs()).toBe(false);
  });

  it('a cool-down lets only recovery and confirmation pass, is never shortened, and is set by a lease that ended', async () => {
    redis.grownUp();
    const lease = await leased(one);
    redis.leases.lose('a');
    await lease.coolDown(600_000);
    expect(await refusal(two)).toEqual(['cooling', 600_000]);
    await (await leased(two, true)).coolDown(1_000);
    expect(await refusal(two)).toEqual(['cooling', 600_000]);
    nowMs += 600_000;
    expect(await refusal(two)).toBe('granted');
  });

  it('gives back a lease whose granting was not heard of', async () => {
    redis.grownUp();
    const calls = unheard('lease.acquire');
    const deaf = redis.bind(calls, clock, 'deaf');
    await expect(deaf.leases.acquire('a', { ms: leaseMs, passCoolDown: false })).rejects.toMatchObject({
      code: 'redis_unavailable',
    });
    expect(calls.fired).toBe(1);
    expect(await refusal(two)).toBe('granted');
  });

  it('answers nothing during an outage, and "not ours" where asked whether it is', async () => {
    redis.grownUp();
    const lease = await leased(one);
    redis.outage = true;
    expect(await lease.stillOurs()).toBe(false);
    await expect(two.leases.acquire('a', { ms: leaseMs, passCoolDown: false })).rejects.toThrow('did not answer');
    await expect(two.index.get('a')).rejects.toMatchObject({ code: 'redis_unavailable' });
    await lease.release();
    redis.outage = false;
    expect(await refusal(two)).toEqual(['held', leaseMs]);
  });
});

describe('clients', () => {
  const limits = { threshold: 2, probeEveryMs: 300_000 };

  it('opens a breaker once, at the threshold of distinct connections, and a success closes it', async () => {
    const { clients } = one;
    expect(await clients.suspected(acme, 'a', nowMs, limits)).toEqual({ opened: false });
    expect(await clients.suspected(acme, 'a', nowMs, limits)).toEqual({ opened: false });
    expect(await clients.suspected(acme, 'b', nowMs, limits)).toEqual({ opened: true });
    expect(await clients.suspected(acme, 'c', nowMs, limits)).toEqual({ opened: false });
    expect(await clients.rejected(acme, nowMs, 'client_rejected', 1)).toEqual({ opened: false });
    expect(await clients.health(acme)).toMatchObject({
      breaker: 'open',
      breakerReason: 'client_rejected',
      openedAt: nowMs,
      nextProbeAt: nowMs + 300_000,
      suspects: 3,
    });
    await clients.succeeded(acme, nowMs - 5, 'previous');
    expect(await clients.health(acme)).toMatchObject({
      breaker: 'closed',
      suspects: 0,
      lastSuccessAt: nowMs - 5,
      nextProbeAt: null,
      secret: 'previous',
    });
  });

  it('gives one probe per interval, none where nothing is wrong', async () => {
    const { clients } = two;
    expect(await clients.takeProbe(acme, nowMs, 300_000)).toBe(false);
    await clients.rejected(acme, nowMs, 'client_rejected', 300_000);
    expect(await clients.takeProbe(acme, nowMs, 300_000)).toBe(false);
    expect(await clients.takeProbe(acme, nowMs + 300_000, 300_000)).toBe(true);
    expect(await clients.takeProbe(acme, nowMs + 300_001, 300_000)).toBe(false);
    expect(await clients.takeProbe(acme, nowMs - 300_000, 300_000)).toBe(true);
  });

  it('never shortens a hold, and a host holds all its clients', async () => {
    const { clients } = one;
    await clients.hold(acme, 'client', 900);
    await clients.hold(acme, 'client', 500);
    await clients.hold({ ...acme, client: 'other' }, 'provider', 1_200);
    expect((await clients.health(acme)).heldUntil).toBe(1_200);
    expect((await clients.list()).map(({ at }) => at.client)).toEqual(['main', 'other']);
  });
});

describe('index and mirror', () => {
  it('knows whoever else claims a token, until the claim is given up', async () => {
    const { index } = one;
    await index.put([entryFor('a', { fingerprint: 'f1' }), entryFor('b', { fingerprint: 'f1' })]);
    expect(await index.holderOf('f1', 'b')).toBe('a');
    expect(await index.holderOf('f1', 'a')).toBeUndefined();
    await index.put([entryFor('a', { fingerprint: 'f2' })]);
    await index.put([entryFor('b', { fingerprint: 'f1' })]);
    expect(await index.holderOf('f1', 'a')).toBe('b');
    await index.remove(['b']);
    expect(await index.holderOf('f1', 'a')).toBeUndefined();
    expect(await index.count()).toBe(1);
  });

  it('promotes what is due and hands it out nearest deadline first, to come back later', async () => {
    const { index, due } = one;
    await index.put([
      entryFor('late', { nextAt: 10, deadlineAt: 500 }),
      entryFor('soon', { nextAt: 20, deadlineAt: 100 }),
      entryFor('not yet', { nextAt: 99 }),
    ]);
    expect(await due.promote(50, 10)).toBe(2);
    expect(await due.ready()).toEqual([{ at: acme, ready: 2 }]);
    expect(await due.take(acme, 1, 60)).toEqual(['soon']);
    expect(await due.take(acme, 5, 60, 400)).toEqual([]);
    expect(await due.take(acme, 5, 60)).toEqual(['late']);
    expect(await due.backlog(60)).toEqual({ due: 2, ready: 0 });
  });

  it('mirrors records by connection until they are dropped, and loses all with Redis', async () => {
    const bytes = Buffer.from('sealed');
    await one.mirror.keep('a', 'attempt', bytes);
    bytes.fill(0);
    expect((await two.mirror.of('a')).get('attempt')?.toString()).toBe('sealed');
    await two.mirror.drop('a', 'attempt');
    expect((await two.mirror.of('a')).size).toBe(0);
    await one.mirror.keep('a', 'attempt', bytes);
    redis.flush();
    const pages: string[][] = [];
    for await (const page of two.mirror.connections()) pages.push([...page]);
    expect(pages.flat()).toEqual([]);
  });
});

it('paces writes by one line, and lets recovery by while new spends wait', async () => {
  const paced = createSimRedis({ monotonic: clock.monotonic, leaseMs, writesPerSecond: 10, recoveryShare: 0.2 });
  const { permits } = paced.bind(plainly, clock, 'one');
  const { signal } = new AbortController();
  await permits.writes(100, 'rotation', signal);
  expect(slept).toEqual([]);
  await permits.writes(1, 'recovery', signal);
  expect(slept).toEqual([]);
  await permits.writes(2, 'rotation', signal);
  expect(slept).toEqual([10_000]);
  await expect(permits.writes(1, 'rotation', AbortSignal.abort(new Error('stopped')))).rejects.toThrow('stopped');
});
