/** The Secrets Manager double's quotas and injected faults, asked by the untouched SDK; every fault is shown to fire. */
import {
  BatchGetSecretValueCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  ListSecretsCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateSecretCommand,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Clock, systemClock } from '../../src/runtime/clock.ts';
import { seededRandom } from '../../src/runtime/random.ts';
import { createSecretsManagerDouble, type SecretsManagerDouble } from '../../src/sandbox/secrets-manager/double.ts';
import { awsQuotas } from '../../src/sandbox/secrets-manager/quotas.ts';
import { testCredentials } from '../support/store-fixture.ts';

let calendarMs = 0;
let monotonicMs = 0;
const base = systemClock();
const clock: Clock = { ...base, now: () => base.now() + calendarMs, monotonic: () => monotonicMs };
let double: SecretsManagerDouble;
let sdk: SecretsManagerClient;
let url: string;

beforeEach(async () => {
  calendarMs = 0;
  monotonicMs = 500;
  double = createSecretsManagerDouble({
    clock,
    random: seededRandom(1),
    secrets: [
      { name: 'a', value: 'first' },
      { name: 'b', value: 'other' },
    ],
  });
  ({ url } = await double.start());
  sdk = new SecretsManagerClient({ endpoint: url, region: 'x', credentials: testCredentials, maxAttempts: 1 });
});
afterEach(async () => {
  sdk.destroy();
  await double.stop();
});

const outcome = (call: Promise<unknown>) =>
  call.then(
    () => 'ok',
    (error: Error) => error.name,
  );
const get = (SecretId = 'a') => sdk.send(new GetSecretValueCommand({ SecretId }));
const put = (SecretString: string) => sdk.send(new PutSecretValueCommand({ SecretId: 'a', SecretString }));

describe('quotas', () => {
  test('are off unless set', async () => {
    expect(await Promise.all(Array.from({ length: 120 }, () => outcome(get())))).toEqual(Array(120).fill('ok'));
  });

  test('count all writes of versions and labels together, tags apart, by the second', async () => {
    double.setQuotas({ write: 3, tag: 2 });
    const id = double.secrets.current('a')?.versionId;
    const writes = [
      await outcome(put('1')),
      await outcome(sdk.send(new UpdateSecretCommand({ SecretId: 'a', Description: 'x' }))),
      await outcome(
        sdk.send(new UpdateSecretVersionStageCommand({ SecretId: 'a', VersionStage: 'L', MoveToVersionId: id })),
      ),
      await outcome(put('2')),
    ];
    expect(writes).toEqual(['ok', 'ok', 'ok', 'ThrottlingException']);
    const tag = { SecretId: 'a', Tags: [{ Key: 'k', Value: 'v' }] };
    expect(await outcome(sdk.send(new TagResourceCommand(tag)))).toBe('ok');
    expect(await outcome(sdk.send(new UntagResourceCommand({ SecretId: 'a', TagKeys: ['k'] })))).toBe('ok');
    expect(await outcome(sdk.send(new TagResourceCommand(tag)))).toBe('ThrottlingException');
    expect(await outcome(get())).toBe('ok');
    expect(double.requests('PutSecretValue')).toEqual({ received: 2, succeeded: 1, throttled: 1, failed: 0 });
    monotonicMs += 500;
    expect(await outcome(put('3'))).toBe('ok');
  });

  test('do not care about a turned calendar', async () => {
    double.setQuotas({ batch: 1 });
    const batch = () => outcome(sdk.send(new BatchGetSecretValueCommand({ SecretIdList: ['a'] })));
    expect(await batch()).toBe('ok');
    calendarMs += 86_400_000;
    expect(await batch()).toBe('ThrottlingException');
  });

  test('know what AWS allows', async () => {
    double.setQuotas(awsQuotas);
    const lists = Array.from({ length: 110 }, () => outcome(sdk.send(new ListSecretsCommand({}))));
    expect((await Promise.all(lists)).filter((result) => result === 'ThrottlingException')).toHaveLength(10);
    expect(awsQuotas).toMatchObject({ write: 50, tag: 50, batch: 100, list: 100 });
  });
});

describe('faults', () => {
  test.each([
    'AccessDeniedException',
    'DecryptionFailure',
    'EncryptionFailure',
    'InternalServiceError',
    'ThrottlingException',
  ])('answer with %s instead of doing it', async (error) => {
    const fault = double.faults.add({ op: 'PutSecretValue', what: { error } });
    expect(await outcome(put('never'))).toBe(error);
    expect(fault.fired()).toBe(1);
    expect(double.secrets.current('a')?.value).toBe('first');
    expect(await outcome(put('next'))).toBe('ok');
  });

  test('do it and answer with an error all the same', async () => {
    const fault = double.faults.add({ op: 'PutSecretValue', applied: true, what: { error: 'InternalServiceError' } });
    expect(await outcome(put('applied'))).toBe('InternalServiceError');
    expect(fault.fired()).toBe(1);
    expect(double.secrets.current('a')?.value).toBe('applied');
  });

  test.each([
    [false, 'first'],
    [true, 'sent'],
  ])('reset the connection, having done it: %s', async (applied, left) => {
    const fault = double.faults.add({ op: 'PutSecretValue', applied, what: 'drop' });
    expect(await outcome(put('sent'))).not.toBe('ok');
    expect(fault.fired()).toBe(1);
    expect(double.secrets.current('a')?.value).toBe(left);
  });

  test('hang until released', async () => {
    const fault = double.faults.add({ op: 'GetSecretValue', what: 'hang' });
    let ended = false;
    const hanging = outcome(get()).finally(() => {
      ended = true;
    });
    await fault.firedOnce;
    expect(await outcome(get('b'))).toBe('ok');
    expect(ended).toBe(false);
    fault.remove();
    expect(await hanging).not.toBe('ok');
  });

  test('hanging ones end when the double stops', async () => {
    const fault = double.faults.add({ op: 'GetSecretValue', what: 'hang' });
    const hanging = outcome(get());
    await fault.firedOnce;
    await double.stop();
    expect(await hanging).not.toBe('ok');
  });

  test("cut an answer short, delay one, and put a stranger's in its place", async () => {
    double.faults.add({ op: 'GetSecretValue', what: 'truncate' });
    expect(await outcome(get())).not.toBe('ok');
    const delayed = double.faults.add({ op: 'GetSecretValue', what: { delayMs: 5 } });
    expect((await get()).SecretString).toBe('first');
    expect(delayed.fired()).toBe(1);
    double.faults.add({ op: 'GetSecretValue', what: { raw: { status: 503, body: '<html>Bad gateway</html>' } } });
    expect(await outcome(get())).not.toBe('ok');
    expect(double.faults.unfired()).toEqual([]);
  });

  test('answer a read from before the last change', async () => {
    double.secrets.put('a', 'second');
    const fault = double.faults.add({ op: ['GetSecretValue', 'DescribeSecret'], times: 2, what: 'stale' });
    expect((await get()).SecretString).toBe('first');
    const stale = await sdk.send(new DescribeSecretCommand({ SecretId: 'a' }));
    expect(Object.keys(stale.VersionIdsToStages ?? {})).toHaveLength(1);
    expect(fault.fired()).toBe(2);
    expect((await get()).SecretString).toBe('second');
  });

  test('let an application write just before or just after', async () => {
    const call = () => void double.secrets.put('a', 'by the application');
    double.faults.add({ op: 'GetSecretValue', what: { call } });
    expect((await get()).SecretString).toBe('by the application');
    double.secrets.put('a', 'again');
    double.faults.add({ op: 'GetSecretValue', applied: true, what: { call } });
    expect((await get()).SecretString).toBe('again');
    expect(double.secrets.current('a')?.value).toBe('by the application');
    expect(double.writes().map((write) => [write.op, write.origin])).toEqual(
      Array(3).fill(['PutSecretValue', 'direct']),
    );
  });

  test('fire for one secret, after some calls, so many times, and then no more', async () => {
    const fault = double.faults.add({
      op: '*',
      secret: 'a',
      skip: 1,
      times: 2,
      what: { error: 'InternalServiceError' },
    });
    const seen = [];
    for (let i = 0; i < 5; i++) seen.push(await outcome(get()), await outcome(get('b')));
    const bad = 'InternalServiceError';
    expect(seen).toEqual(['ok', 'ok', bad, 'ok', bad, 'ok', 'ok', 'ok', 'ok', 'ok']);
    expect(fault.fired()).toBe(2);
  });

  test('go to Errors[] when they are for one secret of a batch', async () => {
    const fault = double.faults.add({ op: 'BatchGetSecretValue', secret: 'a', what: { error: 'DecryptionFailure' } });
    const answer = await sdk.send(new BatchGetSecretValueCommand({ SecretIdList: ['a', 'b'] }));
    expect(answer.Errors).toMatchObject([{ SecretId: 'a', ErrorCode: 'DecryptionFailure' }]);
    expect(answer.SecretValues).toMatchObject([{ Name: 'b' }]);
    expect(fault.fired()).toBe(1);
  });

  test('are told apart when they never fire', async () => {
    const never = double.faults.add({ op: 'DeleteSecret', what: 'drop' });
    await get();
    expect(double.faults.unfired()).toEqual([never]);
  });
});

describe('the wire', () => {
  test('tells the date of the calendar it was given', async () => {
    calendarMs = 40 * 86_400_000;
    const answer = await fetch(url, { method: 'POST', headers: { 'x-amz-target': 'secretsmanager.ListSecrets' } });
    expect(Math.abs(Date.parse(answer.headers.get('date') ?? '') - clock.now())).toBeLessThan(60_000);
  });

  test('refuses what is not signed, not known, not JSON, or far too large', async () => {
    const ask = async (target: string, body: string, authorization = 'AWS4-HMAC-SHA256 Credential=x') => {
      const headers = { 'x-amz-target': `secretsmanager.${target}`, authorization };
      const answer = await fetch(url, { method: 'POST', headers, body });
      return ((await answer.json()) as { __type: string }).__type;
    };
    expect(await ask('ListSecrets', '{}', 'Basic x')).toBe('MissingAuthenticationTokenException');
    expect(await ask('GetRandomPassword', '{}')).toBe('UnknownOperationException');
    expect(await ask('ListSecrets', '[1]')).toBe('SerializationException');
    expect(await ask('ListSecrets', '{"MaxResults":"x"}')).toBe('SerializationException');
    expect(await ask('ListSecrets', 'x'.repeat(2_000_000))).toBe('RequestEntityTooLargeException');
  });

  test('starts again on its port with its secrets after a stop', async () => {
    await double.stop();
    expect(await outcome(get())).not.toBe('ok');
    await double.start(Number(new URL(url).port));
    expect((await get()).SecretString).toBe('first');
  });
});
