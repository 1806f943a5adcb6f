/** Refresh queues: order, deduplication, and what is left in Redis of a job. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { refreshJob } from '../../jobs/refresh.ts';
import { createRefreshQueues, type RefreshQueuesHandle } from '../../src/queue/refresh-queues.ts';
import {
  createRefreshWorkers,
  type RefreshWorkers,
  type RefreshWorkersOptions,
} from '../../src/queue/refresh-workers.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { type Closers, createClosers } from '../../src/runtime/closers.ts';
import { hasCode } from '../../src/runtime/errors.ts';
import type { LogFields, Logger } from '../../src/runtime/logger.ts';
import type { RefreshJob } from '../../src/schedule/ports.ts';
import { startTestRedis, type TestRedis } from '../support/redis.ts';

let server: TestRedis;
let queues: RefreshQueuesHandle;
let closers: Closers;
let logged: { event: string; fields: LogFields | undefined }[];
const clock = systemClock();

const record = (event: string, fields?: LogFields) => {
  logged.push({ event, fields });
};
const logger: Logger = { debug: record, info: record, warn: record, error: record };

beforeAll(async () => {
  server = await startTestRedis();
});
beforeEach(async () => {
  logged = [];
  closers = createClosers();
  await server.flush();
  const { redis } = await server.connect('queues');
  queues = createRefreshQueues({ job: refreshJob, redis, clock, logger });
  closers.push('queues', () => queues.close());
});
afterEach(() => closers.closeAll());
afterAll(() => server.stop());

async function work(
  run: RefreshWorkersOptions['run'],
  more: Partial<RefreshWorkersOptions> = {},
): Promise<RefreshWorkers> {
  const { redis } = await server.connect('workers');
  const providers = ['docusign'];
  const workers = createRefreshWorkers({
    job: refreshJob,
    redis,
    providers,
    concurrency: 5,
    lockDurationMs: 30_000,
    clock,
    logger,
    run,
    ...more,
  });
  closers.push('workers', () => workers.close());
  workers.start();
  return workers;
}

const due = (connection: string): RefreshJob => ({ connection, reason: 'due' });
const base = '{pilotlight}:refresh-docusign:';

function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}

test('jobs are done in the order they were added, with nothing but connection and reason in them', async () => {
  await queues.add('docusign', [due('c/1'), { connection: 'c/2', reason: 'canary' }, due('c/3')]);
  expect(await queues.backlog('docusign')).toBe(3);
  expect(await queues.backlog('adobe')).toBe(0);
  expect(JSON.parse((await server.redis.hget(`${base}1`, 'data')) ?? '')).toEqual({ connection: 'c/1', reason: 'due' });
  const done: RefreshJob[] = [];
  await work(async (job) => void done.push(job), { concurrency: 1 });
  await expect.poll(() => done).toEqual([due('c/1'), { connection: 'c/2', reason: 'canary' }, due('c/3')]);
  await expect.poll(() => queues.backlog('docusign')).toBe(0);
});

test('a connection has one job at a time, and can have another when that is done', async () => {
  await queues.add('docusign', [due('c1'), due('c1')]);
  await queues.add('docusign', [{ connection: 'c1', reason: 'manual' }]);
  expect(await queues.backlog('docusign')).toBe(1);
  const hold = gate();
  let runs = 0;
  await work(async () => {
    runs += 1;
    await hold.opened;
  });
  await expect.poll(() => runs).toBe(1);
  await queues.add('docusign', [due('c1')]);
  expect(await queues.backlog('docusign')).toBe(1);
  hold.open();
  await expect.poll(() => queues.backlog('docusign')).toBe(0);
  await queues.add('docusign', [due('c1')]);
  await expect.poll(() => runs).toBe(2);
});

test('more jobs than fit one round trip are all added', async () => {
  await queues.add(
    'docusign',
    Array.from({ length: 1_100 }, (_, i) => due(`c/${i}`)),
  );
  expect(await queues.backlog('docusign')).toBe(1_100);
});

test('after a flush everything can be added again, also while a worker is busy with what was lost', async () => {
  const hold = gate();
  const started: string[] = [];
  await work(async ({ connection }) => {
    started.push(connection);
    if (started.length === 1) await hold.opened;
  });
  await queues.add('docusign', [due('c1')]);
  await expect.poll(() => started).toEqual(['c1']);
  await server.flush();
  await queues.add('docusign', [due('c1'), due('c2')]);
  await expect.poll(() => [...started].sort()).toEqual(['c1', 'c1', 'c2']);
  hold.open();
  // The end of the lost job cannot be written; that is said and harms nobody.
  await expect.poll(() => logged.some(({ fields }) => fields?.why === 'job_lost')).toBe(true);
  await queues.add('docusign', [due('c1')]);
  await expect.poll(() => started.length).toBe(4);
});

test('a dedup key whose job is gone, or is over, does not keep the connection out', async () => {
  await queues.add('docusign', [due('c1'), due('c2'), due('c3')]);
  await server.redis.del(`${base}1`);
  await server.redis.lrem(`${base}wait`, 0, '1');
  await server.redis.hset(`${base}2`, 'finishedOn', 1);
  await server.redis.lrem(`${base}wait`, 0, '2');
  await queues.add('docusign', [due('c1'), due('c2'), due('c3')]);
  expect(await queues.backlog('docusign')).toBe(3);
  const done: string[] = [];
  await work(async ({ connection }) => void done.push(connection));
  await expect.poll(() => [...done].sort()).toEqual(['c1', 'c2', 'c3']);
});

test('the figures of a queue are those of now', async () => {
  await queues.add('docusign', [due('c1'), due('c2')]);
  const [docusign, adobe] = await queues.stats(['docusign', 'adobe']);
  expect(docusign).toMatchObject({ provider: 'docusign', waiting: 2, active: 0, delayed: 0, failed: 0 });
  expect(docusign?.oldestWaitingAt).toBeLessThanOrEqual(clock.now());
  expect(docusign?.oldestWaitingAt).toBeGreaterThan(clock.now() - 60_000);
  expect(adobe).toEqual({ provider: 'adobe', waiting: 0, active: 0, delayed: 0, failed: 0, oldestWaitingAt: null });
});

test('without Redis adding fails at once', async () => {
  const lost = await startTestRedis();
  const { redis } = await lost.connect('queues');
  const some = createRefreshQueues({ job: refreshJob, redis, clock, logger });
  await some.add('docusign', [due('c1')]);
  await lost.stop();
  const failure = await some.add('docusign', [due('c2')]).catch((error: unknown) => error);
  expect(hasCode(failure, 'redis_unavailable')).toBe(true);
  expect(hasCode(await some.backlog('docusign').catch((error: unknown) => error), 'redis_unavailable')).toBe(true);
  await some.close();
});
