/** Refresh workers: taking, draining, losing locks, failing without a word too many. */
import { once } from 'node:events';
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
import { PilotlightError } from '../../src/runtime/errors.ts';
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
const events = () => logged.map(({ event }) => event);

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

test('the job of a worker that died is done by another, and stays the only one meanwhile', async () => {
  const dead = await work(() => new Promise(() => undefined), { lockDurationMs: 300 });
  await queues.add('docusign', [due('c1')]);
  await expect.poll(() => dead.running()).toBe(1);
  // Closing by force leaves the job active with a lock that nobody renews, as a kill does.
  await dead.close();
  await queues.add('docusign', [due('c1')]);
  expect(await queues.backlog('docusign')).toBe(1);
  const done: string[] = [];
  await work(async ({ connection }) => void done.push(connection), { lockDurationMs: 300 });
  await expect.poll(() => done, { timeout: 20_000 }).toEqual(['c1']);
  await queues.add('docusign', [due('c1')]);
  await expect.poll(() => done.length).toBe(2);
  expect(events()).toContain('worker.job_stalled');
});

test('what a job throws leaves a label in Redis and in the log, never its message', async () => {
  const failed: string[] = [];
  await work(
    async ({ connection }) => {
      if (connection === 'c1') throw new SyntaxError('Unexpected token in {"refresh_token":"canary-1"}');
      throw new PilotlightError('store_denied', 'canary-2', { cause: new Error('canary-3') });
    },
    { onFailed: (_provider, label) => void failed.push(label) },
  );
  await queues.add('docusign', [due('c1'), due('c2')]);
  await expect.poll(() => [...failed].sort()).toEqual(['SyntaxError', 'store_denied']);
  await expect.poll(async () => (await queues.stats(['docusign']))[0]?.delayed).toBe(2);
  const dump: string[] = [];
  for (const key of await server.redis.keys('*')) {
    const type = await server.redis.type(key);
    if (type === 'hash') dump.push(JSON.stringify(await server.redis.hgetall(key)));
    if (type === 'stream') dump.push(JSON.stringify(await server.redis.xrange(key, '-', '+')));
  }
  const all = `${dump.join('\n')}${JSON.stringify(logged)}`;
  expect(all).toContain('store_denied');
  expect(all).not.toContain('canary');
  expect(all).not.toContain('at async');
});

test('a payload that is not one of ours is never run, and not tried again', async () => {
  let runs = 0;
  const failed: string[] = [];
  await work(
    async () => {
      runs += 1;
    },
    { onFailed: (_provider, label) => void failed.push(label) },
  );
  await queues.add('docusign', [due('x'.repeat(513)), { connection: 'x', reason: 'because' } as unknown as RefreshJob]);
  await expect.poll(() => failed).toEqual(['payload_invalid', 'payload_invalid']);
  await expect.poll(async () => (await queues.stats(['docusign']))[0]?.failed).toBe(2);
  expect(runs).toBe(0);
});

test('a job whose lock is lost has its signal aborted', async () => {
  let aborted = false;
  const workers = await work(
    async (_job, signal) => {
      await once(signal, 'abort');
      aborted = true;
    },
    { lockDurationMs: 400 },
  );
  await queues.add('docusign', [due('c1')]);
  await expect.poll(() => workers.running()).toBe(1);
  await server.redis.del(`${base}1:lock`);
  await expect.poll(() => aborted, { timeout: 20_000 }).toBe(true);
  expect(events()).toContain('worker.lock_lost');
});

test('draining takes no new job and waits for those under way', async () => {
  const hold = gate();
  const started: string[] = [];
  const finished: string[] = [];
  const workers = await work(
    async ({ connection }, signal) => {
      started.push(connection);
      await hold.opened;
      if (!signal.aborted) finished.push(connection);
    },
    { concurrency: 2 },
  );
  await queues.add('docusign', [due('c1'), due('c2'), due('c3')]);
  await expect.poll(() => started).toEqual(['c1', 'c2']);
  const drained = workers.drain(30_000);
  hold.open();
  expect(await drained).toBe(0);
  expect(finished).toEqual(['c1', 'c2']);
  expect(started).toEqual(['c1', 'c2']);
  expect(await queues.backlog('docusign')).toBe(1);
});

test('draining ends when its time is up, and aborts what is left', async () => {
  let aborted = false;
  const workers = await work(async (_job, signal) => {
    await once(signal, 'abort');
    aborted = true;
    await new Promise(() => undefined);
  });
  await queues.add('docusign', [due('c1')]);
  await expect.poll(() => workers.running()).toBe(1);
  expect(await workers.drain(50)).toBe(1);
  expect(aborted).toBe(true);
  expect(events()).toContain('worker.drain_limit');
});

test('draining an idle worker is over at once', async () => {
  const workers = await work(async () => undefined);
  expect(await workers.drain(30_000)).toBe(0);
});

test('a Redis that restarts empty is worked with again, by queues and workers, without a word from us', async () => {
  const done: string[] = [];
  const restarting = await startTestRedis({ settings: ['enable-debug-command local'] });
  try {
    const producer = await restarting.connect('queues');
    const consumer = await restarting.connect('workers');
    const some = createRefreshQueues({ job: refreshJob, redis: producer.redis, clock, logger });
    closers.push('some', () => some.close());
    await work(async ({ connection }) => void done.push(connection), { redis: consumer.redis });
    await some.add('docusign', [due('c1')]);
    await expect.poll(() => done).toEqual(['c1']);
    const before = (await restarting.redis.info('server')).match(/run_id:\w+/)?.[0];
    await restarting.redis.call('DEBUG', 'RESTART').catch(() => undefined);
    await expect.poll(() => producer.ping(), { timeout: 20_000 }).toBe(true);
    expect((await producer.redis.info('server')).match(/run_id:\w+/)?.[0]).not.toBe(before);
    await some.add('docusign', [due('c1'), due('c2')]);
    await expect.poll(() => done, { timeout: 25_000 }).toEqual(['c1', 'c1', 'c2']);
  } finally {
    await closers.closeAll();
    await restarting.stop();
  }
});
