/**
 * BullMQ waits for jobs on connections that it makes from ours, and a wait of its own that ends late connects them anew,
 * with nobody left to end them. What must stay true: whatever was made from a client ends with it and never comes back.
 */
import type { RedisClient } from './redis-client.ts';

/** Remembers what is made from the client from now on; the answer ends it all. */
export function watchDuplicates(client: RedisClient): () => void {
  const made = new Set<RedisClient>();
  const duplicate = client.duplicate.bind(client) as (...args: unknown[]) => RedisClient;
  client.duplicate = ((...args: unknown[]) => {
    const one = duplicate(...args);
    made.add(one);
    // Who uses it tells of its errors and stops listening some day; ioredis would print them then.
    one.on('error', () => undefined);
    return one;
  }) as RedisClient['duplicate'];
  return () => {
    for (const one of made) {
      one.connect = () => Promise.reject(new Error('Connection is closed.'));
      one.disconnect();
    }
  };
}
