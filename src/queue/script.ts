/**
 * Runs Lua scripts by their digest. A script is the only way we change more than one key, so each is atomic; a server
 * that has forgotten it (restart, failover, SCRIPT FLUSH) is taught again without the caller noticing.
 */
import { createHash } from 'node:crypto';
import type { RedisClient } from './redis-client.ts';
import { speaking } from './redis-errors.ts';

export type ScriptArgument = string | number | Buffer;

/** Runs a script with the prefix as its one declared key (it names the slot) and the arguments given. */
export type RunScript = (text: string, ...args: readonly ScriptArgument[]) => Promise<unknown>;

/** Throws redis_unavailable from every run. */
export function scriptRunner(redis: RedisClient, prefix: string): RunScript {
  const digests = new Map<string, string>();
  const digestOf = (text: string) => {
    const known = digests.get(text);
    if (known !== undefined) return known;
    const digest = createHash('sha1').update(text).digest('hex');
    digests.set(text, digest);
    return digest;
  };
  return (text, ...args) =>
    speaking(async () => {
      try {
        return await redis.evalsha(digestOf(text), 1, prefix, ...args);
      } catch (error) {
        if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
        return await redis.eval(text, 1, prefix, ...args);
      }
    });
}
