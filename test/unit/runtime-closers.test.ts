/** Stopping: in reverse order, each once, and none kept from closing by another's failure or by one that hangs. */
import { expect, test } from 'vitest';
import type { Clock } from '../../src/runtime/clock.ts';
import { createClosers } from '../../src/runtime/closers.ts';
import { type LogFields, silentLogger } from '../../src/runtime/logger.ts';

test('what was opened last is closed first, and each waits for the one before', async () => {
  const closers = createClosers();
  const order: string[] = [];
  for (const name of ['store', 'redis', 'worker']) {
    closers.push(name, async () => {
      order.push(`${name} begins`);
      await Promise.resolve();
      order.push(`${name} closed`);
    });
  }
  await closers.closeAll();
  expect(order).toEqual([
    'worker begins',
    'worker closed',
    'redis begins',
    'redis closed',
    'store begins',
    'store closed',
  ]);
});

test('a failing close keeps no other from running; the first failure is thrown at the end with its cause', async () => {
  const closers = createClosers();
  const closed: string[] = [];
  const cause = new Error('socket hang up');
  closers.push('store', () => closed.push('store'));
  closers.push('web', () => Promise.reject(new Error('later failure')));
  closers.push('redis', () => {
    throw cause;
  });
  closers.push('worker', () => closed.push('worker'));
  await expect(closers.closeAll()).rejects.toMatchObject({ message: 'closing redis failed', cause });
  expect(closed).toEqual(['worker', 'store']);
});

test('closing twice closes nothing twice', async () => {
  const closers = createClosers();
  let closes = 0;
  closers.push('store', () => closes++);
  await Promise.all([closers.closeAll(), closers.closeAll()]);
  await closers.closeAll();
  expect(closes).toBe(1);
});

test('what is opened while stopping is closed too', async () => {
  const closers = createClosers();
  const closed: string[] = [];
  closers.push('worker', () => closers.push('late socket', () => closed.push('late socket')));
  await closers.closeAll();
  expect(closed).toEqual(['late socket']);
});

test('nothing opened is nothing to close', async () => await createClosers().closeAll());

/** A clock whose waits end when the test says so, and the warnings logged. */
function bench() {
  const waits: { ms: number; end: () => void }[] = [];
  const told: (LogFields | undefined)[] = [];
  const clock: Clock = {
    now: () => 0,
    monotonic: () => 0,
    sleep(ms, signal) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      waits.push({ ms, end: resolve });
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
      return promise;
    },
  };
  const log = { ...silentLogger, warn: (event: string, fields?: LogFields) => void told.push({ event, ...fields }) };
  return { options: { clock, log }, waits, told };
}

test('one that hangs is left behind after its limit, named in the log, and the others close in their order', async () => {
  const { options, waits, told } = bench();
  const closers = createClosers(options);
  const closed: string[] = [];
  closers.push('store', () => closed.push('store'));
  closers.push('spool', () => closed.push('spool'));
  closers.push('alert worker', () => new Promise(() => undefined), 20_000);
  closers.push('workers', () => new Promise(() => undefined));
  closers.push('web', () => closed.push('web'));
  const all = closers.closeAll();
  for (const place of [1, 2]) {
    await expect.poll(() => waits.length).toBe(place + 1);
    expect(closed).toEqual(['web']);
    waits[place]?.end();
  }
  await all;
  expect(closed).toEqual(['web', 'spool', 'store']);
  expect(waits.map(({ ms }) => ms)).toEqual([10_000, 10_000, 20_000, 10_000, 10_000]);
  expect(told).toEqual([
    { event: 'close.overdue', what: 'workers', limitMs: 10_000 },
    { event: 'close.overdue', what: 'alert worker', limitMs: 20_000 },
  ]);
});

test('one that fails after its limit is a failure no more; one that fails in time is thrown, hanging ones or not', async () => {
  const { options, waits, told } = bench();
  const closers = createClosers(options);
  const { promise, reject } = Promise.withResolvers<void>();
  closers.push('redis', () => Promise.reject(new Error('socket hang up')));
  closers.push('workers', () => promise);
  const all = closers.closeAll().catch((error: unknown) => error);
  await expect.poll(() => waits.length).toBe(1);
  waits[0]?.end();
  expect(await all).toMatchObject({ message: 'closing redis failed' });
  reject(new Error('much later'));
  await new Promise((turn) => setImmediate(turn));
  expect(told).toMatchObject([{ what: 'workers' }]);
});
