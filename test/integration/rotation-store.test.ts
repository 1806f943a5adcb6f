/**
 * Secrets Manager failing around a rotation (bad-inputs 4b, 79 to 85): what can be known is found before the token is spent,
 * what comes after costs delay and never a token.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { FaultSpec } from '../../src/sandbox/secrets-manager/faults.ts';
import { day, hour, type RotationBench, startRotationBench } from '../support/rotation-bench.ts';

let bench: RotationBench;
beforeEach(async () => {
  bench = await startRotationBench({
    change: (config) => ({
      ...config,
      rotation: { ...config.rotation, writeLimit: 400 },
      store: { ...config.store, aws: { ...config.store.aws, requestLimit: 300 } },
    }),
  });
  bench.connect({ provider: 'docusign', connection: 'acme', scope: 'signature extended' });
  await bench.inventory();
  bench.clock.turn(12 * day);
});
afterEach(async () => {
  const unfired = bench.double.faults.unfired().map((fault) => fault.spec);
  await bench.stop();
  expect(unfired).toEqual([]);
});

/** The current document holds the live token, nothing was spent twice and nothing is left open. */
async function expectWell(connection = 'acme') {
  const { oracle } = bench.sandbox;
  expect(bench.document(connection).refresh_token).toBe(oracle.liveToken(connection));
  expect(oracle.doubleSpends()).toEqual([]);
  expect(oracle.secondTries()).toEqual([]);
  expect(await bench.spoolFiles()).toEqual([]);
}

function expectUnspent() {
  expect(bench.sandbox.oracle.presentations()).toEqual([]);
}

const always = { times: 1_000, secret: 'acme' };
const accessDenied = { error: 'AccessDeniedException' };

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
    expectUnspent();
    expect(bench.double.secrets.current('acme')).toEqual(before);
    expect(await bench.spoolFiles()).toEqual([]);
    const entry = await bench.entry('acme');
    expect(entry).toMatchObject({ state: 'retrying', reason, failures: 1 });
    expect(entry?.nextAt).toBeGreaterThan(bench.clock.now());
    expect(entry?.nextAt).toBeLessThan(bench.clock.now() + hour);

    fault.remove();
    bench.clock.turn(2 * hour);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
    await expectWell();
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
    await expectWell();
  });
});

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
      expect(await bench.entry('acme')).toMatchObject({ state: 'sealed', reason, nextAt: null });
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
    await expectWell();
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
    await expectWell();
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
    await expectWell();
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
    await expectWell();
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
    expectUnspent();
    expect(await bench.entry('acme')).toMatchObject({ state: 'invalid', reason: 'no_current_version' });
    expect(bench.double.secrets.versions('acme').map((version) => version.versionId)).toEqual([versionId]);
    bench.double.faults.clear();
    bench.clock.turn(2 * hour);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
    await expectWell();
  });

  test('deleted it leaves the index, and restored it is refreshed', async () => {
    bench.double.secrets.delete('acme', { recoveryWindowDays: 7 });
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'gone' });
    expectUnspent();
    expect(await bench.entry('acme')).toBeUndefined();
    bench.double.secrets.restore('acme');
    await bench.inventory();
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
    await expectWell();
  });

  test('gone for good it leaves the index', async () => {
    bench.double.secrets.delete('acme', { force: true });
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'gone' });
    expect(await bench.entry('acme')).toBeUndefined();
    expectUnspent();
  });

  test('deleted between answer and put the sealed token waits, for as long as it takes, for its restoration', async () => {
    bench.at('answered', () => bench.double.secrets.delete('acme', { recoveryWindowDays: 30 }));
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'sealed' });
    bench.clock.turn(20 * day);
    await bench.recover();
    expect(await bench.spoolFiles()).toHaveLength(1);
    bench.double.secrets.restore('acme');
    expect(await bench.recover()).toMatchObject([{ outcome: 'rotated' }]);
    await expectWell();
  });
});
