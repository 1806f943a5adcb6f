/** Connections to a Cluster and through Sentinels: what is refused, what is said of it, and what an outage looks like. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createConnectionIndex } from '../../src/queue/index.ts';
import { createLamps } from '../../src/queue/lamps.ts';
import { checkSuitable, connectRedis, type RedisConnectOptions, type RedisRole } from '../../src/queue/redis.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { hasCode } from '../../src/runtime/errors.ts';
import { type LogFields, type Logger, silentLogger } from '../../src/runtime/logger.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { startTestCluster, type TestCluster } from '../support/redis-cluster.ts';
import { nodePassword, until } from '../support/redis-process.ts';
import { sentinelName, startTestSentinels, type TestSentinels } from '../support/redis-sentinel.ts';

const clock = systemClock();
const secrets = { password: new Secret(nodePassword), sentinelPassword: new Secret(nodePassword) };
const wrong = new Secret('PLTOKEN-canary-of-a-password');
const roles: readonly RedisRole[] = ['commands', 'queues', 'workers'];
const soon = { timeout: 30_000 };

let cluster: TestCluster;
let sentinels: TestSentinels;
beforeAll(async () => {
  [cluster, sentinels] = await Promise.all([startTestCluster(), startTestSentinels()]);
});
afterAll(async () => {
  await Promise.all([cluster.stop(), sentinels.stop()]);
});

function recorder(): { readonly logger: Logger; readonly lines: string[] } {
  const lines: string[] = [];
  const write = (event: string, fields?: LogFields) => void lines.push(`${event} ${JSON.stringify(fields)}`);
  return { logger: { debug: write, info: write, warn: write, error: write }, lines };
}

type More = { readonly role?: RedisRole; readonly logger?: Logger; readonly secrets?: RedisConnectOptions['secrets'] };
const common = ({ role = 'commands', logger = silentLogger, secrets: own = () => secrets }: More) => ({
  role,
  logger,
  clock,
  secrets: own,
});
const toCluster = (more: More = {}) => connectRedis({ cluster: { nodes: cluster.nodes }, ...common(more) });
const toSentinels = (more: More = {}, name = sentinelName) =>
  connectRedis({ sentinel: { name, nodes: sentinels.nodes }, ...common(more) });
const places = [
  ['a Cluster', toCluster],
  ['Sentinels', toSentinels],
] as const;

describe.each(places)('through %s', (_name, connect) => {
  test('each role reaches Redis, answers, and closes', async () => {
    for (const role of roles) {
      const { logger, lines } = recorder();
      const connection = connect({ role, logger });
      await connection.untilReached(20_000);
      expect(await connection.ping()).toBe(true);
      await connection.close();
      await connection.close();
      expect(await connection.ping()).toBe(false);
      expect(lines).toEqual([`redis.reached {"purpose":"${role}"}`]);
    }
  });

  test('a wrong password is named as such, and never quoted', async () => {
    const { logger, lines } = recorder();
    const bad = connect({ logger, secrets: () => ({ ...secrets, password: wrong }) });
    const failure = (await bad.untilReached(1_500).catch((error: unknown) => error)) as Error;
    const read = await createLamps({ redis: bad.redis })
      .read()
      .catch((error: unknown) => error);
    await bad.close();
    expect(hasCode(failure, 'redis_unavailable')).toBe(true);
    expect(hasCode(read, 'redis_unavailable')).toBe(true);
    expect(failure.message).toMatch(/\(WRONGPASS\); check redis\.(cluster|sentinel), network and password/);
    expect(lines.filter((line) => line.startsWith('redis.lost'))).toHaveLength(1);
    expect(`${lines.join()}${failure.stack}${String(read)}`).not.toContain(wrong.reveal());
  });

  test('a script that the server never saw is taught to it', async () => {
    const connection = connect();
    await connection.untilReached(20_000);
    const index = createConnectionIndex({ redis: connection.redis });
    expect(await index.get('nobody')).toBeUndefined();
    const holder = connection.redis.isCluster ? await cluster.owner() : await sentinels.primary();
    await holder.admin.script('FLUSH');
    expect(await Promise.all([index.get('nobody'), index.get('no one')])).toEqual([undefined, undefined]);
    await connection.close();
  });
});

test('Sentinels: a wrong password and a name they do not know are told apart', async () => {
  const login = recorder();
  const bad = toSentinels({ logger: login.logger, secrets: () => ({ ...secrets, sentinelPassword: wrong }) });
  await expect(bad.untilReached(1_500)).rejects.toThrow(/\(sentinel:WRONGPASS\); check redis\.sentinel/);
  await bad.close();
  expect(login.lines.join()).not.toContain(wrong.reveal());
  const stranger = toSentinels({}, 'another');
  await expect(stranger.untilReached(1_500)).rejects.toThrow(/\(sentinel_knows_no_such_name\); check redis\.sentinel/);
  await stranger.close();
});

test('a Cluster of which one node may drop our data is refused, naming the node and the fix', async () => {
  const { logger, lines } = recorder();
  const connection = toCluster({ logger });
  await connection.untilReached(20_000);
  await checkSuitable(connection.redis, logger);
  for (const { admin, address } of cluster.processes) {
    await admin.config('SET', 'maxmemory-policy', 'allkeys-lru');
    const failure = (await checkSuitable(connection.redis, logger).catch((error: unknown) => error)) as Error;
    await admin.config('SET', 'maxmemory-policy', 'noeviction');
    expect(hasCode(failure, 'redis_unsuitable')).toBe(true);
    expect(failure.message).toContain(`Redis at ${address} may drop our data`);
    expect(failure.message).toContain('maxmemory-policy is allkeys-lru. Set it to noeviction on every node');
  }
  await checkSuitable(connection.redis, logger);
  await connection.close();
  expect(lines.filter((line) => line.includes('unsuitable'))).toEqual([]);
});

test('a primary that may drop our data is refused, naming it as the Sentinels do', async () => {
  const connection = toSentinels();
  await connection.untilReached(20_000);
  const { admin, address } = await sentinels.primary();
  await admin.config('SET', 'maxmemory-policy', 'volatile-ttl');
  const failure = (await checkSuitable(connection.redis, silentLogger).catch((error: unknown) => error)) as Error;
  await admin.config('SET', 'maxmemory-policy', 'noeviction');
  expect(failure.message).toContain(`Redis at ${address} may drop our data`);
  await connection.close();
});

test('a replica with another policy takes over: told once, and not ready until it is mended', async () => {
  const { logger, lines } = recorder();
  const connection = toSentinels({ logger });
  await connection.untilReached(20_000);
  const before = await sentinels.primary();
  const replica = sentinels.servers.find((one) => one !== before);
  await replica?.admin.config('SET', 'maxmemory-policy', 'allkeys-random');
  await before.kill();
  const after = await sentinels.failedOver(before);
  expect(after).toBe(replica);
  const said = () => lines.filter((line) => line.startsWith('redis.unsuitable'));
  await expect.poll(said, soon).toEqual([expect.stringContaining(`Redis at ${after.address} may drop our data`)]);
  expect(await connection.ping()).toBe(false);
  await after.admin.config('SET', 'maxmemory-policy', 'noeviction');
  // It is looked at anew with each connection.
  await after.admin.call('CLIENT', 'KILL', 'TYPE', 'NORMAL', 'SKIPME', 'YES');
  await expect.poll(() => connection.ping(), soon).toBe(true);
  expect(said()).toHaveLength(1);
  await connection.close();
  await before.start();
});

test('the node with our slot dies: calls fail within seconds as Redis being away, and the others do not cover it up', async () => {
  const dying = await startTestCluster();
  const { logger, lines } = recorder();
  const connection = connectRedis({ cluster: { nodes: dying.nodes }, ...common({ logger }) });
  try {
    await connection.untilReached(20_000);
    const index = createConnectionIndex({ redis: connection.redis });
    expect(await index.count()).toBe(0);
    const owner = await dying.owner();
    await owner.kill();
    const from = clock.monotonic();
    const failures = await Promise.all(
      [index.count(), index.get('a'), createLamps({ redis: connection.redis }).note('x', 1)].map((call) =>
        (call as Promise<unknown>).catch((error: unknown) => error),
      ),
    );
    expect(clock.monotonic() - from).toBeLessThan(15_000);
    for (const failure of failures) expect(hasCode(failure, 'redis_unavailable')).toBe(true);
    expect(await connection.ping()).toBe(false);
    // The others say so themselves after a while, in other words.
    await until('the others have given it up', async () => {
      const other = dying.processes.find((one) => one !== owner);
      return /\bfail\b/.test(String(await other?.admin.call('CLUSTER', 'NODES')));
    });
    expect(hasCode(await index.get('a').catch((error: unknown) => error), 'redis_unavailable')).toBe(true);
    expect(await connection.ping()).toBe(false);
    await owner.start();
    await expect.poll(() => connection.ping(), soon).toBe(true);
    expect(await index.count()).toBe(0);
    expect(lines.filter((line) => line.startsWith('redis.node_lost') && line.includes(owner.address))).toHaveLength(1);
  } finally {
    await connection.close();
    await dying.stop();
  }
});

test('the node with our slot hangs: a call is given up within the command time-out', async () => {
  const connection = toCluster();
  await connection.untilReached(20_000);
  const index = createConnectionIndex({ redis: connection.redis });
  expect(await index.count()).toBe(0);
  const owner = await cluster.owner();
  owner.pause();
  const from = clock.monotonic();
  const failure = await index.count().catch((error: unknown) => error);
  expect(clock.monotonic() - from).toBeLessThan(15_000);
  expect(await connection.ping()).toBe(false);
  owner.resume();
  expect(hasCode(failure, 'redis_unavailable')).toBe(true);
  await expect.poll(() => connection.ping(), soon).toBe(true);
  await connection.close();
});
