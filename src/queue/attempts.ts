/** The last attempts on a connection that did not simply succeed: why, for whoever is woken. Forgotten after a month. */
import type { AttemptNote, Attempts, Mixed } from '../alerts/ports.ts';
import { clientKey } from '../connection/entry.ts';
import type { RotationReport } from '../rotation/outcome.ts';
import { checkedPrefix, defaultPrefix, keyOf } from './keys.ts';
import type { RedisClient } from './redis-client.ts';
import { speaking } from './redis-errors.ts';

/** In none of the words it stands between. */
const separator = '\n';
const kept = 20;
const keepSeconds = 30 * 86_400;
/** Not worth a line each: nothing was tried. */
const quiet: readonly RotationReport['outcome'][] = ['notDue', 'busy', 'gone'];

const dayMs = 86_400_000;

export interface AttemptsWriter extends Attempts {
  /** Never a token: a report holds none. Throws redis_unavailable. */
  note(report: RotationReport, at: number): Promise<void>;
}

export function createAttempts(options: { readonly redis: RedisClient; readonly prefix?: string }): AttemptsWriter {
  const { redis } = options;
  const prefix = checkedPrefix(options.prefix ?? defaultPrefix);
  const keyFor = (connection: string) => keyOf(prefix, `attempts:${connection}`);
  const startOfDay = (at: number) => Math.floor(at / dayMs) * dayMs;
  const mixKey = (day: number) => keyOf(prefix, `mix:${new Date(day).toISOString().slice(0, 10)}`);

  /** Counted by client, outcome and reason: closed sets, so that a day's hash stays small. */
  async function countIn({ at: client, outcome, reason }: RotationReport, at: number): Promise<void> {
    if (client === undefined) return;
    const key = mixKey(startOfDay(at));
    const field = [clientKey(client), outcome, reason].join(separator);
    await speaking(() =>
      redis
        .multi()
        .hincrby(key, field, 1)
        .expire(key, (2 * dayMs) / 1_000)
        .exec(),
    );
  }

  return {
    async note(report, at) {
      const { connection, outcome, reason, asked, status, error, description, requestId } = report;
      // A success is worth a line only in a row of failures: Redis has little room for each of a million.
      if (quiet.includes(outcome)) return;
      await countIn(report, at);
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
      const key = keyFor(connection);
      const line = JSON.stringify(note);
      const all = redis.multi();
      // Nor does it prolong the row: a single failure would be kept, and added to, for as long as the connection lives.
      if (outcome === 'rotated') all.lpushx(key, line);
      else all.lpush(key, line).expire(key, keepSeconds);
      await speaking(() => all.ltrim(key, 0, kept - 1).exec());
    },
    async mixes(now) {
      const since = startOfDay(now) - dayMs;
      const days = await Promise.all([since, since + dayMs].map((day) => speaking(() => redis.hgetall(mixKey(day)))));
      const mixes = new Map<string, Map<string, Mixed>>();
      for (const [field, count] of days.flatMap((day) => Object.entries(day))) {
        const [client = '', outcome = '', reason = ''] = field.split(separator);
        const mix = mixes.get(client) ?? new Map<string, Mixed>();
        const before = mix.get(`${outcome} ${reason}`)?.count ?? 0;
        mixes.set(client, mix.set(`${outcome} ${reason}`, { outcome, reason, count: before + Number(count) }));
      }
      return { windowMs: now - since, of: new Map([...mixes].map(([client, mix]) => [client, [...mix.values()]])) };
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
