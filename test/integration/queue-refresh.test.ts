/** Refresh queues: order, deduplication, and what is left in Redis of a job. */
import { expect, test } from 'vitest';
import { refreshJob } from '../../jobs/refresh.ts';
import { createRefreshQueues } from '../../src/queue/refresh-queues.ts';
import { hasCode } from '../../src/runtime/errors.ts';
import type { RefreshJob } from '../../src/schedule/ports.ts';
import { docusignQueue, dueJob, gate, queueBench } from '../support/queue-bench.ts';
import { startTestRedis } from '../support/redis.ts';

const bench = queueBench();
const { clock, logger } = bench;

test('jobs are done in the order they were added, with nothing but connection and reason in them', async () => {
  await bench.queues.add('docusign', [dueJob('c/1'), { connection: 'c/2', reason: 'canary' }, dueJob('c/3')]);
  expect(await bench.queues.backlog('docusign')).toBe(3);
  expect(await bench.queues.backlog('adobe')).toBe(0);
  expect(JSON.parse((await bench.server.redis.hget(`${docusignQueue}1`, 'data')) ?? '')).toEqual({
    connection: 'c/1',
    reason: 'due',
  });
  const done: RefreshJob[] = [];
  await bench.work(async (job) => void done.push(job), { concurrency: 1 });
  await expect.poll(() => done).toEqual([dueJob('c/1'), { connection: 'c/2', reason: 'canary' }, dueJob('c/3')]);
  await expect.poll(() => bench.queues.backlog('docusign')).toBe(0);
});

test('a connection has one job at a time, and can have another when that is done', async () => {
  await bench.queues.add('docusign', [dueJob('c1'), dueJob('c1')]);
  await bench.queues.add('docusign', [{ connection: 'c1', reason: 'manual' }]);
  expect(await bench.queues.backlog('docusign')).toBe(1);
  const hold = gate();
  let runs = 0;
  await bench.work(async () => {
    runs += 1;
    await hold.opened;
  });
  await expect.poll(() => runs).toBe(1);
  await bench.queues.add('docusign', [dueJob('c1')]);
  expect(await bench.queues.backlog('docusign')).toBe(1);
  hold.open();
  await expect.poll(() => bench.queues.backlog('docusign')).toBe(0);
  await bench.queues.add('docusign', [dueJob('c1')]);
  await expect.poll(() => runs).toBe(2);
});

test('more jobs than fit one round trip are all added', async () => {
  await bench.queues.add(
    'docusign',
    Array.from({ length: 1_100 }, (_, i) => dueJob(`c/${i}`)),
  );
  expect(await bench.queues.backlog('docusign')).toBe(1_100);
});

test('after a flush everything can be added again, also while a worker is busy with what was lost', async () => {
  const hold = gate();
  const started: string[] = [];
  await bench.work(async ({ connection }) => {
    started.push(connection);
    if (started.length === 1) await hold.opened;
  });
  await bench.queues.add('docusign', [dueJob('c1')]);
  await expect.poll(() => started).toEqual(['c1']);
  await bench.server.flush();
  await bench.queues.add('docusign', [dueJob('c1'), dueJob('c2')]);
  await expect.poll(() => [...started].sort()).toEqual(['c1', 'c1', 'c2']);
  hold.open();
  // The end of the lost job cannot be written; that is said and harms nobody.
  await expect.poll(() => bench.logged.some(({ fields }) => fields?.why === 'job_lost')).toBe(true);
  await bench.queues.add('docusign', [dueJob('c1')]);
  await expect.poll(() => started.length).toBe(4);
});

test('a dedup key whose job is gone, or is over, does not keep the connection out', async () => {
  await bench.queues.add('docusign', [dueJob('c1'), dueJob('c2'), dueJob('c3')]);
  await bench.server.redis.del(`${docusignQueue}1`);
  await bench.server.redis.lrem(`${docusignQueue}wait`, 0, '1');
  await bench.server.redis.hset(`${docusignQueue}2`, 'finishedOn', 1);
  await bench.server.redis.lrem(`${docusignQueue}wait`, 0, '2');
  await bench.queues.add('docusign', [dueJob('c1'), dueJob('c2'), dueJob('c3')]);
  expect(await bench.queues.backlog('docusign')).toBe(3);
  const done: string[] = [];
  await bench.work(async ({ connection }) => void done.push(connection));
  await expect.poll(() => [...done].sort()).toEqual(['c1', 'c2', 'c3']);
});

test('the figures of a queue are those of now', async () => {
  await bench.queues.add('docusign', [dueJob('c1'), dueJob('c2')]);
  const [docusign, adobe] = await bench.queues.stats(['docusign', 'adobe']);
  expect(docusign).toMatchObject({ provider: 'docusign', waiting: 2, active: 0, delayed: 0, failed: 0 });
  expect(docusign?.oldestWaitingAt).toBeLessThanOrEqual(clock.now());
  expect(docusign?.oldestWaitingAt).toBeGreaterThan(clock.now() - 60_000);
  expect(adobe).toEqual({ provider: 'adobe', waiting: 0, active: 0, delayed: 0, failed: 0, oldestWaitingAt: null });
});

test('without Redis adding fails at once', async () => {
  const lost = await startTestRedis();
  const { redis } = await lost.connect('queues');
  const some = createRefreshQueues({ job: refreshJob, redis, clock, logger });
  await some.add('docusign', [dueJob('c1')]);
  await lost.stop();
  const failure = await some.add('docusign', [dueJob('c2')]).catch((error: unknown) => error);
  expect(hasCode(failure, 'redis_unavailable')).toBe(true);
  expect(hasCode(await some.backlog('docusign').catch((error: unknown) => error), 'redis_unavailable')).toBe(true);
  await some.close();
});
