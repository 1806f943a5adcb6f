/** The memory of incidents in Redis: what was told of what. Everything in it can be derived anew; no token is ever in it. */
import type { ChannelHealth, DeliveryState, Incident, IncidentMemory, MassState, Recalled } from '../alerts/ports.ts';
import { checkedPrefix, defaultPrefix, keyOf } from './keys.ts';
import type { RedisClient } from './redis-client.ts';
import { speaking } from './redis-errors.ts';
import { scriptRunner } from './script.ts';

/** Between an incident's key and a channel's name, in neither of which it can be. */
const separator = '\n';
/** Somebody else's refresh is remembered for so long (ms). */
const foreignForMs = 7 * 86_400_000;

/** ARGV: the incident's key and when it was opened, then field and value. Kept only while that is the incident we know. */
const noteScript = `
local known = redis.call('HGET', KEYS[1] .. ':incidents', ARGV[1])
local readable, incident = pcall(cjson.decode, known or '')
if not readable or incident.openedAt ~= tonumber(ARGV[2]) then return 0 end
return redis.call('HSET', KEYS[1] .. ':deliveries', ARGV[3], ARGV[4])
`;

/** Throws redis_unavailable from every call. */
export function createIncidentMemory(options: {
  readonly redis: RedisClient;
  readonly prefix?: string;
}): IncidentMemory {
  const { redis } = options;
  const prefix = checkedPrefix(options.prefix ?? defaultPrefix);
  const key = (name: string) => keyOf(prefix, name);
  const run = scriptRunner(redis, prefix);

  async function hash<T>(name: string): Promise<Map<string, T>> {
    const found = await speaking(() => redis.hgetall(key(name)));
    return new Map(
      Object.entries(found).flatMap(([field, text]) => {
        const value = parsed<T>(text);
        return value === undefined ? [] : [[field, value] as const];
      }),
    );
  }
  async function field<T>(name: string, of: string): Promise<T | undefined> {
    const text = await speaking(() => redis.hget(key(name), of));
    return text === null ? undefined : parsed<T>(text);
  }
  const setField = async (name: string, of: string, value: unknown) =>
    void (await speaking(() => redis.hset(key(name), of, JSON.stringify(value))));

  return {
    takeTurn: async (ms) => (await speaking(() => redis.set(key('alerts-turn'), '1', 'PX', ms, 'NX'))) === 'OK',
    endTurn: async (ms) =>
      void (await speaking(() => redis.set(key('alerts-turn'), '1', 'PX', Math.max(1, Math.round(ms))))),
    all: async () => [...(await hash<Incident>('incidents')).values()],
    get: (incident) => field<Incident>('incidents', incident),
    async write(changed, removed) {
      if (changed.length === 0 && removed.length === 0) return;
      const told = removed.length === 0 ? [] : await speaking(() => redis.hkeys(key('deliveries')));
      const over = told.filter((one) => removed.includes(one.split(separator)[0] ?? ''));
      await speaking(async () => {
        const all = redis.multi();
        for (const incident of changed) all.hset(key('incidents'), incident.key, JSON.stringify(incident));
        if (removed.length > 0) all.hdel(key('incidents'), ...removed);
        if (over.length > 0) all.hdel(key('deliveries'), ...over);
        await all.exec();
      });
    },
    async deliveries() {
      const byKey = new Map<string, Map<string, DeliveryState>>();
      for (const [of, state] of await hash<DeliveryState>('deliveries')) {
        const [incident = '', channel = ''] = of.split(separator);
        const known = byKey.get(incident) ?? new Map<string, DeliveryState>();
        byKey.set(incident, known.set(channel, state));
      }
      return byKey;
    },
    delivery: (incident, channel) => field<DeliveryState>('deliveries', `${incident}${separator}${channel}`),
    async noteDelivery({ key: incident, openedAt }, channel, state) {
      await run(noteScript, incident, openedAt, `${incident}${separator}${channel}`, JSON.stringify(state));
    },
    channels: () => hash<ChannelHealth>('channels'),
    async noteChannel(name, health) {
      if (health === undefined) return void (await speaking(() => redis.hdel(key('channels'), name)));
      const before = await field<ChannelHealth>('channels', name);
      await setField('channels', name, { ...health, failingSince: before?.failingSince ?? health.failingSince });
    },
    recall: (incident, recalled) => setField('recalled', incident, recalled),
    recalled: () => hash<Recalled>('recalled'),
    async forgetRecalled(keys) {
      if (keys.length > 0) await speaking(() => redis.hdel(key('recalled'), ...keys));
    },
    async bornAt(now) {
      const made = await speaking(() => redis.set(key('incidents-born'), Math.round(now), 'NX', 'GET'));
      return made === null ? now : Number(made);
    },
    spokenOf: async () => new Set(await speaking(() => redis.smembers(key('spoken')))),
    async speakOf(keys) {
      if (keys.length > 0) await speaking(() => redis.sadd(key('spoken'), ...keys));
    },
    mass: () => hash<MassState>('mass'),
    async writeMass(states) {
      await speaking(async () => {
        const all = redis.multi().del(key('mass'));
        for (const [provider, state] of states) all.hset(key('mass'), provider, JSON.stringify(state));
        await all.exec();
      });
    },
    async order({ resolve = [], snooze = [], confirm = [] }) {
      const orders = [
        ...resolve.map((one) => JSON.stringify({ resolve: one })),
        ...snooze.map((one) => JSON.stringify({ snooze: one })),
        ...confirm.map((one) => JSON.stringify({ confirm: one })),
      ];
      if (orders.length > 0) await speaking(() => redis.rpush(key('alert-orders'), ...orders));
    },
    async orders() {
      const lines = await speaking(() => redis.lrange(key('alert-orders'), 0, -1));
      const orders = lines.map((line) => parsed<{ resolve?: string; snooze?: Snooze; confirm?: string }>(line) ?? {});
      return {
        resolve: orders.flatMap(({ resolve }) => resolve ?? []),
        snooze: orders.flatMap(({ snooze }) => snooze ?? []),
        confirm: orders.flatMap(({ confirm }) => confirm ?? []),
        taken: lines.length,
      };
    },
    async forgetOrders(taken) {
      // What was ordered meanwhile stands behind them.
      if (taken > 0) await speaking(() => redis.ltrim(key('alert-orders'), taken, -1));
    },
    async noteForeign(connection, provider, at) {
      await speaking(() =>
        redis
          .multi()
          .zadd(key('foreign'), Math.round(at), JSON.stringify([connection, provider]))
          .zremrangebyscore(key('foreign'), '-inf', Math.round(at - foreignForMs))
          .exec(),
      );
    },
    async foreign() {
      const rows = await speaking(() => redis.zrangebyscore(key('foreign'), '-inf', '+inf', 'WITHSCORES'));
      const found: { connection: string; provider: string; at: number }[] = [];
      for (let place = 0; place + 1 < rows.length; place += 2) {
        const [connection, provider] = parsed<[string, string]>(rows[place] ?? '') ?? [];
        if (connection !== undefined && provider !== undefined)
          found.push({ connection, provider, at: Number(rows[place + 1]) });
      }
      return found;
    },
  };
}

type Snooze = { readonly key: string; readonly until: number; readonly reason: string };

function parsed<T>(text: string): T | undefined {
  try {
    return JSON.parse(text) as T;
  } catch {
    return undefined;
  }
}
