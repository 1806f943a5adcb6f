/**
 * Which of several schedulers does a tick. Only an economy: every job may run twice, so a mark that Redis loses costs
 * repeated work and nothing else.
 */
import type { Redis } from 'ioredis';
import { checkedPrefix, defaultPrefix, keyOf } from './keys.ts';
import { speaking } from './redis-errors.ts';

export interface Ticks {
  /**
   * True for the first to ask within `ttlMs` of real time. Take a ttl a little shorter than the period, or a tick that
   * comes early finds the mark of the one before. Throws redis_unavailable.
   */
  tryTick(name: string, ttlMs: number): Promise<boolean>;
}

export function createTicks(options: { readonly redis: Redis; readonly prefix?: string }): Ticks {
  const prefix = checkedPrefix(options.prefix ?? defaultPrefix);
  return {
    async tryTick(name, ttlMs) {
      const key = keyOf(prefix, `tick:${name}`);
      return (await speaking(() => options.redis.set(key, '1', 'PX', Math.max(1, Math.ceil(ttlMs)), 'NX'))) === 'OK';
    },
  };
}
