/** Refresh workers: taking, draining, losing locks, failing without a word too many. */
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { refreshJob } from '../../jobs/refresh.ts';
import { createRefreshQueues } from '../../src/queue/refresh-queues.ts';
import { PilotlightError } from '../../src/runtime/errors.ts';
import type { RefreshJob } from '../../src/schedule/ports.ts';
import { docusignQueue, dueJob, gate, queueBench } from '../support/queue-bench.ts';
import { startTestRedis } from '../support/redis.ts';

const bench = queueBench();
const { clock, logger } = bench;
const events = () => bench.logged.map(({ event }) => event);

test('the job of a worker that died is done by another, and stays the only one meanwhile', async () => {
  const dead = await bench.work(() => new Promise(() => undefined), { lockDurationMs: 300 });
  await bench.queues.add('docusign', [dueJob('c1')]);
  await expect.poll(() => dead.running()).toBe(1);
  // Closing by force leaves the job active with a lock that nobody renews, as a kill does.
  await dead.close();
  await bench.queues.add('docusign', [dueJob('c1')]);
  expect(await bench.queues.backlog('docusign')).toBe(1);
  const done: string[] = [];
  const stalled: string[] = [];
  await bench.work(async ({ connection }) => void done.push(connection), {
    lockDurationMs: 300,
    onStalled: (provider) => void stalled.push(provider),
  });
  await expect.poll(() => done, { timeout: 20_000 }).toEqual(['c1']);
  await bench.queues.add('docusign', [dueJob('c1')]);
  await expect.poll(() => done.length).toBe(2);
  expect(events()).toContain('worker.job_stalled');
  expect(stalled).toEqual(['docusign']);
});

test('what a job throws leaves a label in Redis and in the log, never its message', async () => {
  const failed: string[] = [];
  await bench.work(
    async ({ connection }) => {
      if (connection === 'c1') throw new SyntaxError('Unexpected token in {"refresh_token":"canary-1"}');
      throw new PilotlightError('store_denied', 'canary-2', { cause: new Error('canary-3') });
    },
    { onFailed: (_provider, label) => void failed.push(label) },
  );
  await bench.queues.add('docusign', [dueJob('c1'), dueJob('c2')]);
  await expect.poll(() => [...failed].sort()).toEqual(['SyntaxError', 'store_denied']);
  await expect.poll(async () => (await bench.queues.stats(['docusign']))[0]?.delayed).toBe(2);
  const dump: string[] = [];
  for (const key of await bench.server.redis.keys('*')) {
    const type = await bench.server.redis.type(key);
    if (type === 'hash') dump.push(JSON.stringify(await bench.server.redis.hgetall(key)));
    if (type === 'stream') dump.push(JSON.stringify(await bench.server.redis.xrange(key, '-', '+')));
  }
  const all = `${dump.join('\n')}${JSON.stringify(bench.logged)}`;
  expect(all).toContain('store_denied');
  expect(all).not.toContain('canary');
  expect(all).not.toContain('at async');
});

test('a payload that is not one of ours is never run, and not tried again', async () => {
  let runs = 0;
  const failed: string[] = [];
  await bench.work(
    async () => {
      runs += 1;
    },
    { onFailed: (_provider, label) => void failed.push(label) },
  );
  await bench.queues.add('docusign', [
    dueJob('x'.repeat(513)),
    { connection: 'x', reason: 'because' } as unknown as RefreshJob,
  ]);
  await expect.poll(() => failed).toEqual(['payload_invalid', 'payload_invalid']);
  await expect.poll(async () => (await bench.queues.stats(['docusign']))[0]?.failed).toBe(2);
  expect(runs).toBe(0);
});

test('a job whose lock is lost has its signal aborted', async () => {
  let aborted = false;
  const workers = await bench.work(
    async (_job, signal) => {
      await once(signal, 'abort');
      aborted = true;
    },
    { lockDurationMs: 400 },
  );
  await bench.queues.add('docusign', [dueJob('c1')]);
  await expect.poll(() => workers.running()).toBe(1);
  await bench.server.redis.del(`${docusignQueue}1:lock`);
  await expect.poll(() => aborted, { timeout: 20_000 }).toBe(true);
  expect(events()).toContain('worker.lock_lost');
});

test('draining takes no new job and waits for those under way', async () => {
  const hold = gate();
  const started: string[] = [];
  const finished: string[] = [];
  const workers = await bench.work(
    async ({ connection }, signal) => {
      started.push(connection);
      await hold.opened;
      if (!signal.aborted) finished.push(connection);
    },
    { concurrency: 2 },
  );
  await bench.queues.add('docusign', [dueJob('c1'), dueJob('c2'), dueJob('c3')]);
  await expect.poll(() => started).toEqual(['c1', 'c2']);
  const drained = workers.drain(30_000);
  hold.open();
  expect(await drained).toBe(0);
  expect(finished).toEqual(['c1', 'c2']);
  expect(started).toEqual(['c1', 'c2']);
  expect(await bench.queues.backlog('docusign')).toBe(1);
});

test('draining ends when its time is up, and aborts what is left', async () => {
  let aborted = false;
  const workers = await bench.work(async (_job, signal) => {
    await once(signal, 'abort');
    aborted = true;
    await new Promise(() => undefined);
  });
  await bench.queues.add('docusign', [dueJob('c1')]);
  await expect.poll(() => workers.running()).toBe(1);
  expect(await workers.drain(50)).toBe(1);
  expect(aborted).toBe(true);
  expect(events()).toContain('worker.drain_limit');
});

test('draining an idle worker is over at once', async () => {
  const workers = await bench.work(async () => undefined);
  expect(await workers.drain(30_000)).toBe(0);
});

test('a Redis that restarts empty is worked with again, by queues and workers, without a word from us', async () => {
  const done: string[] = [];
  const restarting = await startTestRedis({ settings: ['enable-debug-command local'] });
  try {
    const producer = await restarting.connect('queues');
    const consumer = await restarting.connect('workers');
    const some = createRefreshQueues({ job: refreshJob, redis: producer.redis, clock, logger });
    bench.closers.push('some', () => some.close());
    await bench.work(async ({ connection }) => void done.push(connection), { redis: consumer.redis });
    await some.add('docusign', [dueJob('c1')]);
    await expect.poll(() => done).toEqual(['c1']);
    const before = (await restarting.redis.info('server')).match(/run_id:\w+/)?.[0];
    await restarting.redis.call('DEBUG', 'RESTART').catch(() => undefined);
    await expect.poll(() => producer.ping(), { timeout: 20_000 }).toBe(true);
    expect((await producer.redis.info('server')).match(/run_id:\w+/)?.[0]).not.toBe(before);
    await some.add('docusign', [dueJob('c1'), dueJob('c2')]);
    await expect.poll(() => done, { timeout: 25_000 }).toEqual(['c1', 'c1', 'c2']);
  } finally {
    await bench.closers.closeAll();
    await restarting.stop();
  }
});
