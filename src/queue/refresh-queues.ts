/**
 * The refresh queues: one per provider, first in first out, at most one job per connection. A job says which connection
 * and why, nothing else. A job may be lost or run twice at any time; the due index and the lease make both harmless.
 */
import { Queue } from 'bullmq';
import type { Clock } from '../runtime/clock.ts';
import { createClosers } from '../runtime/closers.ts';
import { PilotlightError } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import type { JobDefinition, RefreshJob, RefreshQueues } from '../schedule/ports.ts';
import type { JobTraces } from './job-traces.ts';
import { checkedPrefix, defaultPrefix } from './keys.ts';
import type { RedisClient } from './redis-client.ts';
import { isUnavailable, redisLabel, speaking } from './redis-errors.ts';
import { scriptRunner } from './script.ts';

export const queueName = (provider: string) => `refresh-${provider}`;

/** Jobs per round trip. */
const batchMax = 500;

/** Nothing is kept of a job that is done; a few of those that failed, for a look. */
const keptJobs = {
  removeOnComplete: true,
  removeOnFail: { count: 200, age: 7 * 86_400 },
  stackTraceLimit: 1,
} as const;

/** Nobody listens to a queue's events: so many are kept of each, more or less. */
export const eventsKept = 100;

/**
 * Removes the dedup keys of connections whose job is gone or finished: such a key would keep the connection out of its
 * queue for good. And says again how many events to keep: BullMQ says it once at start, and a Redis that was emptied since
 * keeps 10,000 of each queue. ARGV: key prefix of the queue, then connections.
 */
export const dropDeadKeysScript = `
local base, dropped = ARGV[1], 0
if redis.call('HGET', base .. 'meta', 'opts.maxLenEvents') ~= '${eventsKept}' then
  redis.call('HSET', base .. 'meta', 'opts.maxLenEvents', '${eventsKept}')
end
for i = 2, #ARGV do
  local key = base .. 'de:' .. ARGV[i]
  local job = redis.call('GET', key)
  if job and (redis.call('EXISTS', base .. job) == 0 or redis.call('HEXISTS', base .. job, 'finishedOn') == 1) then
    redis.call('DEL', key)
    dropped = dropped + 1
  end
end
return dropped
`;

export interface QueueStats {
  readonly provider: string;
  readonly waiting: number;
  readonly active: number;
  readonly delayed: number;
  /** Failed jobs that are kept for a look, not a total. */
  readonly failed: number;
  /** When the job waiting longest was added (epoch ms); null when none waits. */
  readonly oldestWaitingAt: number | null;
}

export interface RefreshQueuesHandle extends RefreshQueues {
  /** Throws redis_unavailable. */
  stats(providers: readonly string[]): Promise<readonly QueueStats[]>;
  close(): Promise<void>;
}

export interface RefreshQueuesOptions {
  /** A connection of the role `queues`. */
  readonly redis: RedisClient;
  readonly prefix?: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly job: JobDefinition;
  /** Lets each job carry the trace it was added in. */
  readonly traces?: JobTraces;
}

/** Throws redis_unavailable from every call, at once where Redis is not connected. */
export function createRefreshQueues(options: RefreshQueuesOptions): RefreshQueuesHandle {
  const { redis, clock } = options;
  const prefix = checkedPrefix(options.prefix ?? defaultPrefix);
  const run = scriptRunner(redis, prefix);
  const closers = createClosers();
  const queues = new Map<string, Queue>();

  function queueOf(provider: string): Queue {
    // BullMQ waits without end for a connection that is not there.
    if (redis.status !== 'ready')
      throw new PilotlightError('redis_unavailable', 'Redis cannot be used now (not_connected)');
    const known = queues.get(provider);
    if (known !== undefined) return known;
    const queue = openQueue(provider, prefix, options);
    queues.set(provider, queue);
    closers.push(queueName(provider), () => queue.close());
    return queue;
  }

  return {
    backlog: (provider) =>
      speaking(async () => {
        const counts = await queueOf(provider).getJobCounts('wait', 'active', 'delayed');
        return (counts.wait ?? 0) + (counts.active ?? 0) + (counts.delayed ?? 0);
      }),
    add: (provider, jobs) =>
      speaking(async () => {
        const queue = queueOf(provider);
        for (let from = 0; from < jobs.length; from += batchMax) {
          const batch = jobs.slice(from, from + batchMax);
          await run(dropDeadKeysScript, queue.toKey(''), ...batch.map((job) => job.connection));
          await queue.addBulk(batch.map((job) => toJob(options.job.name, job, clock.now())));
        }
      }),
    stats: (providers) =>
      speaking(() => Promise.all(providers.map((provider) => statsOf(provider, queueOf(provider))))),
    close: () => closers.closeAll(),
  };
}

function openQueue(provider: string, prefix: string, { redis, logger, job, traces }: RefreshQueuesOptions): Queue {
  const queue = new Queue(queueName(provider), {
    connection: redis,
    prefix,
    defaultJobOptions: {
      ...keptJobs,
      attempts: job.attempts,
      backoff: { type: 'fixed', delay: job.retryMs, jitter: 0.5 },
    },
    // BullMQ's own check of the version is made once, and one that fails at a bad moment would fail every call from then on.
    skipVersionCheck: true,
    streams: { events: { maxLen: eventsKept } },
    ...(traces === undefined ? {} : { telemetry: traces }),
  });
  queue.on('error', (error) => {
    // A lost connection is told by the connection itself.
    if (!isUnavailable(error)) logger.warn('queue.error', { provider, why: redisLabel(error) });
  });
  return queue;
}

function toJob(name: string, { connection, reason }: RefreshJob, now: number) {
  const data: RefreshJob = { connection, reason };
  return { name, data, opts: { deduplication: { id: connection }, timestamp: now } };
}

async function statsOf(provider: string, queue: Queue): Promise<QueueStats> {
  const [counts, oldest] = await Promise.all([
    queue.getJobCounts('wait', 'active', 'delayed', 'failed'),
    queue.getJobs(['wait'], 0, 0, true),
  ]);
  return {
    provider,
    waiting: counts.wait ?? 0,
    active: counts.active ?? 0,
    delayed: counts.delayed ?? 0,
    failed: counts.failed ?? 0,
    oldestWaitingAt: oldest[0]?.timestamp ?? null,
  };
}
