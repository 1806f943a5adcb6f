/**
 * A provider that fails for days leaves thousands of records nobody can do anything for yet: recovery leaves them alone, and
 * asks the store nothing about them, until their time; and nothing else is ever taken for one of them.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { FaultKind } from '../../src/sandbox/providers/faults.ts';
import { expectSettled, extended, startHastyBench } from '../support/acme-bench.ts';
import { day, minute, type RotationBench, rigClient } from '../support/rotation-bench.ts';

let bench: RotationBench;
beforeEach(async () => {
  bench = await startHastyBench();
});
afterEach(() => bench.stop());

const many = Array.from({ length: 12 }, (_, number) => `customer-${number}`);
const down: FaultKind = { kind: 'answer', when: 'before', status: 500, body: { error: 'internal_server_error' } };
const cut: FaultKind = { kind: 'drop', when: 'before' };

async function connect(connections: readonly string[], rules: { graceMs?: number } = {}): Promise<void> {
  for (const connection of connections) bench.connect({ ...extended, connection, rules });
  await bench.inventory();
  bench.clock.turn(12 * day);
}

const asked = () => bench.double.requestsInAll().received;

test.each<[string, FaultKind]>([
  ['answers 500', down],
  ['resets the connection', cut],
])('a provider that %s costs recovery no call of the store until the next try is due', async (_, fault) => {
  await connect(many);
  const struck = bench.sandbox.faults.inject(fault);
  for (const connection of many)
    expect(await bench.rotate(connection)).toMatchObject({ outcome: 'unknown', reason: 'unknown_outcome' });
  expect(struck.fired()).toBe(many.length);
  expect(await bench.spoolFiles()).toHaveLength(many.length);
  const before = asked();
  for (let run = 0; run < 5; run++) expect(await bench.recover()).toEqual([]);
  expect(asked()).toBe(before);
  // Another process on the same disk, and another pod that knows only the mirror, are as patient.
  await bench.restart('customer-0');
  expect(await bench.recover()).toEqual([]);
  await bench.replace('customer-0');
  expect(await bench.recover()).toEqual([]);
  expect(asked()).toBe(before);
  expect(await bench.entry('customer-3')).toMatchObject({ state: 'retrying', reason: 'unknown_outcome' });

  struck.lift();
  await bench.restart('customer-0');
  bench.clock.turn(2 * minute);
  await bench.recover();
  expect(asked()).toBeGreaterThan(before);
  for (const connection of many) {
    expect(await bench.rotate(connection)).toMatchObject({ outcome: 'rotated' });
    expect(bench.document(connection).refresh_token).toBe(bench.sandbox.oracle.liveToken(connection));
  }
});

describe('is not taken for one of them:', () => {
  /** One connection whose next try is two minutes away. */
  async function waiting(rules: { graceMs?: number } = {}): Promise<void> {
    await connect(['acme'], rules);
    const struck = bench.sandbox.faults.inject(down, { times: 1 });
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'unknown' });
    expect(struck.fired()).toBe(1);
    expect(await bench.recover()).toEqual([]);
  }

  test('a token sealed by a try in between, whose process died', async () => {
    await waiting();
    await bench.crash('acme', 'sealed', 'manual');
    expect((await bench.entry('acme'))?.nextAt).toBeGreaterThan(bench.clock.now());
    expect(await bench.recover()).toMatchObject([{ outcome: 'rotated' }]);
    await expectSettled(bench);
  });

  test('a token in the mirror only, its pod gone', async () => {
    await waiting();
    await bench.crash('acme', 'sealed', 'manual');
    await expect.poll(async () => (await bench.ports().spool.openOf('acme')).records.length).toBe(2);
    await bench.ports().spool.refreshMirror();
    await bench.replace('acme');
    expect(await bench.recover()).toMatchObject([{ outcome: 'rotated' }]);
    expect(bench.document('acme').refresh_token).toBe(bench.sandbox.oracle.liveToken('acme'));
  });

  test('a version put and never made current', async () => {
    await waiting();
    await bench.crash('acme', 'put', 'manual');
    expect(await bench.recover()).toMatchObject([{ outcome: 'rotated' }]);
    await expectSettled(bench);
  });

  test('a record beside it that cannot be opened', async () => {
    await waiting();
    await bench.redis.redis.hset('{pilotlight}:spool:acme', 'another-attempt', 'no record of ours');
    expect(await bench.recover()).toMatchObject([{ outcome: 'quarantined', reason: 'record_unreadable' }]);
  });

  test('a record whose entry Redis has lost', async () => {
    await waiting();
    await bench.flushRedis();
    await bench.recover();
    await bench.inventory();
    await bench.recover();
    expect(await bench.entry('acme')).toMatchObject({ state: 'retrying', reason: 'unknown_outcome' });
    const before = asked();
    expect(await bench.recover()).toEqual([]);
    expect(asked()).toBe(before);
  });

  test('a record of a token that somebody has replaced since', async () => {
    await waiting();
    const { refreshToken } = bench.sandbox.grants.create({ ...extended, connection: 'acme', client: rigClient });
    bench.save('acme', { refresh_token: refreshToken, refreshed_at: new Date(bench.clock.now()).toISOString() });
    await bench.inventory();
    await bench.recover();
    expect(await bench.spoolFiles()).toEqual([]);
  });
});
