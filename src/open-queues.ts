/** The queues of a process or a command, on a connection of their own. */
import { refreshJob } from '../jobs/refresh.ts';
import type { JobTraces } from './queue/job-traces.ts';
import { createRefreshQueues, type RefreshQueuesHandle } from './queue/refresh-queues.ts';
import type { Closers } from './runtime/closers.ts';
import type { Services } from './services.ts';

/** Waits for Redis a while; a queue that is used before Redis is there fails at once and harms nothing. */
export async function openQueues(
  services: Services,
  closers: Closers,
  patienceMs: number,
  traces?: JobTraces,
): Promise<RefreshQueuesHandle> {
  const { prefix, deps } = services;
  const connection = services.connect('queues');
  await connection.untilReached(patienceMs).catch(() => deps.log.warn('redis.waiting'));
  const queues = createRefreshQueues({
    redis: connection.redis,
    prefix,
    clock: deps.clock,
    logger: deps.log,
    job: refreshJob,
    ...(traces === undefined ? {} : { traces }),
  });
  closers.push('queues', () => queues.close());
  return queues;
}
