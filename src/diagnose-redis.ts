/** Doctor's look at Redis: it answers in time, is fit for us, and whether it keeps what it holds over a restart. */
import type { Finding } from './diagnose.ts';
import { checkSuitable } from './queue/redis.ts';
import { PilotlightError } from './runtime/errors.ts';
import { silentLogger } from './runtime/logger.ts';
import type { Services } from './services.ts';

const pings = 5;
/** A rotation asks it a few dozen times: beyond this it is what rotations wait for. */
const slowMs = 50;

export async function diagnoseRedis({ redis, deps }: Services): Promise<Finding> {
  const took: number[] = [];
  for (let asked = 0; asked < pings; asked++) {
    const startedMs = deps.clock.monotonic();
    const answered = await redis.ping();
    if (!answered && asked === 0) {
      await checkSuitable(redis.redis, silentLogger);
      throw new PilotlightError('redis_unavailable', 'Redis does not answer: check its address, network and password');
    }
    took.push(deps.clock.monotonic() - startedMs);
  }
  await checkSuitable(redis.redis, silentLogger);
  const middleMs = took.sort((a, b) => a - b)[Math.floor(pings / 2)] ?? 0;
  const detail = `answers in ${middleMs.toFixed(1)} ms, evicts nothing, ${await persistenceOf(redis.redis)}`;
  if (middleMs <= slowMs) return detail;
  return {
    state: 'warn',
    detail,
    fix: 'every rotation asks Redis a few dozen times: bring it nearer, or give it more room',
  };
}

/** For information: everything in it can be made anew, persistence only spares the work. */
async function persistenceOf(redis: Services['redis']['redis']): Promise<string> {
  try {
    const told = await redis.info('persistence');
    if (/^aof_enabled:1/m.test(told)) return 'persistence AOF';
    return /^rdb_last_save_time:/m.test(told) ? 'persistence snapshots or none' : 'persistence not told';
  } catch {
    // An ACL may forbid INFO.
    return 'persistence not told';
  }
}
