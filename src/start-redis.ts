/**
 * The first meeting with Redis. One that is there at the start and not fit for us ends the start, with its fix; one that comes
 * later is looked at then, again and again until it is fit, and until then no token is spent: it may drop a lease.
 */
import { checkSuitable } from './queue/redis.ts';
import type { Closers } from './runtime/closers.ts';
import { hasCode } from './runtime/errors.ts';
import type { Services } from './services.ts';

/** Short, because nothing else ends the wait when the process is told to stop. */
const waitMs = 500;
const lookAgainMs = 15_000;

export interface FirstMeeting {
  /** True once Redis is there and fit; false where the process stops before. Never rejects. */
  readonly fit: Promise<boolean>;
}

/** Waits for `patienceMs` of monotonic time, and goes on waiting behind. Throws redis_unsuitable. */
export async function startRedis(
  services: Pick<Services, 'redis' | 'deps' | 'reachable'>,
  patienceMs: number,
  closers: Closers,
): Promise<FirstMeeting> {
  const { redis, deps } = services;
  await redis.untilReached(patienceMs).catch(() => deps.log.warn('redis.waiting'));
  if (redis.reachedOnce()) {
    await checkSuitable(redis.redis, deps.log);
    return { fit: Promise.resolve(true) };
  }
  const stop = new AbortController();
  closers.push('waiting for Redis', async () => stop.abort());
  return { fit: untilFit(services, stop.signal) };
}

async function untilFit(
  { redis, deps, reachable }: Pick<Services, 'redis' | 'deps' | 'reachable'>,
  stop: AbortSignal,
): Promise<boolean> {
  const { clock, log } = deps;
  const { outages } = reachable;
  while (!stop.aborted) {
    try {
      await redis.untilReached(waitMs);
      await checkSuitable(redis.redis, log);
      outages.worked('redis');
      return !stop.aborted;
    } catch (error) {
      if (hasCode(error, 'redis_unavailable')) {
        // A node that is reached and refuses at once would be asked without a pause.
        await clock.sleep(waitMs, stop).catch(() => undefined);
        continue;
      }
      // Whoever made the connection has looked at it too, and logged what is wrong with it.
      outages.failed('redis', 'unsuitable');
      await clock.sleep(lookAgainMs, stop).catch(() => undefined);
    }
  }
  return false;
}
