/**
 * How far the service has fallen behind. Its work takes real time: on a busy machine the calendar waits for it, or days
 * would pass that say nothing about it.
 */
import type { Redis } from 'ioredis';

const prefix = '{pilotlight}:';
/** A day passes in two seconds, and a sweep comes with every second. */
const lateMs = 2 * 86_400_000;

/** Connections that are long overdue by the calendar, or wait in a queue. */
export async function backlogOf(redis: Redis, now: number, providers: readonly string[]): Promise<number> {
  const groups = await redis.hvals(`${prefix}groups`);
  const asking = redis.pipeline();
  for (const group of groups) {
    asking.zcount(`${prefix}due:${group}`, '-inf', now - lateMs);
    asking.zcard(`${prefix}ready:${group}`);
  }
  for (const provider of providers) asking.llen(`${prefix}refresh-${provider}:wait`);
  const answers = (await asking.exec()) ?? [];
  return answers.reduce((sum, [, count]) => sum + (Number(count) || 0), 0);
}
