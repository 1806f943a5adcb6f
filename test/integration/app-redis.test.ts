/** Redis is disposable: absent, cut off or emptied at any moment it costs delay, never a token, a flag or a second spend. */
import { afterEach, describe, expect, test } from 'vitest';
import { connectCustomers, customers, expectEachOnce } from '../support/customers.ts';
import { type Relay, startRelay } from '../support/relay.ts';
import { day, minute, type Rig, startRig } from '../support/rig.ts';

let rig: Rig;
let relay: Relay | undefined;
afterEach(async () => {
  await rig.stop();
  await relay?.stop();
  relay = undefined;
});

const rotated = (connection: string) => rig.next(connection, ({ outcome }) => outcome === 'rotated');

/** A rig whose apps reach Redis through a relay of the test's. */
async function startBehindRelay(): Promise<Relay> {
  rig = await startRig();
  const target = new URL(rig.redis.url);
  const made = await startRelay({ host: target.hostname, port: Number(target.port) });
  relay = made;
  target.port = String(made.port);
  rig.useRedis(target.href);
  return made;
}

describe('Redis', () => {
  test('emptied in the middle of the work: everything is refreshed once all the same', async () => {
    rig = await startRig();
    connectCustomers(rig);
    rig.sandbox.setLatencyMs(50);
    const done = customers.map(rotated);
    await rig.start();
    await Promise.race(done);
    await rig.flushRedis();
    await Promise.any(done.slice(12));
    await rig.flushRedis();
    await Promise.all(done);
    expectEachOnce(rig);
    expect(await rig.spoolFiles()).toEqual([]);
  });

  test('emptied does not take a flag away: it is in the store', async () => {
    rig = await startRig();
    rig.connect({ provider: 'docusign', connection: 'acme', scope: 'signature' });
    rig.clock.turn(31 * day);
    const flagged = rig.next('acme', ({ outcome }) => outcome === 'needsConsent');
    const app = await rig.start();
    await flagged;
    await rig.flushRedis();
    await expect
      .poll(async () => (await app.services.index.get('acme'))?.state, { timeout: 15_000 })
      .toBe('reauth_required');
    expect(rig.double.secrets.tags('acme')).toMatchObject({ 'pilotlight:state': 'reauth_required' });
    expect(rig.sandbox.oracle.presentations()).toEqual([]);
  });

  test('absent at the start: the process lives, says that it is not ready, and works once Redis is there', async () => {
    const way = await startBehindRelay();
    connectCustomers(rig);
    const done = customers.map(rotated);
    const app = await rig.start();
    expect((await fetch(new URL('/livez', app.url))).status).toBe(200);
    expect((await fetch(new URL('/readyz', app.url))).status).toBe(503);
    expect(rig.sandbox.oracle.presentations()).toEqual([]);
    way.open();
    await Promise.all(done);
    expect((await fetch(new URL('/readyz', app.url))).status).toBe(200);
    expectEachOnce(rig);
  });

  test('cut off after the request: the answer reaches the store without it', async () => {
    const way = await startBehindRelay();
    way.open();
    rig.connect({ provider: 'docusign', connection: 'acme', scope: 'signature extended' });
    rig.clock.turn(15 * day);
    const slow = rig.sandbox.faults.inject({ kind: 'slow', ms: 300 }, { connection: 'acme' });
    const done = rotated('acme');
    await rig.start();
    await expect.poll(() => slow.fired(), { timeout: 15_000 }).toBe(1);
    way.cut();
    await done;
    expect(rig.document('acme').refresh_token).toBe(rig.sandbox.oracle.liveToken('acme'));
    expect(await rig.spoolFiles()).toEqual([]);
    // It could not be given back, and is over when its time is.
    await rig.redis.redis.del('{pilotlight}:lease:acme');
    const again = rotated('acme');
    rig.clock.turn(15 * day);
    way.open();
    await again;
    expect(rig.sandbox.oracle.presentations()).toHaveLength(2);
    expect(rig.sandbox.oracle.doubleSpends()).toEqual([]);
  });
});

describe('a job', () => {
  test('that is lost comes back', async () => {
    rig = await startRig();
    connectCustomers(rig);
    const scheduler = await rig.start({ role: 'scheduler', name: 'scheduler' });
    await expect.poll(() => scheduler.queues.backlog('docusign'), { timeout: 15_000 }).toBe(customers.length);
    const { redis } = rig.redis;
    const lost = await redis.keys('{pilotlight}:refresh-*');
    expect(lost.length).toBeGreaterThan(0);
    await redis.del(...lost);
    const done = customers.map(rotated);
    await rig.start({ role: 'worker', name: 'worker' });
    expect(rig.sandbox.oracle.presentations()).toEqual([]);
    rig.clock.turn(minute);
    await Promise.all(done);
    expectEachOnce(rig);
  });

  test('that is there twice, or for a connection that is not due, costs a look', async () => {
    rig = await startRig();
    rig.connect({ provider: 'docusign', connection: 'acme', scope: 'signature extended' });
    rig.clock.turn(15 * day);
    const done = rotated('acme');
    const app = await rig.start();
    await done;
    // The outcome is told before its job is: until then a second one for the connection would be dropped as a duplicate.
    await expect.poll(async () => (await app.queues.stats(['docusign']))[0]?.active, { timeout: 15_000 }).toBe(0);
    const looked = rig.next('acme', ({ outcome }) => outcome === 'notDue' || outcome === 'busy');
    await app.queues.add('docusign', [{ connection: 'acme', reason: 'due' }]);
    await looked;
    expect(rig.sandbox.oracle.presentations()).toHaveLength(1);
  });
});
