/**
 * Why work is or is not taken, for /readyz: Redis and the store must be there, a provider that is away is only noted. Asked at
 * each probe; a restart would mend none of it, so that liveness never looks here.
 */
import { checkSuitable } from './queue/redis.ts';
import { outageNotes, outageWords, storeInTheWay } from './reachable.ts';
import { hasCode } from './runtime/errors.ts';
import { silentLogger } from './runtime/logger.ts';
import type { Services } from './services.ts';
import type { Readiness } from './web/ports.ts';

export async function readiness(
  phase: Readiness['phase'],
  { redis, reachable }: Pick<Services, 'redis' | 'reachable'>,
): Promise<Readiness> {
  const { outages } = reachable;
  const trouble = (await redis.ping()) ? undefined : await troubleWith(redis);
  if (trouble === undefined) outages.worked('redis');
  else outages.failed('redis', trouble);
  const redisOutage = outages.of('redis');
  const store = storeInTheWay(outages);
  return {
    phase,
    checks: [
      { name: 'redis', ...(redisOutage === undefined ? { ok: true } : away(outageWords('redis', redisOutage))) },
      { name: 'store', ...(store === undefined ? { ok: true } : away(store)) },
    ],
    notes: outageNotes(outages),
  };
}

/** What keeps a Redis from being used; undefined where it was mended since it was last looked at. */
async function troubleWith({ redis }: Services['redis']): Promise<'no_answer' | 'unsuitable' | undefined> {
  try {
    await checkSuitable(redis, silentLogger);
    return undefined;
  } catch (error) {
    return hasCode(error, 'redis_unsuitable') ? 'unsuitable' : 'no_answer';
  }
}

const away = (detail: string) => ({ ok: false, detail });
