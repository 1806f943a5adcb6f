/** Stopping: in reverse order, each once, and none kept from closing by another's failure. */
import { expect, test } from 'vitest';
import { createClosers } from '../../src/runtime/closers.ts';

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
