/**
 * Secrets Manager failing after the token was spent (bad-inputs 4b, 80 to 85): it costs delay and never a token, and a retry writes
 * nothing new.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { FaultSpec } from '../../src/sandbox/secrets-manager/faults.ts';
import { day, hour, type RotationBench } from '../support/rotation-bench.ts';
import {
  accessDenied,
  always,
  expectSpentOnce,
  expectUnspent,
  startStoreFaultBench,
  stopWithAllFired,
} from '../support/store-fault-bench.ts';

let bench: RotationBench;
beforeEach(async () => {
  bench = await startStoreFaultBench();
});
afterEach(() => stopWithAllFired(bench));

describe('after the token is spent', () => {
  const refusals: readonly [string, Omit<FaultSpec, 'secret' | 'times' | 'skip'>, string][] = [
    ['PutSecretValue is denied', { op: 'PutSecretValue', what: accessDenied }, 'store_denied'],
    [
      'the secret has too many versions',
      { op: 'PutSecretValue', what: { error: 'LimitExceededException' } },
      'store_conflict',
    ],
    ['writes are throttled', { op: 'PutSecretValue', what: { error: 'ThrottlingException' } }, 'store_throttled'],
    [
      'the service fails',
      { op: 'PutSecretValue', what: { error: 'InternalServiceError', status: 500 } },
      'store_unavailable',
    ],
    ['KMS fails', { op: 'PutSecretValue', what: { error: 'EncryptionFailure' } }, 'store_denied'],
    [
      'writes take effect and nobody says so',
      { op: 'PutSecretValue', applied: true, what: 'drop' },
      'store_unavailable',
    ],
    ['the label cannot be moved', { op: 'UpdateSecretVersionStage', what: accessDenied }, 'store_denied'],
    [
      'the label is moved and nobody says so',
      { op: 'UpdateSecretVersionStage', applied: true, what: 'drop' },
      'store_unavailable',
    ],
    ['nothing answers any more', { op: '*', what: 'drop' }, 'store_unavailable'],
    ['answers are cut', { op: '*', applied: true, what: 'truncate' }, 'store_unavailable'],
  ];

  test.each(refusals)('%s: the token is sealed, and recovered once it is mended', async (_, spec, reason) => {
    const before = bench.document('acme');
    let fault: ReturnType<typeof bench.double.faults.add> | undefined;
    bench.at('answered', () => {
      fault = bench.double.faults.add({ ...spec, ...always });
    });
    const report = await bench.rotate('acme');
    expect(fault?.fired()).toBeGreaterThan(0);
    if (report.outcome !== 'rotated') {
      expect(report).toMatchObject({ outcome: 'sealed', reason });
      expect(await bench.entry('acme')).toMatchObject({
        state: 'sealed',
        reason,
        nextAt: bench.clock.now() + bench.settings.retryMaxMs,
      });
      expect(await bench.spoolFiles()).toHaveLength(1);
      if (!spec.applied) expect(bench.document('acme')).toEqual(before);
      // As long as it lasts, neither recovery nor a person's impatience spends anything.
      const still = [...(await bench.recover()), await bench.rotate('acme', 'manual')];
      for (const one of still) expect(one.outcome).not.toBe('rotated');
      expect(bench.sandbox.oracle.presentations()).toHaveLength(1);
      bench.clock.turn(7 * day);
      fault?.remove();
      expect(await bench.recover()).toMatchObject([{ connection: 'acme', outcome: 'rotated' }]);
    }
    await expectSpentOnce(bench);
    expect(await bench.entry('acme')).toMatchObject({ state: 'active', reason: 'none' });
    expect(bench.sandbox.oracle.presentations()).toHaveLength(1);
  });

  test.each([
    ['the put', 'PutSecretValue'],
    ['the swap', 'UpdateSecretVersionStage'],
    ['the read that verifies', 'GetSecretValue'],
  ] as const)('one lost answer to %s is repeated with the same version', async (_, op) => {
    bench.at('answered', () => {
      bench.double.faults.add({ op, secret: 'acme', applied: true, what: 'drop' });
    });
    const report = await bench.rotate('acme');
    expect(report).toMatchObject({ outcome: 'rotated' });
    expect(bench.double.secrets.current('acme')?.versionId).toBe(report.versionNew);
    // The one consent brought, ours, and the probe.
    expect(bench.double.secrets.versions('acme')).toHaveLength(3);
    await expectSpentOnce(bench);
  });

  test('the version id holds the same token already: it is ours, and becomes current', async () => {
    const { refresh_token: old } = bench.document('acme');
    bench.at('putting', () => {
      const [record] = bench.ports().spool.all();
      const value = { ...bench.document('acme'), refresh_token: bench.sandbox.oracle.liveToken('acme') };
      bench.double.secrets.put('acme', JSON.stringify(value), {
        versionId: record?.intent.versionNew ?? '',
        stages: ['ELSEWHERE'],
      });
    });
    const report = await bench.rotate('acme');
    expect(report).toMatchObject({ outcome: 'rotated' });
    expect(bench.document('acme').refresh_token).not.toBe(old);
    expect(bench.double.secrets.current('acme')?.versionId).toBe(report.versionNew);
    await expectSpentOnce(bench);
  });

  test('the version id holds another token: neither is dropped, ours goes under another id, and somebody is told', async () => {
    let taken = '';
    bench.at('putting', () => {
      taken = bench.ports().spool.all()[0]?.intent.versionNew ?? '';
      const value = { ...bench.document('acme'), refresh_token: 'a token of nobody knows where' };
      bench.double.secrets.put('acme', JSON.stringify(value), { versionId: taken, stages: ['ELSEWHERE'] });
    });
    const report = await bench.rotate('acme');
    expect(report).toMatchObject({ outcome: 'rotated', foreign: 'version_taken' });
    expect(report.versionNew).not.toBe(taken);
    expect(String(bench.double.secrets.read('acme', { versionId: taken })?.value)).toContain('nobody knows where');
    await expectSpentOnce(bench);
  });
});

describe('a secret that is not there as it should be', () => {
  test('without AWSCURRENT nothing is created, and with it the connection is refreshed', async () => {
    const { versionId } = bench.double.secrets.current('acme') ?? { versionId: '' };
    bench.double.faults.add({
      op: 'GetSecretValue',
      ...always,
      what: {
        error: 'ResourceNotFoundException',
        message: "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT",
      },
    });
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'quarantined', reason: 'no_current_version' });
    expectUnspent(bench);
    expect(await bench.entry('acme')).toMatchObject({ state: 'invalid', reason: 'no_current_version' });
    expect(bench.double.secrets.versions('acme').map((version) => version.versionId)).toEqual([versionId]);
    bench.double.faults.clear();
    bench.clock.turn(2 * hour);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
    await expectSpentOnce(bench);
  });

  test('deleted it leaves the index, and restored it is refreshed', async () => {
    bench.double.secrets.delete('acme', { recoveryWindowDays: 7 });
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'gone' });
    expectUnspent(bench);
    expect(await bench.entry('acme')).toBeUndefined();
    bench.double.secrets.restore('acme');
    await bench.inventory();
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
    await expectSpentOnce(bench);
  });

  test('gone for good it leaves the index', async () => {
    bench.double.secrets.delete('acme', { force: true });
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'gone' });
    expect(await bench.entry('acme')).toBeUndefined();
    expectUnspent(bench);
  });

  test('deleted between answer and put the sealed token waits, for as long as it takes, for its restoration', async () => {
    bench.at('answered', () => bench.double.secrets.delete('acme', { recoveryWindowDays: 30 }));
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'sealed' });
    bench.clock.turn(20 * day);
    await bench.recover();
    expect(await bench.spoolFiles()).toHaveLength(1);
    bench.double.secrets.restore('acme');
    expect(await bench.recover()).toMatchObject([{ outcome: 'rotated' }]);
    await expectSpentOnce(bench);
  });
});
