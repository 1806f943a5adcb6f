/** A worker that dies at each point of a rotation, and what recovery makes of what it finds on the disk. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { expectFinished, startAcmeBench } from '../support/acme-bench.ts';
import { day, hour, minute, type RotationBench, type Step } from '../support/rotation-bench.ts';

let bench: RotationBench;
beforeEach(async () => {
  bench = await startAcmeBench({ note: 'ours' });
});
afterEach(() => bench.stop());

describe('the process dies', () => {
  test.each([
    ['with the answer sealed', 'sealed'],
    ['before the put', 'putting'],
    ['after the put', 'put'],
    ['before the swap', 'swapping'],
    ['after the swap', 'swapped'],
    ['before the record is deleted', 'removing'],
  ] as const satisfies readonly (readonly [
    string,
    Step,
  ])[])('%s: its successor finishes what it began, under the same version', async (_, step) => {
    await bench.crash('acme', step);
    const [record] = bench.ports().spool.all();
    const presented = bench.sandbox.oracle.presentations().length;
    expect(presented).toBe(1);
    expect(await bench.recover()).toMatchObject([
      { connection: 'acme', asked: 'recover', outcome: 'rotated', reason: 'none' },
    ]);
    expect(bench.double.secrets.current('acme')?.versionId).toBe(record?.intent.versionNew);
    // What consent brought, the probe, and one of ours: nobody's retry makes another.
    expect(bench.double.secrets.versions('acme')).toHaveLength(3);
    expect(bench.sandbox.oracle.presentations()).toHaveLength(1);
    await expectFinished(bench);
    expect(await bench.entry('acme')).toMatchObject({ state: 'active', reason: 'none' });
    expect(await bench.recover()).toEqual([]);
    bench.clock.turn(12 * day);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
    await expectFinished(bench);
  });

  test.each([
    'sealed',
    'put',
    'swapped',
  ] as const)('at %s, and a refresh comes before recovery: it finishes first and spends nothing', async (step) => {
    await bench.crash('acme', step);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
    expect(bench.sandbox.oracle.presentations()).toHaveLength(1);
    await expectFinished(bench);
  });

  test.each([
    ['before the request', 'posting', 0],
    ['with the answer in hand and not on disk', 'answered', 1],
  ] as const)('%s: nobody knows, so the same token is tried once more after the wait', async (_, step, presented) => {
    await bench.crash('acme', step);
    expect(bench.sandbox.oracle.presentations()).toHaveLength(presented);
    expect(await bench.recover()).toMatchObject([{ outcome: 'notDue', reason: 'unknown_outcome' }]);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'notDue', reason: 'unknown_outcome' });
    expect(bench.sandbox.oracle.presentations()).toHaveLength(presented);
    const entry = await bench.entry('acme');
    expect(entry).toMatchObject({
      state: 'retrying',
      reason: 'unknown_outcome',
      nextAt: bench.clock.now() + 2 * minute,
    });

    bench.clock.turn(2 * minute);
    const report = await bench.rotate('acme');
    expect(bench.sandbox.oracle.presentations()).toHaveLength(presented + 1);
    if (presented === 0) {
      expect(report).toMatchObject({ outcome: 'rotated' });
      await expectFinished(bench);
    } else {
      // The provider had committed, and forgives no second try: ours, said as such, and not the customer's yet.
      expect(report).toMatchObject({ outcome: 'suspect', reason: 'lost_rotation' });
    }
  });

  test('after the intent only, while the provider forgives a second try: nothing is lost', async () => {
    const held = bench.connect({
      provider: 'docusign',
      connection: 'kind',
      scope: 'signature extended',
      rules: { graceMs: hour },
    });
    await bench.inventory();
    bench.clock.turn(12 * day);
    await bench.crash('kind', 'answered');
    expect(bench.sandbox.oracle.liveToken('kind')).not.toBe(held.refreshToken);
    await bench.recover();
    bench.clock.turn(2 * minute);
    expect(await bench.rotate('kind')).toMatchObject({ outcome: 'rotated' });
    expect(bench.document('kind').refresh_token).toBe(bench.sandbox.oracle.liveToken('kind'));
    expect(bench.sandbox.oracle.presentations('kind')).toHaveLength(2);
    expect(await bench.spoolFiles()).toEqual([]);
  });

  test('twice, the second time during recovery', async () => {
    await bench.crash('acme', 'sealed');
    const died = Promise.withResolvers<void>();
    bench.at('put', () => {
      died.resolve();
      return new Promise(() => {});
    });
    void bench.recover();
    await died.promise;
    await bench.restart('acme');
    expect(await bench.recover()).toMatchObject([{ outcome: 'rotated' }]);
    expect(bench.sandbox.oracle.presentations()).toHaveLength(1);
    await expectFinished(bench);
  });
});
