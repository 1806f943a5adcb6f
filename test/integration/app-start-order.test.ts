/**
 * Whatever is not there when a process starts: it lives, says what it waits for, spends nothing, and does its work once
 * everything is there, without a restart.
 */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { connectCustomers, customers, expectEachOnce } from '../support/customers.ts';
import { livez, type Neighbour, type OutageRig, readyz, startOutageRig } from '../support/outage-rig.ts';
import { hour } from '../support/rig.ts';

let bench: OutageRig;
beforeEach(async () => {
  bench = await startOutageRig();
});
afterEach(() => bench.stop());

const all: readonly Neighbour[] = ['redis', 'store', 'provider'];
const soon = { timeout: 40_000, interval: 100 };
const rotated = (connection: string) => bench.rig.next(connection, ({ outcome }) => outcome === 'rotated');

test.each<[absent: readonly Neighbour[], says: readonly RegExp[]]>([
  [['redis'], [/^redis: gives no answer since 2026-.*check that it runs/]],
  [['store'], [/^store: cannot be reached since 2026-.*check network/]],
  [['provider'], []],
  [
    ['redis', 'store'],
    [/^redis: gives no answer/, /^store: cannot be reached/],
  ],
  [
    ['redis', 'store', 'provider'],
    [/^redis: gives no answer/, /^store: cannot be reached/],
  ],
])('without %j at the start: waits, says so, and works once it is there', async (absent, says) => {
  const { rig } = bench;
  connectCustomers(rig);
  const done = customers.map(rotated);
  await bench.open(...all.filter((one) => !absent.includes(one)));
  const app = await rig.start();
  if (absent.includes('provider') && absent.length === 1)
    await expect.poll(async () => (await readyz(app)).notes.join(), soon).toMatch(/cannot be reached since 2026-/);
  else await expect.poll(async () => (await readyz(app)).reasons.length, soon).toBe(says.length);
  const probe = await readyz(app);
  expect(probe.status).toBe(says.length === 0 ? 200 : 503);
  for (const [place, pattern] of says.entries()) expect(probe.reasons[place]).toMatch(pattern);
  expect(await livez(app)).toBe(200);
  expect(rig.sandbox.oracle.presentations()).toEqual([]);
  // Where the request cannot be sent its record goes again.
  await expect.poll(() => rig.spoolFiles(), soon).toEqual([]);
  await bench.open(...absent);
  // What was tried in vain waits a while before it is tried again.
  const turning = expect.poll(() => {
    rig.clock.turn(hour);
    return customers.filter((connection) => rig.sandbox.oracle.presentations(connection).length > 0).length;
  }, soon);
  await turning.toBe(customers.length);
  await Promise.all(done);
  expectEachOnce(rig);
  await expect.poll(async () => (await readyz(app)).status, soon).toBe(200);
  expect(await livez(app)).toBe(200);
  for (const name of ['job.failed', 'outage.begun', 'redis.waiting', 'redis.lost'])
    expect(bench.logged(name), name).toBeLessThanOrEqual(6);
});

test('a Redis that comes later and may evict what it holds gets no token spent on it until it is fit', async () => {
  const { rig } = bench;
  connectCustomers(rig);
  const done = customers.map(rotated);
  await rig.redis.redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
  await bench.open('store', 'provider');
  const app = await rig.start();
  const told = rig.logged('redis.unsuitable');
  await bench.open('redis');
  await told;
  await expect.poll(async () => (await readyz(app)).reasons.join(), soon).toMatch(/is not fit to be used.*noeviction/);
  expect(await livez(app)).toBe(200);
  expect(rig.sandbox.oracle.presentations()).toEqual([]);
  await rig.redis.redis.config('SET', 'maxmemory-policy', 'noeviction');
  await Promise.all(done);
  expectEachOnce(rig);
  await expect.poll(async () => (await readyz(app)).status, soon).toBe(200);
  expect(bench.logged('redis.unsuitable')).toBe(1);
}, 60_000);
