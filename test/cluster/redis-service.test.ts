/**
 * The whole service on a Redis Cluster and behind Sentinels, with real servers: what it does on one server it does there,
 * and the death of the server that holds our keys costs delay, never a token, a flag or a second spend.
 */
import { afterEach, describe, expect, test } from 'vitest';
import { connectCustomers, customers, expectEachOnce } from '../support/customers.ts';
import { type Topology, topologies, withTopology } from '../support/redis-topology.ts';
import { minute, type Rig, startRig } from '../support/rig.ts';

let rig: Rig;
let topology: Topology;
afterEach(async () => {
  await rig.stop();
  await topology.stop();
});

const rotated = (connection: string) => rig.next(connection, ({ outcome }) => outcome === 'rotated');
/** Minutes pass, for what is to be tried again after some, until every customer has its new token. */
async function untilAllRotated(): Promise<void> {
  const rotatedOnes = () => {
    rig.clock.turn(minute);
    return new Set(rig.reports.flatMap(({ outcome, connection }) => (outcome === 'rotated' ? [connection] : []))).size;
  };
  await expect.poll(rotatedOnes, { timeout: 150_000, interval: 1_000 }).toBe(customers.length);
}

const isReady = async (url: string) => (await fetch(new URL('/readyz', url))).status === 200;

describe.each(topologies)('on %s', (_name, start) => {
  async function startOn(): Promise<void> {
    topology = await start();
    await topology.ageEpoch();
    rig = await startRig({ change: withTopology(topology) });
    connectCustomers(rig);
  }

  test('a scheduler and two workers refresh every due connection once', async () => {
    await startOn();
    const done = customers.map(rotated);
    const scheduler = await rig.start({ role: 'scheduler', name: 'scheduler' });
    await rig.start({ role: 'worker', name: 'one' });
    await rig.start({ role: 'worker', name: 'two' });
    await Promise.all(done);
    expectEachOnce(rig);
    expect(await isReady(scheduler.url)).toBe(true);
    await expect
      .poll(async () => (await scheduler.services.index.get('customer-0'))?.state, { timeout: 30_000 })
      .toBe('active');
    expect(await rig.redis.redis.dbsize(), 'the private Redis beside it is not used').toBeLessThanOrEqual(1);
  });

  test('emptied in the middle of the work: everything is refreshed once all the same', async () => {
    await startOn();
    rig.sandbox.setLatencyMs(50);
    const done = customers.map(rotated);
    await rig.start();
    await Promise.race(done);
    const { admin } = await topology.holder();
    await admin.flushall();
    await topology.ageEpoch();
    // A rotation that met the empty server before its age was set is put off by a minute.
    await untilAllRotated();
    expectEachOnce(rig);
    expect(await rig.spoolFiles()).toEqual([]);
  });

  test('the server with our keys dies in the middle of the work: its replica goes on, and nothing is spent twice', async () => {
    await startOn();
    rig.sandbox.setLatencyMs(100);
    const done = customers.map(rotated);
    const app = await rig.start();
    await Promise.race(done);
    const dead = await topology.holder();
    await dead.kill();
    const already = rig.reports.filter(({ outcome }) => outcome === 'rotated').length;
    expect(already).toBeLessThan(customers.length);
    await topology.failedOver(dead);
    await untilAllRotated();
    expectEachOnce(rig);
    await expect.poll(() => isReady(app.url), { timeout: 30_000 }).toBe(true);
    expect(await rig.spoolFiles()).toEqual([]);
    expect(rig.log.map(({ event }) => event)).toContain('lease.redis_new');
  });

  test('the server with our keys hangs in the middle of the work: its replica goes on, and nothing is spent twice', async () => {
    await startOn();
    rig.sandbox.setLatencyMs(100);
    const done = customers.map(rotated);
    const app = await rig.start();
    await Promise.race(done);
    const hung = await topology.holder();
    hung.pause();
    await topology.failedOver(hung);
    await untilAllRotated();
    // It wakes up as a primary that does not know that it is none any more.
    hung.resume();
    await expect.poll(() => isReady(app.url), { timeout: 30_000 }).toBe(true);
    expectEachOnce(rig);
    expect(await rig.spoolFiles()).toEqual([]);
  });

  test('every server away: not ready and nothing is spent; back again: everything is refreshed', async () => {
    await startOn();
    await Promise.all(topology.servers.map((server) => server.kill()));
    const app = await rig.start();
    expect(await isReady(app.url)).toBe(false);
    expect((await fetch(new URL('/livez', app.url))).status).toBe(200);
    expect(rig.sandbox.oracle.presentations()).toEqual([]);
    await Promise.all(topology.servers.map((server) => server.start()));
    await untilAllRotated();
    expectEachOnce(rig);
    await expect.poll(() => isReady(app.url), { timeout: 30_000 }).toBe(true);
  });
});
