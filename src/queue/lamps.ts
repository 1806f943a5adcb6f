/** The dead man's lamps: when each cron job last came to its end, for whoever shows or watches it from another process. */
import { checkedPrefix, defaultPrefix, keyOf } from './keys.ts';
import type { RedisClient } from './redis-client.ts';
import { speaking } from './redis-errors.ts';

export interface Lamps {
  /** `at` is calendar time (epoch ms). Throws redis_unavailable. */
  note(job: string, at: number): Promise<void>;
  read(): Promise<ReadonlyMap<string, number>>;
}

export function createLamps({
  redis,
  prefix = defaultPrefix,
}: {
  readonly redis: RedisClient;
  readonly prefix?: string;
}): Lamps {
  const key = keyOf(checkedPrefix(prefix), 'lamps');
  return {
    note: async (job, at) => void (await speaking(() => redis.hset(key, job, Math.round(at)))),
    async read() {
      const found = await speaking(() => redis.hgetall(key));
      return new Map(Object.entries(found).map(([job, at]) => [job, Number(at)]));
    },
  };
}
