/** Connections to Redis: what is refused, what is waited for, what is said. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { refreshJob } from '../../jobs/refresh.ts';
import { createClients } from '../../src/queue/clients.ts';
import { createDueIndex } from '../../src/queue/due-index.ts';
import { createConnectionIndex } from '../../src/queue/index.ts';
import { createLamps } from '../../src/queue/lamps.ts';
import { createLeases } from '../../src/queue/leases.ts';
import { createPermits } from '../../src/queue/permits.ts';
import { checkSuitable, connectRedis, type RedisRole } from '../../src/queue/redis.ts';
import { createRefreshQueues } from '../../src/queue/refresh-queues.ts';
import { createRefreshWorkers } from '../../src/queue/refresh-workers.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { hasCode } from '../../src/runtime/errors.ts';
import { type LogFields, type Logger, silentLogger } from '../../src/runtime/logger.ts';
import { systemRandom } from '../../src/runtime/random.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { startTestRedis, type TestRedis } from '../support/redis.ts';

let server: TestRedis;
const clock = systemClock();
const roles: readonly RedisRole[] = ['commands', 'queues', 'workers'];

beforeAll(async () => {
  server = await startTestRedis();
});
afterAll(() => server.stop());

function recorder(): { readonly logger: Logger; readonly lines: string[] } {
  const lines: string[] = [];
  const write = (event: string, fields?: LogFields) => {
    lines.push(`${event} ${JSON.stringify(fields)}`);
  };
  return { logger: { debug: write, info: write, warn: write, error: write }, lines };
}

test('each role reaches Redis, answers, and closes', async () => {
  for (const role of roles) {
    const { logger, lines } = recorder();
    const connection = connectRedis({ url: server.url, role, logger, clock });
    await connection.untilReached(10_000);
    expect(connection.reachedOnce()).toBe(true);
    expect(await connection.ping()).toBe(true);
    await connection.close();
    await connection.close();
    expect(await connection.ping()).toBe(false);
    expect(lines).toEqual([`redis.reached {"purpose":"${role}"}`]);
  }
});

test('a server that evicts is no Redis for us until its policy is mended, on the connection there is', async () => {
  const { logger, lines } = recorder();
  await server.redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
  const connection = connectRedis({ url: server.url, role: 'commands', logger, clock });
  try {
    await connection.untilReached(10_000);
    await expect.poll(() => connection.ping()).toBe(false);
    await server.redis.config('SET', 'maxmemory-policy', 'noeviction');
    expect(await connection.ping()).toBe(true);
    const told = lines.map((line) => line.split(' ')[0]);
    expect(told).toEqual(['redis.reached', 'redis.unsuitable', 'redis.suitable']);
  } finally {
    await server.redis.config('SET', 'maxmemory-policy', 'noeviction');
    await connection.close();
  }
});

test('what was made from a connection ends with it, and does not come back', async () => {
  const { logger, lines } = recorder();
  const connection = connectRedis({ url: server.url, role: 'workers', logger, clock });
  await connection.untilReached(10_000);
  const made = connection.redis.duplicate();
  expect(await made.ping()).toBe('PONG');
  await connection.close();
  await expect.poll(() => made.status).toBe('end');
  // As BullMQ does when a wait of its own ends late.
  await expect(made.connect()).rejects.toThrow('Connection is closed.');
  expect(made.status).toBe('end');
  expect(lines).toEqual(['redis.reached {"purpose":"workers"}']);
});

test('a password apart from the URL is used, and neither is ever in a log or an error', async () => {
  const [, password = '', port = ''] = /:([^:@]+)@127\.0\.0\.1:(\d+)/.exec(server.url) ?? [];
  const good = connectRedis({
    url: `redis://127.0.0.1:${port}`,
    role: 'commands',
    logger: silentLogger,
    clock,
    password: new Secret(password),
  });
  await good.untilReached(10_000);
  await good.close();

  const { logger, lines } = recorder();
  const bad = connectRedis({ url: `redis://:canary-password@127.0.0.1:${port}`, role: 'commands', logger, clock });
  await expect.poll(() => lines).toEqual(['redis.lost {"purpose":"commands","why":"WRONGPASS"}']);
  const failure = (await bad.untilReached(10).catch((error: unknown) => error)) as Error;
  await bad.close();
  expect(hasCode(failure, 'redis_unavailable')).toBe(true);
  expect(failure.message).toContain('WRONGPASS');
  expect(`${failure.message}${failure.stack}${String(failure.cause)}`).not.toContain('canary-password');
});

test('a URL that is none of Redis is refused without being quoted', () => {
  for (const url of ['', 'localhost:6379', 'http://:canary@x', ':::canary']) {
    const attempt = () => connectRedis({ url, role: 'commands', logger: silentLogger, clock });
    expect(attempt).toThrow(/redis:\/\/host:6379/);
    expect(attempt).not.toThrow(/canary/);
  }
});

test('nobody there: commands fail at once instead of queueing up, and the loss is logged once', async () => {
  const lost = await startTestRedis();
  const { logger, lines } = recorder();
  const { redis, ping, reachedOnce } = await lost.connect('commands', { logger });
  const index = createConnectionIndex({ redis });
  expect(await index.count()).toBe(0);
  await lost.stop();
  const failures = await Promise.all(
    [index.count(), index.get('a'), createLamps({ redis }).note('x', 1)].map((call) =>
      (call as Promise<unknown>).catch((error: unknown) => error),
    ),
  );
  for (const failure of failures) expect(hasCode(failure, 'redis_unavailable')).toBe(true);
  expect(await ping()).toBe(false);
  expect(reachedOnce()).toBe(true);
  expect(lines.filter((line) => line.startsWith('redis.lost')).length).toBeLessThanOrEqual(1);
});

test('a Redis that hangs is given up within the command time-out', async () => {
  const connection = connectRedis({
    url: server.url,
    role: 'commands',
    logger: silentLogger,
    clock,
    commandTimeoutMs: 100,
  });
  await connection.untilReached(10_000);
  const index = createConnectionIndex({ redis: connection.redis });
  process.kill(server.pid, 'SIGSTOP');
  const failure = await index.count().catch((error: unknown) => error);
  process.kill(server.pid, 'SIGCONT');
  expect(hasCode(failure, 'redis_unavailable')).toBe(true);
  await expect.poll(() => connection.ping()).toBe(true);
  await connection.close();
});

test('a server that may drop our data is refused with the setting and the fix', async () => {
  await checkSuitable(server.redis, silentLogger);
  await server.redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
  const failure = (await checkSuitable(server.redis, silentLogger).catch((error: unknown) => error)) as Error;
  await server.redis.config('SET', 'maxmemory-policy', 'noeviction');
  expect(hasCode(failure, 'redis_unsuitable')).toBe(true);
  expect(failure.message).toContain('maxmemory-policy is allkeys-lru');
  expect(failure.message).toContain('noeviction');
});

test('a server that refuses CONFIG is fine, and one that refuses INFO too gives a warning', async () => {
  await server.redis.call('ACL', 'SETUSER', 'careful', 'on', '>pw', '~*', '+@all', '-config');
  await server.redis.call('ACL', 'SETUSER', 'silent', 'on', '>pw', '~*', '+@all', '-config', '-info');
  for (const [username, warnings] of [
    ['careful', 0],
    ['silent', 1],
  ] as const) {
    const { logger, lines } = recorder();
    const url = server.url.replace(/\/\/:[^@]+@/, '//');
    const some = connectRedis({ url, role: 'commands', logger, clock, username, password: new Secret('pw') });
    await some.untilReached(10_000);
    await checkSuitable(some.redis, logger);
    await some.close();
    expect(lines.filter((line) => line.startsWith('redis.policy_unknown'))).toHaveLength(warnings);
  }
});

test('everything we keep in Redis stays in one Cluster slot', async () => {
  const cluster = await startTestRedis({ cluster: true });
  try {
    const { redis } = await cluster.connect();
    const at = { provider: 'docusign', environment: 'production', client: 'main', host: 'd.example' };
    const index = createConnectionIndex({ redis });
    const due = createDueIndex({ redis });
    const rest = {
      since: 1,
      seen: 's',
      nextAt: 1,
      deadlineAt: 2,
      clock: 'idle',
      estimated: false,
      extendedAt: null,
      failures: 0,
    } as const;
    await index.put([
      { id: 'c1', at, state: 'active', reason: 'none', fingerprint: '0123456789ab', ...rest },
      { id: 'c2', at, state: 'active', reason: 'none', fingerprint: '', ...rest },
    ]);
    expect(await due.promote(5, 10)).toBe(2);
    expect(await due.take(at, 1, 9)).toEqual(['c1']);
    expect(await due.ready()).toEqual([{ at, ready: 1 }]);
    expect(await due.backlog(9)).toEqual({ due: 1, ready: 1 });
    expect(await due.upcoming(at, 5)).toEqual(['c1']);
    expect(await index.holderOf('0123456789ab', 'x')).toBe('c1');
    const scanned: string[] = [];
    for await (const page of index.scan()) scanned.push(...page.map(({ id }) => id));
    expect(scanned.sort()).toEqual(['c1', 'c2']);
    await index.remove(['c2']);

    const random = systemRandom();
    const leases = createLeases({ redis, clock, random, logger: silentLogger, leaseMs: 1 });
    await leases.acquire('c1', { ms: 1_000, passCoolDown: false });
    await expect
      .poll(async () => 'lease' in (await leases.acquire('c3', { ms: 1_000, passCoolDown: false })))
      .toBe(true);
    const signal = new AbortController().signal;
    const permits = createPermits({ redis, clock });
    await Promise.all([permits.request('docusign', 5, signal), permits.writes(2, 'recovery', signal)]);
    const clients = createClients({ redis, clock });
    await clients.suspected(at, 'c1', 1, { threshold: 1, probeEveryMs: 5 });
    await clients.takeProbe(at, 100, 5);
    await clients.hold(at, 'provider', 5);
    await clients.succeeded(at, 101, 'previous');
    expect(await clients.list()).toHaveLength(1);
    const lamps = createLamps({ redis });
    await lamps.note('sweep', 1_000);
    expect(await lamps.read()).toEqual(new Map([['sweep', 1_000]]));

    const queues = createRefreshQueues({
      job: refreshJob,
      redis: (await cluster.connect('queues')).redis,
      clock,
      logger: silentLogger,
    });
    const done: string[] = [];
    const workers = createRefreshWorkers({
      job: refreshJob,
      redis: (await cluster.connect('workers')).redis,
      providers: ['docusign'],
      concurrency: 1,
      lockDurationMs: 30_000,
      clock,
      logger: silentLogger,
      run: async ({ connection }) => void done.push(connection),
    });
    workers.start();
    await queues.add('docusign', [{ connection: 'c1', reason: 'due' }]);
    await expect.poll(() => done).toEqual(['c1']);
    await workers.drain(10_000);
    await queues.close();

    const slots = await Promise.all(
      (await redis.keys('*')).map((key) => cluster.redis.call('CLUSTER', 'KEYSLOT', key)),
    );
    expect(new Set(slots).size).toBe(1);
  } finally {
    await cluster.stop();
  }
});
