/**
 * Records of a connection whose secret was deleted: they wait while it can be restored, cost no word at every run of
 * recovery, and end when the store knows nothing of it any more.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { expectSettled, extended, startHastyBench } from '../support/acme-bench.ts';
import { day, type RotationBench, rigClient } from '../support/rotation-bench.ts';

let bench: RotationBench;
beforeEach(async () => {
  bench = await startHastyBench();
  bench.connect({ ...extended, connection: 'acme' });
  await bench.inventory();
  bench.clock.turn(12 * day);
});
afterEach(() => bench.stop());

type Deleted = Parameters<RotationBench['double']['secrets']['delete']>[1];

/** The secret is deleted while its new token is on its way. */
async function sealed(how: Deleted): Promise<void> {
  bench.at('answered', () => bench.double.secrets.delete('acme', how));
  expect(await bench.rotate('acme')).toMatchObject({ outcome: 'sealed' });
  expect(await bench.spoolFiles()).toHaveLength(1);
}

/** The same after a request that was never answered. */
async function unanswered(how: Deleted): Promise<void> {
  const struck = bench.sandbox.faults.inject({ kind: 'drop', when: 'before' }, { times: 1 });
  expect(await bench.rotate('acme')).toMatchObject({ outcome: 'unknown' });
  expect(struck.fired()).toBe(1);
  bench.double.secrets.delete('acme', how);
}

const mirrored = () => bench.redis.redis.hlen('{pilotlight}:spool:acme');

describe.each<[string, (how: Deleted) => Promise<void>]>([
  ['a sealed token', sealed],
  ['a request without an answer', unanswered],
])('%s', (_, left) => {
  test('waits while the secret can be restored, and is said to be gone once', async () => {
    await left({ recoveryWindowDays: 30 });
    bench.clock.turn(29 * day);
    expect(await bench.recover()).toMatchObject([{ outcome: 'gone' }]);
    for (let run = 0; run < 3; run++) expect(await bench.recover()).toEqual([]);
    expect(await bench.spoolFiles()).toHaveLength(1);
    expect(await mirrored()).toBe(1);
  });

  test('is let go when it cannot be any more, on disk and in the mirror, and that is told with its attempt', async () => {
    await left({ recoveryWindowDays: 7 });
    const [{ attempt = '', fingerprintOld = '' } = {}] = bench.reports;
    expect(attempt).not.toBe('');
    await bench.recover();
    bench.clock.turn(31 * day);
    expect(await bench.recover()).toMatchObject([
      { outcome: 'gone', attempt, fingerprintOld, at: { provider: 'docusign' } },
    ]);
    expect(await bench.spoolFiles()).toEqual([]);
    expect(await mirrored()).toBe(0);
    expect(await bench.recover()).toEqual([]);
  });

  test('is let go by another pod that knows only the mirror', async () => {
    await left({ force: true });
    await expect.poll(mirrored).toBe(1);
    await bench.ports().spool.refreshMirror();
    await bench.replace('acme');
    bench.clock.turn(31 * day);
    await bench.recover();
    expect(await mirrored()).toBe(0);
  });

  test('outlives some days in which the store knows nothing of any secret', async () => {
    await left({ force: true });
    bench.clock.turn(29 * day);
    await bench.recover();
    await bench.recover();
    expect(await bench.spoolFiles()).toHaveLength(1);
  });

  test('outlives a store that is away or denies, however long it has lain', async () => {
    await left({ force: true });
    bench.clock.turn(60 * day);
    for (const [error, status] of [
      ['InternalServiceError', 500],
      ['AccessDeniedException', 400],
    ] as const) {
      const { fired, remove } = bench.double.faults.add({
        op: '*',
        times: Number.POSITIVE_INFINITY,
        what: { error, status },
      });
      await bench.recover();
      expect(fired()).toBeGreaterThan(0);
      remove();
      expect(await bench.spoolFiles()).toHaveLength(1);
    }
    await bench.recover();
    expect(await bench.spoolFiles()).toEqual([]);
  });
});

test('a sealed token reaches its secret when that is restored on the last day', async () => {
  await sealed({ recoveryWindowDays: 30 });
  bench.clock.turn(30 * day - 1);
  await bench.recover();
  bench.double.secrets.restore('acme');
  expect(await bench.recover()).toMatchObject([{ outcome: 'rotated' }]);
  await expectSettled(bench);
  expect(await bench.spoolFiles()).toEqual([]);
});

test('a sealed token older than any deleted secret is kept while its own can be restored', async () => {
  await sealed({ recoveryWindowDays: 30 });
  bench.clock.turn(20 * day);
  bench.double.secrets.restore('acme');
  bench.double.secrets.delete('acme', { recoveryWindowDays: 30 });
  bench.clock.turn(15 * day);
  await bench.recover();
  expect(await bench.spoolFiles()).toHaveLength(1);
  bench.double.secrets.restore('acme');
  expect(await bench.recover()).toMatchObject([{ outcome: 'rotated' }]);
  expect(await bench.spoolFiles()).toEqual([]);
});

test('a sealed token whose secret was deleted for good and made anew: the new one stays, and nothing is left open', async () => {
  const before = bench.document('acme');
  await sealed({ force: true });
  const client = rigClient;
  const { refreshToken } = bench.sandbox.grants.create({ ...extended, connection: 'acme', client });
  const now = new Date(bench.clock.now()).toISOString();
  const anew = { ...before, refresh_token: refreshToken, consented_at: now, refreshed_at: now };
  bench.double.secrets.create('acme', JSON.stringify(anew), { 'pilotlight:managed': 'true' });
  await bench.inventory();
  expect(await bench.recover()).toMatchObject([{ outcome: 'orphaned' }]);
  expect(await bench.spoolFiles()).toEqual([]);
  bench.clock.turn(12 * day);
  expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
  await expectSettled(bench);
});
