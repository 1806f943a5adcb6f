/**
 * `pilotlight doctor` against real neighbours: what it asks of each, what it says where one is away, and that it changes,
 * spends and sends nothing. It is what `helm test` runs, perhaps before the service has run once.
 */
import { readdir } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Config } from '../../config/derive.ts';
import type { Diagnosis } from '../../src/cli/context.ts';
import { openForCommand } from '../../src/opened.ts';
import { type OutageRig, startOutageRig } from '../support/outage-rig.ts';
import { minute } from '../support/rig.ts';

let bench: OutageRig;
beforeEach(async () => {
  bench = await startOutageRig();
  await bench.open('redis', 'store', 'provider');
});
afterEach(() => bench.stop());

async function doctor(change: (config: Config) => Config = (config) => config): Promise<Map<string, Diagnosis>> {
  const { rig } = bench;
  const deps = { ...rig.deps, redisUrl: bench.redisUrl };
  const loaded = { ok: true, config: change(rig.config) } as Parameters<typeof openForCommand>[0];
  const opened = await openForCommand(loaded, deps, { metrics: rig.metrics }, 'diagnosis');
  try {
    const checks: Diagnosis[] = [];
    for await (const check of opened.diagnose()) checks.push(check);
    return new Map(checks.map((check) => [check.name, check]));
  } finally {
    await opened.close();
  }
}

const failedOf = (checks: ReadonlyMap<string, Diagnosis>) =>
  [...checks.values()].filter(({ state }) => state === 'fail').map(({ name }) => name);

test('before the first start: all is well, what is not there yet is only warned of, and nothing is changed', async () => {
  const { rig } = bench;
  rig.connect({ provider: 'docusign', connection: 'acme', scope: 'signature extended' });
  rig.connect({ provider: 'docusign', connection: 'other', scope: 'signature extended' });
  const before = await readdir(rig.directory, { recursive: true });
  const keys = await rig.redis.redis.keys('*');
  const checks = await doctor();
  expect(failedOf(checks)).toEqual([]);
  expect(Object.fromEntries([...checks].map(([name, { state }]) => [name, state]))).toMatchObject({
    configuration: 'ok',
    keys: 'ok',
    spool: 'ok',
    redis: 'ok',
    'store: list': 'ok',
    'store: describe': 'ok',
    'store: read': 'ok',
    'store: read several': 'ok',
    'store: list versions': 'ok',
    clock: 'ok',
    'client rig': 'ok',
    alerts: 'warn',
    scheduler: 'warn',
  });
  expect([...checks.keys()].filter((name) => name.startsWith('token host 127.0.0.1:'))).toHaveLength(1);
  expect(checks.get('redis')?.detail).toMatch(/^answers in [\d.]+ ms, evicts nothing, persistence /);
  for (const { state, fix } of checks.values()) expect(fix === undefined).toBe(state === 'ok');
  expect(rig.sandbox.oracle.presentations()).toEqual([]);
  expect(rig.double.writes().filter(({ origin }) => origin === 'wire')).toEqual([]);
  for (const operation of ['ListSecrets', 'DescribeSecret', 'BatchGetSecretValue', 'ListSecretVersionIds'] as const)
    expect(rig.double.requests(operation).succeeded, operation).toBeGreaterThan(0);
  expect(await rig.redis.redis.keys('*')).toEqual(keys);
  // The fingerprint key is made by whatever opens the store first.
  const made = (await readdir(rig.directory, { recursive: true })).filter((name) => !before.includes(name));
  expect(made).toEqual(['fingerprint.key']);
});

describe('where something is away', () => {
  test('Redis alone fails: the store is looked at all the same', async () => {
    bench.rig.connect({ provider: 'docusign', connection: 'acme', scope: 'signature extended' });
    await bench.shut('redis');
    const checks = await doctor();
    expect(failedOf(checks)).toEqual(['redis', 'scheduler']);
    expect(checks.get('redis')).toMatchObject({ detail: 'redis_unavailable', fix: expect.stringMatching(/Redis/) });
    expect(checks.get('store: read')?.state).toBe('ok');
  });

  test('the store alone fails: Redis is looked at all the same', async () => {
    await bench.shut('store');
    const checks = await doctor();
    expect(failedOf(checks)).toEqual(expect.arrayContaining(['store: list']));
    expect(checks.get('redis')?.state).toBe('ok');
    expect(checks.get('store: read')).toMatchObject({ state: 'warn', detail: expect.stringMatching(/^not tried/) });
  });

  test('a provider is warned of, and fails nothing', async () => {
    await bench.shut('provider');
    const checks = await doctor();
    const host = [...checks.values()].find(({ name }) => name.startsWith('token host'));
    expect(host).toMatchObject({
      state: 'warn',
      detail: 'connection_refused',
      fix: expect.stringMatching(/network policy/),
    });
    expect(failedOf(checks)).toEqual([]);
  });
});

test.each([
  ['DescribeSecret', 'store: describe'],
  ['GetSecretValue', 'store: read'],
  ['BatchGetSecretValue', 'store: read several'],
  ['ListSecretVersionIds', 'store: list versions'],
  ['ListSecrets', 'store: list'],
] as const)('a policy without %s is told by its own check, with the right to add', async (operation, name) => {
  const { rig } = bench;
  rig.connect({ provider: 'docusign', connection: 'acme', scope: 'signature extended' });
  rig.connect({ provider: 'docusign', connection: 'other', scope: 'signature extended' });
  const refused = rig.double.faults.add({
    op: operation,
    times: 1_000,
    what: { error: 'AccessDeniedException', status: 400 },
  });
  const checks = await doctor((config) => ({ ...config, clients: {} }));
  expect(refused.fired()).toBeGreaterThan(0);
  expect(failedOf(checks)).toEqual([name]);
  expect(checks.get(name)?.fix).toContain(`secretsmanager:${operation}`);
});

test.each([
  [2, 'warn', /^1(19|20|21) s behind/],
  [-2, 'warn', /^1(19|20|21) s ahead of/],
  [10, 'fail', /^(599|600|601) s behind/],
])('a clock %d min off is told with its fix', async (minutes, state, detail) => {
  const { rig } = bench;
  // The double answers by the rig's calendar; doctor looks at one that is off.
  const { clock } = rig.deps;
  const off = { ...clock, now: () => clock.now() - minutes * minute };
  const deps = { ...rig.deps, clock: off, redisUrl: bench.redisUrl };
  const loaded = { ok: true, config: rig.config } as Parameters<typeof openForCommand>[0];
  const opened = await openForCommand(loaded, deps, { metrics: rig.metrics }, 'diagnosis');
  const found: Diagnosis[] = [];
  for await (const check of opened.diagnose()) if (check.name === 'clock') found.push(check);
  await opened.close();
  // A log that follows the service says it too, once.
  expect(rig.log.filter(({ event }) => event === 'store.clock_apart')).toHaveLength(1);
  expect(found).toMatchObject([{ state, detail: expect.stringMatching(detail), fix: expect.stringMatching(/NTP/) }]);
});

test('a spool that cannot be written and a channel without its secret fail, each with its fix', async () => {
  const checks = await doctor((config) => ({
    ...config,
    // Root writes where nobody may: a folder that is none fails for it too.
    spool: { ...config.spool, directory: '/proc/self/attr' },
    alerts: {
      ...config.alerts,
      channels: {
        pager: { kind: 'pagerduty', routingKeyEnv: 'NO_SUCH_VARIABLE' },
      } as unknown as Config['alerts']['channels'],
    },
  }));
  expect(failedOf(checks)).toEqual(['spool', 'alert channel pager']);
  expect(checks.get('spool')?.fix).toMatch(/owner, mode, free space/);
  expect(checks.get('alert channel pager')?.fix).toMatch(/NO_SUCH_VARIABLE/);
});

test('a service that runs is seen, and one that has stopped is', async () => {
  const { rig } = bench;
  const app = await rig.start();
  await expect.poll(async () => (await doctor()).get('scheduler')?.state, { timeout: 20_000 }).toBe('ok');
  await app.stop();
  rig.clock.turn(10 * minute);
  expect((await doctor()).get('scheduler')).toMatchObject({ state: 'fail', detail: 'last sweep 600 s ago' });
});
