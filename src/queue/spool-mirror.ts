/**
 * The spool's mirror in Redis: sealed records by connection, until they are finished. Redis sees ciphertext and the header
 * every record carries in clear. Lost with Redis; workers then put back what they hold on disk.
 */
import type { SpoolMirror } from '../rotation/ports.ts';
import { checkedPrefix, defaultPrefix, keyOf } from './keys.ts';
import type { RedisClient } from './redis-client.ts';
import { speaking } from './redis-errors.ts';
import { scriptRunner } from './script.ts';

/** A record only grows: an intent never takes the place of an answer. ARGV: connection, attempt, bytes. */
const keepScript = `
local record = KEYS[1] .. ':spool:' .. ARGV[1]
if redis.call('HSTRLEN', record, ARGV[2]) < #ARGV[3] then redis.call('HSET', record, ARGV[2], ARGV[3]) end
return redis.call('SADD', KEYS[1] .. ':spools', ARGV[1])
`;

/** ARGV: connection, attempt. */
const dropScript = `
local record = KEYS[1] .. ':spool:' .. ARGV[1]
redis.call('HDEL', record, ARGV[2])
if redis.call('EXISTS', record) == 0 then redis.call('SREM', KEYS[1] .. ':spools', ARGV[1]) end
return 1
`;

export interface SpoolMirrorOptions {
  readonly redis: RedisClient;
  readonly prefix?: string;
}

export function createSpoolMirror(options: SpoolMirrorOptions): SpoolMirror {
  const { redis } = options;
  const prefix = checkedPrefix(options.prefix ?? defaultPrefix);
  const run = scriptRunner(redis, prefix);
  return {
    async keep(connection, attempt, bytes) {
      await run(keepScript, connection, attempt, bytes);
    },
    async drop(connection, attempt) {
      await run(dropScript, connection, attempt);
    },
    async of(connection) {
      const found = await speaking(() => redis.hgetallBuffer(keyOf(prefix, `spool:${connection}`)));
      return new Map(Object.entries(found));
    },
    async *connections() {
      for (let cursor = '0', done = false; !done; done = cursor === '0') {
        const [next, page] = await speaking(() => redis.sscan(keyOf(prefix, 'spools'), cursor, 'COUNT', 200));
        cursor = next;
        yield page;
      }
    },
  };
}
