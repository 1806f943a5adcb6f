/** The Secrets Manager double, asked by the untouched SDK: lists that page, filter and lag, and batches of values. */
import {
  BatchGetSecretValueCommand,
  type Filter,
  ListSecretsCommand,
  type ListSecretsCommandInput,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { afterEach, expect, test } from 'vitest';
import { type Clock, systemClock } from '../../src/runtime/clock.ts';
import { seededRandom } from '../../src/runtime/random.ts';
import {
  createSecretsManagerDouble,
  type SecretsManagerDoubleOptions,
} from '../../src/sandbox/secrets-manager/double.ts';
import { testCredentials } from '../support/store-fixture.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

function turnable(): Clock & { turn(ms: number): void } {
  let now = 1_800_000_000_000;
  return {
    ...systemClock(),
    now: () => now,
    turn(ms) {
      now += ms;
    },
  };
}

async function started(options: Partial<SecretsManagerDoubleOptions> = {}) {
  const clock = turnable();
  const double = createSecretsManagerDouble({ clock, random: seededRandom(7), ...options });
  const { url } = await double.start();
  const sdk = new SecretsManagerClient({ endpoint: url, region: 'x', credentials: testCredentials, maxAttempts: 1 });
  closing.push(
    () => sdk.destroy(),
    () => double.stop(),
  );
  const list = (input: ListSecretsCommandInput = {}) => sdk.send(new ListSecretsCommand(input));
  const names = async (input: ListSecretsCommandInput = {}) =>
    (await list(input)).SecretList?.map((secret) => secret.Name);
  return { clock, double, sdk, list, names };
}

const seeds = (count: number, tags = {}) =>
  Array.from({ length: count }, (_, i) => ({ name: `s/${i}`, value: `v${i}`, tags }));

test('pages through every secret once, oldest first, by an opaque token', async () => {
  const { list } = await started({ secrets: seeds(250) });
  const seen: (string | undefined)[] = [];
  const sizes: number[] = [];
  let NextToken: string | undefined;
  do {
    const page = await list({ MaxResults: 100, NextToken });
    sizes.push(page.SecretList?.length ?? 0);
    seen.push(...(page.SecretList ?? []).map((secret) => secret.Name));
    NextToken = page.NextToken;
  } while (NextToken !== undefined);
  expect(sizes).toEqual([100, 100, 50]);
  expect(seen).toEqual(seeds(250).map((seed) => seed.name));
});

test('refuses page sizes and tokens that AWS refuses', async () => {
  const { list } = await started({ secrets: seeds(3) });
  await expect(list({ MaxResults: 101 })).rejects.toMatchObject({ name: 'ValidationException' });
  await expect(list({ MaxResults: 0 })).rejects.toMatchObject({ name: 'ValidationException' });
  await expect(list({ NextToken: 'made up' })).rejects.toMatchObject({ name: 'InvalidNextTokenException' });
  const forged = Buffer.from('v1:2:0').toString('base64url');
  await expect(list({ NextToken: forged })).rejects.toMatchObject({ name: 'InvalidNextTokenException' });
});

test('a page cut short does not lose what is deleted or added between pages', async () => {
  const { list, double, names } = await started({ secrets: seeds(6) });
  const first = await list({ MaxResults: 3 });
  double.secrets.delete('s/1', { force: true });
  double.secrets.create('s/new', 'x');
  const NextToken = first.NextToken;
  expect(await names({ NextToken })).toEqual(['s/3', 's/4', 's/5', 's/new']);
});

test('filters by prefix of name, tag key and tag value, all of them together, and turns round with an exclamation mark', async () => {
  const secrets = [
    { name: 'team-a/one', tags: { managed: 'true', owner: 'zoe' } },
    { name: 'team-a/two', tags: { managed: 'false', other: 'true' } },
    { name: 'team-b/three', tags: { managed: 'true' } },
    { name: 'team-b/four', tags: {} },
  ];
  const { names } = await started({ secrets });
  const filtered = (...Filters: Filter[]) => names({ Filters });
  expect(await filtered({ Key: 'name', Values: ['team-a'] })).toEqual(['team-a/one', 'team-a/two']);
  expect(await filtered({ Key: 'name', Values: ['Team-a'] })).toEqual([]);
  expect(await filtered({ Key: 'name', Values: ['!team-a'] })).toEqual(['team-b/three', 'team-b/four']);
  expect(await filtered({ Key: 'tag-key', Values: ['own', 'oth'] })).toEqual(['team-a/one', 'team-a/two']);
  const managed = { Key: 'tag-key', Values: ['managed'] } as const;
  // Key and value are independent: the second secret passes although its managed tag says false.
  const crossed = await filtered({ ...managed, Values: ['managed'] }, { Key: 'tag-value', Values: ['true'] });
  expect(crossed).toEqual(['team-a/one', 'team-a/two', 'team-b/three']);
  expect(await filtered({ Key: 'tag-key', Values: ['!managed'] })).toEqual(['team-b/four']);
  await expect(names({ Filters: [{ Key: 'nonsense' as 'name', Values: ['x'] }] })).rejects.toThrow(/enum/);
});

test('lags behind every kind of change by the time set', async () => {
  const { clock, double, list } = await started({ secrets: seeds(2, { a: '1' }), listLagMs: 60_000 });
  const shown = async () =>
    (await list()).SecretList?.map((secret) => [
      secret.Name,
      secret.Tags?.map((tag) => tag.Value).join(),
      Object.keys(secret.SecretVersionsToStages ?? {}).length,
    ]);
  const before = await shown();
  expect(before).toEqual([
    ['s/0', '1', 1],
    ['s/1', '1', 1],
  ]);
  double.secrets.tag('s/0', { a: '2' });
  double.secrets.put('s/0', 'next');
  double.secrets.delete('s/1', { force: true });
  double.secrets.create('s/new', 'x');
  expect(await shown()).toEqual(before);
  clock.turn(59_999);
  expect(await shown()).toEqual(before);
  clock.turn(1);
  expect(await shown()).toEqual([
    ['s/0', '2', 2],
    ['s/new', '', 1],
  ]);
});

test('shows secrets scheduled for deletion only when asked', async () => {
  const { double, names, list } = await started({ secrets: seeds(2) });
  double.secrets.delete('s/0');
  expect(await names()).toEqual(['s/1']);
  const all = await list({ IncludePlannedDeletion: true });
  expect(all.SecretList?.[0]).toMatchObject({ Name: 's/0', DeletedDate: expect.any(Date) });
});

test('reads up to twenty values in one call and reports each failure apart', async () => {
  const { double, sdk } = await started({ secrets: seeds(25) });
  double.secrets.delete('s/1');
  const batch = (input: object) => sdk.send(new BatchGetSecretValueCommand(input));
  const answer = await batch({ SecretIdList: ['s/0', 's/1', 'nowhere', 's/2'] });
  expect(answer.SecretValues?.map((value) => value.SecretString)).toEqual(['v0', 'v2']);
  const errors = answer.Errors?.map((error) => [error.SecretId, error.ErrorCode]);
  expect(errors).toEqual([
    ['s/1', 'InvalidRequestException'],
    ['nowhere', 'ResourceNotFoundException'],
  ]);
  const many = seeds(21).map((seed) => seed.name);
  await expect(batch({ SecretIdList: many })).rejects.toMatchObject({ name: 'ValidationException' });
  await expect(batch({})).rejects.toMatchObject({ name: 'InvalidParameterException' });
  await expect(batch({ SecretIdList: ['s/0'], MaxResults: 5 })).rejects.toMatchObject({
    name: 'InvalidParameterException',
  });
  const filtered = await batch({ Filters: [{ Key: 'name', Values: ['s/'] }], MaxResults: 20 });
  expect(filtered.SecretValues?.length).toBe(20);
  expect(filtered.NextToken).toBeDefined();
  expect(filtered.Errors).toEqual([]);
});

test('holds a hundred thousand secrets and gives any page of them without walking the rest', async () => {
  const value = () => JSON.stringify({ refresh_token: 'made when asked for' });
  const { list, sdk, double } = await started({
    secrets: (function* () {
      for (let i = 0; i < 100_000; i++) yield { name: `bulk/${i}`, value };
    })(),
  });
  expect(double.secrets.count()).toBe(100_000);
  let NextToken: string | undefined;
  for (let page = 0; page < 20; page++) NextToken = (await list({ MaxResults: 100, NextToken })).NextToken;
  expect((await list({ MaxResults: 1, NextToken })).SecretList?.[0]?.Name).toBe('bulk/2000');
  const answer = await sdk.send(new BatchGetSecretValueCommand({ SecretIdList: ['bulk/99999'] }));
  expect(answer.SecretValues?.[0]?.SecretString).toBe(value());
});
