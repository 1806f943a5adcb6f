/** The refresh queues as src/queue/refresh-queues.ts keeps them in Redis: one job at most for a connection, first in first out. */
import type { RefreshJob, RefreshQueues } from '../../../src/schedule/ports.ts';
import type { Calls } from './call.ts';
import type { SimRedis } from './redis.ts';
import { commandLimitMs, redisUnavailable } from './redis-server.ts';

export interface SimQueues {
  bind(calls: Calls): RefreshQueues;
  /** A worker takes the next job of a provider. Throws redis_unavailable. */
  take(calls: Calls, provider: string): Promise<RefreshJob | undefined>;
  /** Goes with everything Redis held. */
  clear(): void;
  readonly waiting: number;
}

export function createSimQueues(redis: Pick<SimRedis, 'outage'>): SimQueues {
  const queues = new Map<string, RefreshJob[]>();
  const of = (provider: string) => {
    const queue = queues.get(provider) ?? [];
    queues.set(provider, queue);
    return queue;
  };
  const asking = (calls: Calls) =>
    function ask<T>(name: string, about: string, effect: () => T): Promise<T> {
      return calls({
        name,
        about,
        limitMs: commandLimitMs,
        effect: () => {
          if (redis.outage) throw redisUnavailable();
          return effect();
        },
        failed: () => {
          throw redisUnavailable();
        },
      });
    };
  return {
    bind(calls) {
      const ask = asking(calls);
      return {
        backlog: (provider) => ask('queue.backlog', provider, () => of(provider).length),
        async add(provider, jobs) {
          if (jobs.length === 0) return;
          await ask('queue.add', provider, () => {
            const queue = of(provider);
            for (const job of jobs) if (!queue.some(({ connection }) => connection === job.connection)) queue.push(job);
          });
        },
      };
    },
    take: (calls, provider) => asking(calls)('queue.take', provider, () => of(provider).shift()),
    clear: () => queues.clear(),
    get waiting() {
      return [...queues.values()].reduce((sum, { length }) => sum + length, 0);
    },
  };
}
