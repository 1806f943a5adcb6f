/**
 * Secrets Manager failing before the token is spent (bad-inputs 4b, 81 to 83, 85): whatever can be known is found in time, and the
 * rotation goes through once it is mended.
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

describe('before the token is spent', () => {
  const obstacles: readonly [string, FaultSpec, string][] = [
    ['DescribeSecret is denied', { op: 'DescribeSecret', ...always, what: accessDenied }, 'store_denied'],
    ['GetSecretValue is denied', { op: 'GetSecretValue', ...always, what: accessDenied }, 'store_denied'],
    ['only PutSecretValue is denied', { op: 'PutSecretValue', ...always, what: accessDenied }, 'store_denied'],
    ['KMS will not decrypt', { op: 'GetSecretValue', ...always, what: { error: 'DecryptionFailure' } }, 'store_denied'],
    ['KMS will not encrypt', { op: 'PutSecretValue', ...always, what: { error: 'EncryptionFailure' } }, 'store_denied'],
    [
      'the KMS key is disabled',
      { op: 'PutSecretValue', ...always, what: { error: 'KMSInvalidStateException' } },
      'store_denied',
    ],
    [
      'reads are throttled',
      { op: 'GetSecretValue', ...always, what: { error: 'ThrottlingException' } },
      'store_throttled',
    ],
    [
      'writes are throttled',
      { op: 'PutSecretValue', ...always, what: { error: 'ThrottlingException' } },
      'store_throttled',
    ],
    [
      'KMS is throttled',
      { op: 'PutSecretValue', ...always, what: { error: 'KMSThrottlingException' } },
      'store_throttled',
    ],
    [
      'the service fails',
      { op: 'GetSecretValue', ...always, what: { error: 'InternalServiceError', status: 500 } },
      'store_unavailable',
    ],
    ['reads hang', { op: 'GetSecretValue', ...always, what: 'hang' }, 'store_unavailable'],
    ['writes hang', { op: 'PutSecretValue', ...always, what: 'hang' }, 'store_unavailable'],
    ['connections are reset', { op: '*', ...always, what: 'drop' }, 'store_unavailable'],
    [
      'a proxy answers with a page',
      { op: 'GetSecretValue', ...always, what: { raw: { status: 200, body: '<html>sign in</html>' } } },
      'store_unavailable',
    ],
    [
      'versions are used up',
      { op: 'PutSecretValue', ...always, what: { error: 'LimitExceededException' } },
      'store_conflict',
    ],
    ['the last look is denied', { op: 'DescribeSecret', skip: 1, ...always, what: accessDenied }, 'store_denied'],
  ];

  test.each(obstacles)('%s: the rotation waits, and goes through once it is mended', async (_, spec, reason) => {
    const before = bench.double.secrets.current('acme');
    const fault = bench.double.faults.add(spec);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'retryLater', reason });
    expect(fault.fired()).toBeGreaterThan(0);
    expectUnspent(bench);
    expect(bench.double.secrets.current('acme')).toEqual(before);
    expect(await bench.spoolFiles()).toEqual([]);
    const entry = await bench.entry('acme');
    expect(entry).toMatchObject({ state: 'retrying', reason, failures: 1 });
    expect(entry?.nextAt).toBeGreaterThan(bench.clock.now());
    expect(entry?.nextAt).toBeLessThan(bench.clock.now() + hour);

    fault.remove();
    bench.clock.turn(2 * hour);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
    await expectSpentOnce(bench);
  });

  test('a failing store is asked less and less often, but ten times before a deadline', async () => {
    bench.double.faults.add({ op: 'GetSecretValue', ...always, what: accessDenied });
    const waits: number[] = [];
    for (let failures = 1; failures <= 12; failures++) {
      await bench.rotate('acme');
      const entry = await bench.entry('acme');
      expect(entry?.failures).toBe(failures);
      waits.push((entry?.nextAt ?? 0) - bench.clock.now());
      bench.clock.turn(waits.at(-1) ?? 0);
    }
    expect(waits[11]).toBeGreaterThan(8 * (waits[0] ?? 0));
    expect(Math.max(...waits)).toBeLessThanOrEqual(1.25 * bench.settings.retryMaxMs);
  });

  test('a denial of writes that came later is found by the first write of the next process', async () => {
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
    bench.clock.turn(12 * day);
    await bench.restart('acme');
    const fault = bench.double.faults.add({ op: 'PutSecretValue', ...always, what: accessDenied });
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'retryLater', reason: 'store_denied' });
    expect(bench.sandbox.oracle.presentations()).toHaveLength(1);
    fault.remove();
    bench.clock.turn(2 * hour);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
    await expectSpentOnce(bench);
  });
});
