/**
 * The AWS adapter on a bad day: what is repeated and what never is, limits in time, and many secrets at once. Spoken to the
 * double through the real SDK; every fault is shown to fire.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { stage } from '../../src/rotation/ports.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { createAwsSecretStore } from '../../src/secrets/aws.ts';
import { awsBench, canary, failureOf } from '../support/aws-bench.ts';
import {
  codeOf,
  content,
  findManaged,
  printed,
  startAwsOnDouble,
  testCredentials,
  text,
} from '../support/store-fixture.ts';

const bench = awsBench();
const { random, closing, fail, put, read } = bench;
const { current, pending } = stage;

describe('repeating', () => {
  test('a throttled read is tried again, a few times', async () => {
    const fault = fail({ op: 'GetSecretValue', times: 3, what: { error: 'ThrottlingException' } });
    expect(content((await read()).value)).toBe(canary);
    expect(fault.fired()).toBe(3);
    const stuck = fail({ op: 'DescribeSecret', times: 99, what: { error: 'ThrottlingException' } });
    expect(await codeOf(bench.aws.store.describe('a'))).toBe('store_throttled');
    expect(stuck.fired()).toBe(4);
  });

  test('a write is sent exactly once, whatever happens', async () => {
    for (const what of [{ error: 'ThrottlingException' }, { error: 'InternalServiceError' }, 'drop'] as const) {
      bench.aws.double.resetRequests();
      const fault = fail({ op: 'PutSecretValue', what });
      expect(await codeOf(put())).toMatch(/store_(?:throttled|unavailable)/);
      expect(fault.fired()).toBe(1);
      expect(bench.aws.double.requests('PutSecretValue').received).toBe(1);
    }
  });

  test('a read that failed otherwise is left to the caller', async () => {
    const fault = fail({ op: 'GetSecretValue', times: 9, what: { error: 'InternalServiceError' } });
    expect(await codeOf(read())).toBe('store_unavailable');
    expect(fault.fired()).toBe(1);
  });

  test.each([
    'drop',
    { error: 'InternalServiceError' },
    'truncate',
  ] as const)('a put that took effect before its answer was lost (%o) is done again without change', async (what) => {
    const versionId = random.uuid();
    const fault = fail({ op: 'PutSecretValue', applied: true, what });
    expect(await codeOf(put(versionId))).toBe('store_unavailable');
    expect(fault.fired()).toBe(1);
    await put(versionId);
    expect(bench.aws.double.secrets.versions('a').filter((version) => version.stages.includes(pending))).toHaveLength(
      1,
    );
    expect(bench.aws.double.writes().map((write) => write.versionId)).toEqual([versionId]);
  });
});

describe('limits', () => {
  async function impatient(endpoint: string) {
    const limits = { connectMs: 5_000, requestMs: 50 };
    const clock = systemClock();
    const store = createAwsSecretStore({
      clock,
      random,
      endpoint,
      region: 'x',
      credentials: testCredentials,
      limits,
      find: findManaged,
    });
    closing.push(store.close);
    return store;
  }

  test('a call that hangs ends by its limit', async () => {
    const store = await impatient(bench.aws.url);
    const fault = fail({ op: 'GetSecretValue', what: 'hang' });
    const failure = await failureOf(store.read('a', { stage: current }));
    expect(failure).toMatchObject({ code: 'store_unavailable', message: expect.stringMatching(/TimeoutError/) });
    expect(fault.fired()).toBe(1);
  });

  test('an answer whose body never ends is ended too', async () => {
    const server = createServer((_, response) => {
      response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1', 'content-length': 100 });
      response.write('{"SecretString":"canary-');
    });
    closing.push(
      () => server.closeAllConnections(),
      () => server.close(),
    );
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const store = await impatient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const failure = await failureOf(store.read('a', { stage: current }));
    expect(failure).toMatchObject({ code: 'store_unavailable' });
    expect(printed(failure)).not.toMatch(/canary/);
  });

  test('nobody listening is store_unavailable at once', async () => {
    await bench.aws.double.stop();
    expect(await codeOf(read())).toBe('store_unavailable');
    expect(await bench.aws.store.readMany(['a', 'b'])).toMatchObject([
      { code: 'store_unavailable' },
      { code: 'store_unavailable' },
    ]);
  });

  test('more calls than the SDK would run at once do not queue behind one another', async () => {
    const fault = fail({ op: 'GetSecretValue', times: 120, what: 'hang' });
    const hanging = Array.from({ length: 120 }, () => codeOf(read()));
    await expect.poll(() => fault.fired()).toBe(120);
    expect(await codeOf(read())).toBeUndefined();
    fault.remove();
    expect(new Set(await Promise.all(hanging))).toEqual(new Set(['store_unavailable']));
  });
});

describe('many at once', () => {
  const names = Array.from({ length: 45 }, (_, i) => `many/${i}`);
  beforeEach(() => bench.aws.double.secrets.seed(names.map((name) => ({ name, value: `v of ${name}` }))));
  const shown = async (asked: readonly string[]) =>
    (await bench.aws.store.readMany(asked)).map((item) =>
      'value' in item ? content(item.value) : (item as { code?: string }).code,
    );

  test('are read twenty a call', async () => {
    expect(await shown(names)).toEqual(names.map((name) => `v of ${name}`));
    expect(bench.aws.double.requests('BatchGetSecretValue').received).toBe(3);
    expect(bench.aws.double.requests('GetSecretValue').received).toBe(0);
  });

  test('a single one is read by itself, which needs no right to batches', async () => {
    fail({ op: 'BatchGetSecretValue', times: 9, what: { error: 'AccessDeniedException' } });
    expect(await shown(names.slice(0, 21))).toEqual([...Array(20).fill('store_denied'), 'v of many/20']);
  });

  test('one that cannot be opened fails no other', async () => {
    const fault = fail({ op: 'BatchGetSecretValue', secret: 'many/7', what: { error: 'DecryptionFailure' } });
    const result = await shown(names);
    expect(result[7]).toBe('store_denied');
    expect(result.filter((item) => item === 'store_denied')).toHaveLength(1);
    expect(fault.fired()).toBe(1);
  });

  test('those a short answer leaves out are read one by one', async () => {
    const body = JSON.stringify({ SecretValues: [], Errors: [] });
    const fault = fail({
      op: 'BatchGetSecretValue',
      what: { raw: { status: 200, body, contentType: 'application/x-amz-json-1.1' } },
    });
    expect(await shown(['many/0', 'many/1'])).toEqual(['v of many/0', 'v of many/1']);
    expect(fault.fired()).toBe(1);
    expect(bench.aws.double.requests('GetSecretValue').received).toBe(2);
  });
});

test("tells the date of AWS's clock with every answer", async () => {
  const seen: number[] = [];
  const observed = await startAwsOnDouble({ store: { onServerDate: ({ serverAt }) => void seen.push(serverAt) } });
  closing.push(observed.stop);
  await codeOf(observed.store.describe('nowhere'));
  expect(seen).toHaveLength(1);
  expect(Math.abs((seen[0] ?? 0) - systemClock().now())).toBeLessThan(60_000);
});

describe('without options', () => {
  const names = [
    'AWS_ENDPOINT_URL_SECRETS_MANAGER',
    'AWS_REGION',
    'AWS_ACCESS_KEY_ID',
    'AWS_SECRET_ACCESS_KEY',
  ] as const;
  const before = names.map((name) => process.env[name]);
  afterEach(() => {
    for (const [i, name] of names.entries()) {
      if (before[i] === undefined) delete process.env[name];
      else process.env[name] = before[i];
    }
  });

  test('takes endpoint, Region and credentials from where the SDK does', async () => {
    for (const [i, value] of [bench.aws.url, 'eu-central-1', 'AKIATEST', 'test'].entries())
      process.env[names[i] ?? ''] = value;
    const limits = { connectMs: 5_000, requestMs: 20_000 };
    const store = createAwsSecretStore({ clock: systemClock(), random, limits, find: findManaged });
    closing.push(store.close);
    expect(content((await store.read('a', { stage: current })).value)).toBe(canary);
    await store.put('a', { versionId: random.uuid(), value: text('next'), stages: [pending] });
    expect(bench.aws.double.requestsInAll()).toMatchObject({ received: 2, succeeded: 2 });
  });
});

test('finds by name prefix, page after page', async () => {
  const found = await startAwsOnDouble({ store: { find: { namePrefix: 'team/' } } });
  closing.push(found.stop);
  const names = Array.from({ length: 230 }, (_, i) => `team/${i}`);
  found.double.secrets.seed([...names, 'teamwork', 'other/team/'].map((name) => ({ name, value: 'x' })));
  const seen: string[] = [];
  for await (const page of found.store.list()) seen.push(...page.map((secret) => secret.name));
  expect(seen).toEqual(names);
  expect(found.double.requests('ListSecrets').received).toBe(3);
});
