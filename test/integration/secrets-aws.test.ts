/**
 * The AWS adapter when AWS refuses: which code each refusal becomes, what is said about it, and what is never said. Spoken
 * to the double through the real SDK; every fault is shown to fire.
 */
import { describe, expect, test } from 'vitest';
import { stage } from '../../src/rotation/ports.ts';
import { awsBench, canary, failureOf } from '../support/aws-bench.ts';
import { codeOf, content, printed, text } from '../support/store-fixture.ts';

const bench = awsBench();
const { random, fail, put, read } = bench;
const { current, pending } = stage;

describe('what AWS refuses', () => {
  test.each([
    ['AccessDeniedException', 'store_denied', /secretsmanager:PutSecretValue/],
    ['EncryptionFailure', 'store_denied', /KMS key.*kms:GenerateDataKey/],
    ['ThrottlingException', 'store_throttled', /too many requests/],
    ['TooManyRequestsException', 'store_throttled', /too many requests/],
    ['InternalServiceError', 'store_unavailable', /may have taken effect/],
    ['LimitExceededException', 'store_limit', /versions/],
    ['UnrecognizedClientException', 'store_denied', /credentials/],
    ['ExpiredTokenException', 'store_denied', /credentials/],
    ['SomethingNewException', 'store_invalid', /SomethingNewException/],
  ])('as %s becomes %s, with what to do about it', async (error, code, advice) => {
    const fault = fail({ op: 'PutSecretValue', what: { error } });
    const failure = await failureOf(put());
    expect(failure).toMatchObject({ code });
    expect(failure.message).toMatch(advice);
    expect(failure.message).toContain('PutSecretValue of a failed');
    expect(fault.fired()).toBe(1);
  });

  test('on reading points at the KMS key where it is the key that is closed', async () => {
    const denied = fail({
      op: 'GetSecretValue',
      what: { error: 'AccessDeniedException', message: 'Access to KMS is not allowed' },
    });
    expect(await failureOf(read())).toMatchObject({
      code: 'store_denied',
      message: expect.stringMatching(/kms:Decrypt/),
    });
    const disabled = fail({ op: 'GetSecretValue', what: { error: 'DecryptionFailure' } });
    expect(await failureOf(read())).toMatchObject({ code: 'store_denied', message: expect.stringMatching(/enabled/) });
    expect([denied.fired(), disabled.fired()]).toEqual([1, 1]);
  });

  test('on putting only still lets reads through', async () => {
    fail({ op: 'PutSecretValue', what: { error: 'AccessDeniedException' } });
    expect(content((await read()).value)).toBe(canary);
    expect(await codeOf(put())).toBe('store_denied');
  });

  test('on a secret that waits for its deletion becomes store_deleted, and describe tells since when', async () => {
    bench.aws.double.secrets.delete('a');
    expect((await bench.aws.store.describe('a')).deletedAt).toBeGreaterThan(0);
    const calls = [
      () => read(),
      () => put(),
      () => bench.aws.store.moveStage('a', { stage: pending, to: random.uuid() }),
      () => bench.aws.store.tag('a', { a: 'b' }),
    ];
    for (const call of calls) expect(await codeOf(call())).toBe('store_deleted');
    expect(await codeOf(bench.aws.store.create('a', text('x'), {}))).toBe('store_deleted');
    expect(await bench.aws.store.readMany(['a', 'b'])).toMatchObject([
      { code: 'store_deleted' },
      { stages: [current] },
    ]);
    const seen = [];
    for await (const page of bench.aws.store.list()) seen.push(...page.map((secret) => secret.name));
    expect(seen).toEqual(['b']);
  });

  test('on a replica says where to go, and describe names the primary', async () => {
    bench.aws.double.secrets.seed([{ name: 'replica', value: 'x', primaryRegion: 'us-east-1' }]);
    expect((await bench.aws.store.describe('replica')).primaryRegion).toBe('us-east-1');
    const failure = await failureOf(bench.aws.store.tag('replica', { a: 'b' }));
    expect(failure).toMatchObject({ code: 'store_invalid', message: expect.stringMatching(/primary/) });
  });

  test('does not take a primary that has replicas for one of them', async () => {
    bench.aws.double.secrets.seed([{ name: 'primary', value: 'x', primaryRegion: 'eu-central-1' }]);
    expect((await bench.aws.store.describe('primary')).primaryRegion).toBeUndefined();
  });
});

describe('contents', () => {
  test('a secret without a version, or with a foreign AWSPENDING only, exists but has no AWSCURRENT', async () => {
    bench.aws.double.secrets.seed([{ name: 'empty' }]);
    const failure = await failureOf(bench.aws.store.read('empty', { stage: current }));
    expect(failure).toMatchObject({ code: 'store_not_found', message: expect.stringMatching(/exists, but has no/) });
    expect((await bench.aws.store.describe('empty')).stages).toEqual({});
    const gone = await failureOf(bench.aws.store.read('nowhere', { stage: current }));
    expect(gone.message).toMatch(/no such secret/);
  });

  test("the version of somebody else's rotation is seen in the labels", async () => {
    const id = bench.aws.double.secrets.put('a', 'theirs', { stages: [stage.awsPending] });
    expect((await bench.aws.store.describe('a')).stages[id]).toEqual([stage.awsPending]);
  });

  test('an application that writes between our put and our swap wins the swap', async () => {
    const first = (await read()).versionId;
    const ours = random.uuid();
    await put(ours);
    const between = fail({
      op: 'UpdateSecretVersionStage',
      what: { call: () => void bench.aws.double.secrets.put('a', 'theirs') },
    });
    expect(await codeOf(bench.aws.store.moveStage('a', { stage: current, to: ours, from: first }))).toBe(
      'store_stage_moved',
    );
    expect(between.fired()).toBe(1);
    expect(bench.aws.double.secrets.current('a')?.value).toBe('theirs');
    expect(bench.aws.double.secrets.read('a', { stage: pending })?.versionId).toBe(ours);
  });
});

describe('what is never said', () => {
  test.each([
    'truncate',
    { raw: { status: 200, body: `${canary} trailing`, contentType: 'application/x-amz-json-1.1' } },
  ] as const)('the content of an answer that cannot be read (%o)', async (what) => {
    const fault = fail({ op: 'GetSecretValue', what });
    const failure = await failureOf(read());
    expect(failure).toMatchObject({ code: 'store_unavailable' });
    expect(printed(failure)).not.toMatch(/canary|refresh_token/);
    expect(fault.fired()).toBe(1);
  });

  test("a proxy's page is not quoted", async () => {
    fail({ op: 'GetSecretValue', what: { raw: { status: 502, body: '<html>canary</html>' } } });
    const failure = await failureOf(read());
    expect(failure).toMatchObject({ code: 'store_unavailable', message: expect.stringMatching(/HTTP 502/) });
    expect(printed(failure)).not.toMatch(/canary/);
  });
});
