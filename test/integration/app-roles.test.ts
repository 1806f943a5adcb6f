/**
 * The service as several processes, and as one that stops: who does what, that nobody does it twice, and that stopping spends
 * nothing and leaves nothing behind.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connectCustomers, customers, expectEachOnce } from '../support/customers.ts';
import { day, type Rig, startRig } from '../support/rig.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await startRig();
});
afterEach(() => rig.stop());

const rotated = (connection: string) => rig.next(connection, ({ outcome }) => outcome === 'rotated');

describe('processes with a role', () => {
  test('a scheduler alone queues and spends nothing; a worker alone finds nothing to do; together they refresh', async () => {
    connectCustomers(rig);
    const scheduler = await rig.start({ role: 'scheduler', name: 'scheduler' });
    await expect.poll(() => scheduler.queues.backlog('docusign'), { timeout: 15_000 }).toBe(customers.length);
    expect(rig.sandbox.oracle.presentations()).toEqual([]);
    await scheduler.stop();
    await rig.flushRedis();

    const done = customers.map(rotated);
    const worker = await rig.start({ role: 'worker', name: 'worker' });
    await worker.settled;
    expect(rig.sandbox.oracle.presentations()).toEqual([]);
    await rig.start({ role: 'scheduler', name: 'scheduler' });
    await Promise.all(done);
    expectEachOnce(rig);
  });

  test('two schedulers and two workers: every connection is refreshed once', async () => {
    connectCustomers(rig);
    rig.sandbox.setLatencyMs(20);
    const done = customers.map(rotated);
    for (const name of ['one', 'two']) {
      await rig.start({ role: 'worker', name: `worker-${name}` });
      await rig.start({ role: 'scheduler', name: `scheduler-${name}` });
    }
    await Promise.all(done);
    expectEachOnce(rig);
  });

  test('a worker that goes leaves the rest to the others', async () => {
    connectCustomers(rig);
    rig.sandbox.setLatencyMs(100);
    const done = customers.map(rotated);
    const leaving = await rig.start({ role: 'worker', name: 'worker-one' });
    await rig.start({ role: 'scheduler', name: 'scheduler' });
    await Promise.race(done);
    const left = leaving.stop();
    await rig.start({ role: 'worker', name: 'worker-two' });
    expect(await left).toBe(0);
    await Promise.all(done);
    expectEachOnce(rig);
  });
});

describe('stopping', () => {
  test('waits for what is under way: its token is in the store when it ends', async () => {
    rig.connect({ provider: 'docusign', connection: 'acme', scope: 'signature extended' });
    rig.clock.turn(15 * day);
    const slow = rig.sandbox.faults.inject({ kind: 'slow', ms: 800 }, { connection: 'acme' });
    const app = await rig.start();
    await expect.poll(() => slow.fired(), { timeout: 15_000 }).toBe(1);
    expect(rig.reports.filter(({ outcome }) => outcome === 'rotated')).toEqual([]);
    expect(await app.stop()).toBe(0);
    expect(rig.document('acme').refresh_token).toBe(rig.sandbox.oracle.liveToken('acme'));
    expect(await rig.spoolFiles()).toEqual([]);
    expect(rig.reports.filter(({ outcome }) => outcome === 'rotated')).toHaveLength(1);
    await expect(fetch(new URL('/livez', app.url))).rejects.toThrow();
  });

  test('while the store is down leaves the answer sealed, and the next process brings it home', async () => {
    rig.connect({ provider: 'docusign', connection: 'acme', scope: 'signature extended' });
    rig.clock.turn(15 * day);
    rig.double.faults.add({
      op: 'PutSecretValue',
      secret: 'acme',
      skip: 1,
      times: 1_000,
      what: { error: 'InternalServiceError', status: 500 },
    });
    const sealed = rig.next('acme', ({ outcome }) => outcome === 'sealed');
    const app = await rig.start();
    await sealed;
    expect(await app.stop()).toBe(0);
    expect(await rig.spoolFiles()).toHaveLength(1);
    rig.double.faults.clear();
    await rig.flushRedis();
    const recovered = rig.next('acme', ({ outcome, asked }) => outcome === 'rotated' && asked === 'recover');
    await rig.start();
    await recovered;
    expect(rig.sandbox.oracle.presentations()).toHaveLength(1);
    expect(rig.document('acme').refresh_token).toBe(rig.sandbox.oracle.liveToken('acme'));
    await expect.poll(() => rig.spoolFiles()).toEqual([]);
  });

  test('right after starting is no problem either', async () => {
    connectCustomers(rig);
    const app = await rig.start();
    await app.stop();
    for (const connection of customers)
      expect(rig.document(connection).refresh_token).toBe(rig.sandbox.oracle.liveToken(connection));
    expect(await rig.spoolFiles()).toEqual([]);
  });
});
