/** What a refresh by hand came to, handed from the worker that did it to the command that asked for it. */
import type { RotationReport } from '../rotation/outcome.ts';
import type { Clock } from '../runtime/clock.ts';
import { checkedPrefix, defaultPrefix, keyOf } from './keys.ts';
import type { RedisClient } from './redis-client.ts';
import { speaking } from './redis-errors.ts';

export interface Reports {
  /** Kept for five minutes. Throws redis_unavailable. */
  publish(report: RotationReport): Promise<void>;
  /** Forgets an earlier one, so that `wait` cannot mistake it for the next. */
  forget(connection: string): Promise<void>;
  /** The report once it is there; undefined after `limitMs`. */
  wait(connection: string, limitMs: number): Promise<RotationReport | undefined>;
}

const keepSeconds = 300;
const lookEveryMs = 150;

export function createReports(options: {
  readonly redis: RedisClient;
  readonly prefix?: string;
  readonly clock: Clock;
}): Reports {
  const { redis, clock } = options;
  const prefix = checkedPrefix(options.prefix ?? defaultPrefix);
  const keyFor = (connection: string) => keyOf(prefix, `report:${connection}`);
  return {
    publish: async (report) =>
      void (await speaking(() => redis.set(keyFor(report.connection), JSON.stringify(report), 'EX', keepSeconds))),
    forget: async (connection) => void (await speaking(() => redis.del(keyFor(connection)))),
    async wait(connection, limitMs) {
      for (const untilMs = clock.monotonic() + limitMs; clock.monotonic() < untilMs; await clock.sleep(lookEveryMs)) {
        const found = await speaking(() => redis.get(keyFor(connection)));
        if (found !== null) return JSON.parse(found) as RotationReport;
      }
      return undefined;
    },
  };
}
