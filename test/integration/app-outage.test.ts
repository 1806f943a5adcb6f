/**
 * What the service stands on goes away for days and comes back: the process lives, says what it waits for, spends no token that
 * has nowhere to go, loses none, and goes on without a restart. Said once, not once for each try.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { App } from '../../src/app.ts';
import { connectCustomers, customers, expectEachOnce } from '../support/customers.ts';
import { livez, type Neighbour, type OutageRig, readyz, startOutageRig } from '../support/outage-rig.ts';
import { day, hour } from '../support/rig.ts';

let bench: OutageRig;
beforeEach(async () => {
  bench = await startOutageRig();
  await bench.open('redis', 'store', 'provider');
});
afterEach(() => bench.stop());

const soon = { timeout: 40_000, interval: 100 };

/** Turns the calendar hour by hour until every customer's token was refreshed. */
async function untilRefreshed(): Promise<void> {
  const { rig } = bench;
  const refreshed = () =>
    customers.filter((id) => rig.document(id).refresh_token === rig.sandbox.oracle.liveToken(id)).length;
  await expect
    .poll(() => {
      rig.clock.turn(hour);
      const asked = customers.filter((id) => rig.sandbox.oracle.presentations(id).length > 0).length;
      return [asked, refreshed()];
    }, soon)
    .toEqual([customers.length, customers.length]);
}

/** The app with every customer in its index and none due. */
async function startIdle(): Promise<App> {
  const { rig } = bench;
  connectCustomers(rig);
  rig.clock.turn(-14 * day);
  const app = await rig.start();
  await expect.poll(() => app.services.index.count(), soon).toBe(customers.length);
  await app.settled;
  return app;
}

describe('for days', () => {
  test.each<[away: readonly Neighbour[], reasons: readonly RegExp[]]>([
    [['redis'], [/^redis: gives no answer/]],
    [['store'], [/^store: cannot be reached/]],
    [
      ['redis', 'store'],
      [/^redis: gives no answer/, /^store: cannot be reached/],
    ],
    [
      ['redis', 'store', 'provider'],
      [/^redis: gives no answer/, /^store: cannot be reached/],
    ],
  ])('without %j: nothing is spent and nothing lost', async (away, reasons) => {
    const { rig } = bench;
    const app = await startIdle();
    await bench.shut(...away);
    await expect.poll(async () => (await readyz(app)).reasons.length, soon).toBe(reasons.length);
    const since = /since (\S+):/.exec((await readyz(app)).reasons.join())?.[1];
    for (let days = 0; days < 14; days++) {
      rig.clock.turn(day);
      expect(await livez(app)).toBe(200);
    }
    const probe = await readyz(app);
    expect(probe.status).toBe(503);
    for (const [place, pattern] of reasons.entries()) expect(probe.reasons[place]).toMatch(pattern);
    // An instant, and the first one: it does not move while the outage goes on.
    expect(probe.reasons.join()).toContain(`since ${since}`);
    expect(rig.sandbox.oracle.presentations()).toEqual([]);
    expect(await rig.spoolFiles()).toEqual([]);
    await bench.open(...away);
    await untilRefreshed();
    expectEachOnce(rig);
    await expect.poll(async () => (await readyz(app)).status, soon).toBe(200);
    expect(bench.logged('outage.begun', 'store')).toBe(away.includes('store') ? 1 : 0);
    expect(bench.logged('outage.over', 'store')).toBe(away.includes('store') ? 1 : 0);
    for (const job of ['sweep', 'inventory', 'recover', 'watch'])
      expect(
        rig.log.filter(({ event, fields }) => event === 'job.failed' && fields.job === job).length,
        job,
      ).toBeLessThanOrEqual(2);
  });

  test('without the provider: is ready and says so, holds every token, and refreshes once it is back', async () => {
    const { rig } = bench;
    const app = await startIdle();
    await bench.shut('provider');
    rig.clock.turn(14 * day);
    await expect.poll(async () => (await readyz(app)).notes.join(), soon).toMatch(/cannot be reached since 2026-/);
    expect(await readyz(app)).toMatchObject({ status: 200, reasons: [] });
    for (let days = 0; days < 5; days++) {
      rig.clock.turn(day);
      expect(await livez(app)).toBe(200);
    }
    expect(rig.sandbox.oracle.presentations()).toEqual([]);
    await bench.open('provider');
    await untilRefreshed();
    expectEachOnce(rig);
    await expect.poll(async () => (await readyz(app)).notes, soon).toEqual([]);
    expect(rig.log.filter(({ event }) => event === 'outage.begun')).toHaveLength(1);
  });
});

test('a Redis process that ends and comes back empty costs nothing but time', async () => {
  const { rig } = bench;
  const app = await startIdle();
  const fresh = await bench.replaceRedis();
  await expect.poll(() => fresh.redis.dbsize(), soon).toBeGreaterThan(0);
  await expect.poll(async () => (await readyz(app)).status, soon).toBe(200);
  rig.clock.turn(14 * day);
  await untilRefreshed();
  expectEachOnce(rig);
  expect(await livez(app)).toBe(200);
}, 90_000);

describe('a store', () => {
  test('that denies is told from one that cannot be reached, and both end', async () => {
    const { rig } = bench;
    const app = await startIdle();
    const denied = rig.double.faults.add({
      op: '*',
      times: 1_000_000,
      what: { error: 'AccessDeniedException', status: 400 },
    });
    await expect.poll(async () => (await readyz(app)).reasons, soon).toHaveLength(1);
    expect(denied.fired()).toBeGreaterThan(0);
    expect((await readyz(app)).reasons[0]).toMatch(/^store: access denied since .*permissions.*doctor/);
    expect(await livez(app)).toBe(200);
    rig.double.faults.clear();
    await expect.poll(async () => (await readyz(app)).status, soon).toBe(200);
    await bench.shut('store');
    await expect.poll(async () => (await readyz(app)).reasons.join(), soon).toMatch(/^store: cannot be reached since/);
    await bench.open('store');
    await expect.poll(async () => (await readyz(app)).status, soon).toBe(200);
    expect(bench.logged('outage.begun')).toBe(2);
    expect(bench.logged('outage.over')).toBe(2);
  });

  test('that denies one secret is no outage', async () => {
    const { rig } = bench;
    const app = await startIdle();
    const denied = rig.double.faults.add({
      op: '*',
      secret: 'customer-3',
      times: 1_000_000,
      what: { error: 'AccessDeniedException', status: 400 },
    });
    rig.clock.turn(14 * day);
    await expect
      .poll(() => {
        rig.clock.turn(hour);
        return denied.fired();
      }, soon)
      .toBeGreaterThan(4);
    expect(await readyz(app)).toMatchObject({ status: 200, reasons: [] });
    expect(bench.logged('outage.begun')).toBe(0);
  });

  test('that takes no write keeps every token unspent', async () => {
    const { rig } = bench;
    const app = await startIdle();
    const refused = rig.double.faults.add({
      op: 'PutSecretValue',
      times: 1_000_000,
      what: { error: 'AccessDeniedException', status: 400 },
    });
    rig.clock.turn(14 * day);
    await expect.poll(() => refused.fired(), soon).toBeGreaterThanOrEqual(customers.length);
    expect(rig.sandbox.oracle.presentations()).toEqual([]);
    expect((await app.services.index.get('customer-1'))?.reason).toBe('store_denied');
    rig.double.faults.clear();
    await untilRefreshed();
    expectEachOnce(rig);
  });
});
