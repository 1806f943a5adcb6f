/**
 * Answers that wait for no store (they brought no token, or are kept for a person) are neither counted as unwritten nor as
 * overdue: else a provider that fails for an afternoon would stop a worker for good, for every provider.
 */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runRefresh } from '../../jobs/refresh.ts';
import type { FaultKind } from '../../src/sandbox/providers/faults.ts';
import { expectSettled, extended, startHastyBench } from '../support/acme-bench.ts';
import { day, minute, type RotationBench } from '../support/rotation-bench.ts';

let bench: RotationBench;
beforeEach(async () => {
  bench = await startHastyBench();
  for (const connection of ['one', 'two', 'other']) bench.connect({ ...extended, connection });
  await bench.inventory();
  bench.clock.turn(12 * day);
});
afterEach(() => bench.stop());

/** One refresh by a worker with room for two unwritten answers. */
async function run(connection: string) {
  await bench.redis.redis.del(`{pilotlight}:cool:${connection}`);
  const settings = { ...bench.settings, unwrittenMax: 2 };
  const accounting = { index: bench.services.index, log: bench.deps.log, observe: () => {} };
  const job = { connection, reason: 'due' } as const;
  return runRefresh(job, { ports: bench.ports(), settings, accounting }, new AbortController().signal);
}

const stats = () => bench.ports().spool.stats();
const noneWaits = { answered: 0, oldestAnsweredAt: null };
const failing: FaultKind = { kind: 'answer', when: 'before', status: 500, body: { error: 'internal_server_error' } };
const nonsense: FaultKind = { kind: 'answer', when: 'before', status: 200, body: { page: 'down for maintenance' } };

test.each<[string, FaultKind, string]>([
  ['left the outcome open', failing, 'unknown'],
  ['nobody understands', nonsense, 'quarantined'],
])('answers that %s stop no other connection, in this process or in the next', async (_, fault, outcome) => {
  const struck = bench.sandbox.faults.inject(fault);
  for (const connection of ['one', 'two']) expect(await run(connection)).toMatchObject({ outcome });
  expect(struck.fired()).toBe(2);
  struck.lift();
  expect(await bench.spoolFiles()).toHaveLength(2);
  expect(stats()).toMatchObject({ records: 2, ...noneWaits });
  await bench.restart('one');
  // What they hold is not known before they were read.
  expect(stats()).toMatchObject({ records: 2, answered: 2 });
  await bench.redis.redis.del('{pilotlight}:lease:two');
  await bench.recover();
  expect(stats()).toMatchObject({ records: 2, ...noneWaits });
  expect(await run('other')).toMatchObject({ outcome: 'rotated' });
});

test('a provider that failed for as many as there is room for is asked again in time', async () => {
  const struck = bench.sandbox.faults.inject(failing);
  for (const connection of ['one', 'two', 'other']) expect(await run(connection)).toMatchObject({ outcome: 'unknown' });
  expect(struck.fired()).toBe(3);
  struck.lift();
  bench.clock.turn(3 * minute);
  for (const connection of ['one', 'two', 'other']) {
    expect(await run(connection)).toMatchObject({ outcome: 'rotated' });
    expect(bench.document(connection).refresh_token).toBe(bench.sandbox.oracle.liveToken(connection));
  }
  await expectSettled(bench, 'one');
});

test('a token whose secret was deleted waits for nobody, and for the store again once that is back', async () => {
  bench.at('answered', () => bench.double.secrets.delete('one', { recoveryWindowDays: 30 }));
  expect(await run('one')).toMatchObject({ outcome: 'sealed' });
  expect(stats()).toMatchObject({ answered: 1 });
  await bench.recover();
  expect(stats()).toMatchObject({ records: 1, ...noneWaits });
  bench.double.secrets.restore('one');
  const { fired, remove } = bench.double.faults.add({
    op: 'PutSecretValue',
    times: Number.POSITIVE_INFINITY,
    what: { error: 'AccessDeniedException', status: 400 },
  });
  expect(await bench.recover()).toMatchObject([{ outcome: 'sealed' }]);
  expect(fired()).toBeGreaterThan(0);
  expect(stats()).toMatchObject({ answered: 1 });
  expect(stats().oldestAnsweredAt).not.toBeNull();
  remove();
  expect(await bench.recover()).toMatchObject([{ outcome: 'rotated' }]);
  await expectSettled(bench, 'one');
});
