/**
 * Authorisations that were begun, until their callback: each is given once and then forgotten, in one step, whatever two
 * workers do at the same time. Lost with Redis at no greater cost than that the customer presses the button again.
 */
import type { ConsentStates, StartedConsent } from '../reconsent/ports.ts';
import { checkedPrefix, defaultPrefix, keyOf } from './keys.ts';
import type { RedisClient } from './redis-client.ts';
import { speaking } from './redis-errors.ts';

/** Its methods throw redis_unavailable. */
export function createConsentStates(options: { readonly redis: RedisClient; readonly prefix?: string }): ConsentStates {
  const { redis } = options;
  const prefix = checkedPrefix(options.prefix ?? defaultPrefix);
  const keyFor = (nonce: string) => keyOf(prefix, `consent:${nonce}`);
  return {
    keep: async (nonce, started, ms) =>
      void (await speaking(() => redis.set(keyFor(nonce), JSON.stringify(started), 'PX', ms))),
    async take(nonce) {
      const found = await speaking(() => redis.getdel(keyFor(nonce)));
      return found === null ? undefined : (JSON.parse(found) as StartedConsent);
    },
  };
}
