/** The alert worker's end: what is being delivered is waited for, nothing more is taken, and Redis is needed for neither. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readTellJob } from '../../jobs/tell.ts';
import type { TellJob } from '../../src/alerts/ports.ts';
import { type AlertWorkerOptions, createAlertQueue, createAlertWorker } from '../../src/queue/alert-queue.ts';
import { connectRedis } from '../../src/queue/redis.ts';
import { type Clock, systemClock } from '../../src/runtime/clock.ts';
import { createClosers } from '../../src/runtime/closers.ts';
import type { LogFields, Logger } from '../../src/runtime/logger.ts';
import { gate } from '../support/queue-bench.ts';
import { nodePassword, type RedisProcess, startRedisProcess } from '../support/redis-process.ts';

const closers = createClosers();
const clock = systemClock();
/** Only what happens ends a wait, never time. */
const timeless: Clock = { ...clock, monotonic: () => 0, sleep: () => new Promise(() => undefined) };
let logged: { event: string; fields: LogFields | undefined }[];
let server: RedisProcess;
let queue: ReturnType<typeof createAlertQueue>;

const record = (event: string, fields?: LogFields) => void logged.push({ event, fields });
const logger: Logger = { debug: record, info: record, warn: record, error: record };
const events = () => logged.map(({ event }) => event);
const told = (key: string): TellJob => ({ key, channel: 'pager' });

beforeEach(async () => {
  logged = [];
  server = await startRedisProcess();
  closers.push('server', () => server.stop());
  const commands = connect('commands');
  await commands.untilReached(20_000);
  queue = createAlertQueue({ redis: commands.redis, logger });
  closers.push('queue', () => queue.close());
});
afterEach(() => closers.closeAll());

function connect(role: 'commands' | 'workers') {
  const connection = connectRedis({ url: `redis://:${nodePassword}@${server.address}`, role, logger, clock });
  closers.push(`Redis (${role})`, () => connection.close());
  return connection;
}

async function work(run: AlertWorkerOptions['run'], more: Partial<AlertWorkerOptions> = {}) {
  const { redis, untilReached } = connect('workers');
  await untilReached(20_000);
  const worker = createAlertWorker({ redis, logger, clock, deliveryMsMax: 30_000, read: readTellJob, run, ...more });
  closers.push('worker', () => worker.close());
  worker.start();
  return worker;
}

const waitingForJobs = () =>
  expect
    .poll(async () => String(await server.admin.client('LIST')).includes('cmd=bzpopmin'), { timeout: 30_000 })
    .toBe(true);

test('an idle worker closes at once: no limit is waited out', async () => {
  const worker = await work(async () => undefined, { clock: timeless });
  await waitingForJobs();
  await worker.close();
  expect(events()).not.toContain('alert.close_limit');
});

test('a delivery under way is waited for, and no further one is begun', async () => {
  const hold = gate();
  const [begun, ended]: [string[], string[]] = [[], []];
  const worker = await work(
    async ({ key }, signal) => {
      begun.push(key);
      await hold.opened;
      if (!signal.aborted) ended.push(key);
    },
    { clock: timeless },
  );
  await queue.add([told('a')]);
  await expect.poll(() => begun).toEqual(['a']);
  let over = false;
  const closed = worker.close().then(() => (over = true));
  await queue.add([told('b')]);
  await expect.poll(() => server.admin.llen('{pilotlight}:alerts:wait')).toBe(1);
  expect(over).toBe(false);
  hold.open();
  await closed;
  expect(ended).toEqual(['a']);
  expect(begun).toEqual(['a']);
  expect(await server.admin.llen('{pilotlight}:alerts:active'), 'Redis has been told').toBe(0);
});

test('a delivery that outlasts its limit is told to give up, and named', async () => {
  let aborted = false;
  const begun: string[] = [];
  const worker = await work(
    ({ key }, signal) =>
      new Promise(() => {
        signal.addEventListener('abort', () => (aborted = true));
        begun.push(key);
      }),
    { deliveryMsMax: 50 },
  );
  await queue.add([told('a')]);
  await expect.poll(() => begun).toEqual(['a']);
  expect(await server.admin.llen('{pilotlight}:alerts:active')).toBe(1);
  await worker.close();
  expect(aborted).toBe(true);
  expect(logged.filter(({ event }) => event === 'alert.close_limit')).toMatchObject([{ fields: { left: 1 } }]);
});

test.for<[how: string, lose: () => unknown]>([
  ['is gone', () => server.kill()],
  ['hangs', () => server.pause()],
])('Redis %s: what is being delivered is waited for all the same', async ([, lose]) => {
  const hold = gate();
  const [begun, ended]: [string[], string[]] = [[], []];
  const worker = await work(async ({ key }) => {
    begun.push(key);
    await hold.opened;
    ended.push(key);
  });
  await queue.add([told('a')]);
  // Redis calls it active before this process has heard of it.
  await expect.poll(() => begun).toEqual(['a']);
  expect(await server.admin.llen('{pilotlight}:alerts:active')).toBe(1);
  await lose();
  let over = false;
  const closed = worker.close().then(() => (over = true));
  // Longer than BullMQ is given to tell what it holds.
  await clock.sleep(1_500);
  expect(over).toBe(false);
  hold.open();
  await closed;
  expect(ended).toEqual(['a']);
  expect(events()).not.toContain('alert.close_limit');
});

test('Redis that was never there: an idle worker closes', async () => {
  await server.kill();
  const { redis } = connect('workers');
  const worker = createAlertWorker({
    redis,
    logger,
    clock,
    deliveryMsMax: 3_600_000,
    read: readTellJob,
    run: async () => undefined,
  });
  worker.start();
  await worker.close();
  expect(events()).not.toContain('alert.close_limit');
});
