/** What BullMQ writes of a queue's events: nobody listens, and Redis has little room. Found by the soak. */
import { expect, test } from 'vitest';
import { eventsKept } from '../../src/queue/refresh-queues.ts';
import { queueBench } from '../support/queue-bench.ts';

const bench = queueBench();
/** Redis trims whole nodes of a stream, of 100 entries each. */
const slack = 100;

async function addAndCount(from: number): Promise<number> {
  for (let place = from; place < from + 400; place += 100) {
    const jobs = Array.from({ length: 100 }, (_, more) => ({
      connection: `c-${place + more}`,
      reason: 'due' as const,
    }));
    await bench.queues.add('docusign', jobs);
  }
  return bench.server.redis.xlen('{pilotlight}:refresh-docusign:events');
}

test('no more of them are kept than we said, also by a Redis that was emptied since', async () => {
  expect(await addAndCount(0)).toBeLessThanOrEqual(eventsKept + slack);
  await bench.server.flush();
  expect(await addAndCount(1_000)).toBeLessThanOrEqual(eventsKept + slack);
});

test('a limit that was forgotten while the queue was in use is said again, and what is too much goes', async () => {
  await bench.server.redis.hset('{pilotlight}:refresh-docusign:meta', 'opts.maxLenEvents', '10000');
  await bench.server.redis
    .pipeline(
      Array.from({ length: 2_000 }, () => ['xadd', '{pilotlight}:refresh-docusign:events', '*', 'event', 'added']),
    )
    .exec();
  expect(await addAndCount(2_000)).toBeLessThanOrEqual(eventsKept + slack);
});
