/** The last attempts on a connection that did not simply succeed: why, for whoever is woken. Forgotten after a month. */
import type { Redis } from 'ioredis';
import type { AttemptNote, Attempts } from '../alerts/ports.ts';
import type { RotationReport } from '../rotation/outcome.ts';
import { checkedPrefix, defaultPrefix, keyOf } from './keys.ts';
import { speaking } from './redis-errors.ts';

const kept = 20;
const keepSeconds = 30 * 86_400;
/** Not worth a line each: nothing was tried. */
const quiet: readonly RotationReport['outcome'][] = ['notDue', 'busy', 'gone'];

export interface AttemptsWriter extends Attempts {
  /** Never a token: a report holds none. Throws redis_unavailable. */
  note(report: RotationReport, at: number): Promise<void>;
}

export function createAttempts(options: { readonly redis: Redis; readonly prefix?: string }): AttemptsWriter {
  const { redis } = options;
  const prefix = checkedPrefix(options.prefix ?? defaultPrefix);
  const keyFor = (connection: string) => keyOf(prefix, `attempts:${connection}`);
  return {
    async note(report, at) {
      const { connection, outcome, reason, asked, status, error, description, requestId } = report;
      // A success is worth a line only in a row of failures: Redis has little room for each of a million.
      if (quiet.includes(outcome)) return;
      const note: AttemptNote = {
        at: Math.round(at),
        outcome,
        reason,
        asked,
        ...(status === undefined ? {} : { status }),
        ...(error === undefined ? {} : { error }),
        ...(description === undefined ? {} : { description }),
        ...(requestId === undefined ? {} : { requestId }),
      };
      const push = outcome === 'rotated' ? 'lpushx' : 'lpush';
      await speaking(() =>
        redis
          .multi()
          [push](keyFor(connection), JSON.stringify(note))
          .ltrim(keyFor(connection), 0, kept - 1)
          .expire(keyFor(connection), keepSeconds)
          .exec(),
      );
    },
    async of(connection) {
      const lines = await speaking(() => redis.lrange(keyFor(connection), 0, -1));
      return lines.flatMap((line) => {
        try {
          return [JSON.parse(line) as AttemptNote];
        } catch {
          return [];
        }
      });
    },
  };
}
