/**
 * What Redis holds, by family of keys; and the passing of days for keys that live for days, which Redis counts in real
 * ones: they are taken away when their time is over by the calendar.
 */
import type { Redis } from 'ioredis';

export interface RedisLook {
  readonly keys: number;
  readonly elements: number;
  readonly memory: number;
  readonly clients: number;
  /** Elements by family; a text is one. */
  readonly families: Readonly<Record<string, number>>;
}

const prefix = '{pilotlight}:';
/** What lives no longer than this is reckoned in real time by the service too: leases, cool-downs, locks, reports. */
const realMsMax = 3_600_000;
const lengthOf: Readonly<Record<string, string>> = {
  hash: 'hlen',
  set: 'scard',
  zset: 'zcard',
  list: 'llen',
  stream: 'xlen',
};

/** Rows of at most twenty lines each, which take half a year to fill: the rows are counted. */
const rows: ReadonlySet<string> = new Set(['attempts']);

/** A queue keeps a hundred events, and Redis trims them by the hundred: only what is above has grown. */
const eventsMax = 200;

function sizeOf(family: string, length: number): number {
  if (rows.has(family)) return Math.min(1, length);
  return family.endsWith(' events') ? Math.max(0, length - eventsMax) : length;
}

/** The family of a key: what it is, without whose it is. */
export function familyOf(key: string): string {
  const [first = '', ...rest] = (key.startsWith(prefix) ? key.slice(prefix.length) : key).split(':');
  const isQueue = first === 'alerts' || first.startsWith('refresh-');
  if (!isQueue || rest.length === 0) return first;
  const [second = ''] = rest;
  const part = /^(?:\d+|[0-9a-f-]{36})$/.test(second) ? `job${rest.length > 1 ? `-${rest[1]}` : ''}` : second;
  return `${first === 'alerts' ? 'alerts' : 'refresh'}-queue ${part}`;
}

async function allKeys(redis: Redis): Promise<readonly string[]> {
  const keys = new Set<string>();
  for (let cursor = '0', done = false; !done; done = cursor === '0') {
    const [next, page] = await redis.scan(cursor, 'COUNT', 1_000);
    cursor = next;
    for (const key of page) keys.add(key);
  }
  return [...keys];
}

/** One answer for each key, of a command that takes nothing else. */
async function ask<T>(redis: Redis, commands: readonly (readonly [string, string])[]): Promise<readonly T[]> {
  const answers = await redis.pipeline(commands.map((command) => [...command])).exec();
  return (answers ?? []).map(([, answer]) => answer as T);
}

export async function lookAtRedis(redis: Redis): Promise<RedisLook> {
  const keys = await allKeys(redis);
  const types = await ask<string>(
    redis,
    keys.map((key) => ['type', key] as const),
  );
  const sizes = await ask<number>(
    redis,
    keys.map((key, place) => [lengthOf[types[place] ?? ''] ?? 'exists', key] as const),
  );
  const families: Record<string, number> = {};
  let elements = 0;
  for (const [place, key] of keys.entries()) {
    const family = familyOf(key);
    // One that was gone by now is none; one that became another type is one.
    const length = Number(sizes[place]) || 0;
    const size = sizeOf(family, length);
    families[family] = (families[family] ?? 0) + size;
    elements += size;
  }
  const info = await redis.info();
  const told = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? Number.NaN);
  return { keys: keys.length, elements, memory: told('used_memory'), clients: told('connected_clients'), families };
}

/** A key that lives for days: what Redis said was left at the last look, and when it ends by the calendar. */
interface LongKey {
  leftMs: number;
  endsAt: number;
}

/**
 * Answers what makes the days pass: called at each look with the calendar's instant it takes away the keys whose time is
 * over by it, and answers how many.
 */
export function createAger(redis: Redis): (now: number) => Promise<number> {
  let known = new Map<string, LongKey>();
  return async (now) => {
    const keys = await allKeys(redis);
    const left = await ask<number>(
      redis,
      keys.map((key) => ['pttl', key] as const),
    );
    const next = new Map<string, LongKey>();
    const over: string[] = [];
    for (const [place, key] of keys.entries()) {
      const leftMs = left[place] ?? -1;
      const before = known.get(key);
      if (leftMs <= realMsMax && before === undefined) continue;
      // More than at the last look: its life was prolonged since, and begins anew.
      const endsAt = before === undefined || leftMs > before.leftMs ? now + leftMs : before.endsAt;
      if (now >= endsAt) over.push(key);
      else next.set(key, { leftMs, endsAt });
    }
    known = next;
    if (over.length > 0) await redis.del(...over);
    return over.length;
  };
}
