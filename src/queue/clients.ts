/**
 * What is known of each client at a host: its breaker, its last success, who was refused since, what holds it back and
 * which of its secrets works. All instants are calendar time. Each change is one script, so that a threshold
 * opens a breaker once and a probe has one winner. Losing it all costs learning it again.
 */
import type { ClientAtHost } from '../connection/entry.ts';
import type { ClientHealth, Clients } from '../rotation/ports.ts';
import type { Clock } from '../runtime/clock.ts';
import { groupName, parseGroupName } from './groups.ts';
import { checkedPrefix, defaultPrefix, keyOf } from './keys.ts';
import type { RedisClient } from './redis-client.ts';
import { speaking } from './redis-errors.ts';
import { scriptRunner } from './script.ts';

/** Clients per script of `list`. */
const batchMax = 200;

const prelude = `
local call, prefix, name = redis.call, KEYS[1] .. ':', ARGV[1]
local key, suspects = prefix .. 'client:' .. name, prefix .. 'suspects:' .. name
local function known() call('SADD', prefix .. 'clients', name) end
local function open(now, reason, probeAt)
  known()
  if call('HGET', key, 'breaker') == 'open' then
    call('HSET', key, 'reason', reason)
    return 0
  end
  call('HSET', key, 'breaker', 'open', 'reason', reason, 'openedAt', now, 'probeAt', probeAt)
  return 1
end
`;

/**
 * ARGV: name, now, secret. The hot path: where nothing but the instant changes it writes one field. Requests may end in
 * another order than they were begun; an instant a day ahead was noted by a calendar that has been turned back.
 */
const succeededScript = `${prelude}
local was = call('HMGET', key, 'lastSuccessAt', 'breaker', 'secret', 'probeAt')
if not was[1] then known() end
local before, now = tonumber(was[1] or '0'), tonumber(ARGV[2])
if before < now or before > now + 86400000 then call('HSET', key, 'lastSuccessAt', ARGV[2]) end
if was[2] or was[4] then call('HDEL', key, 'breaker', 'reason', 'openedAt', 'probeAt') end
if (was[3] or 'current') ~= ARGV[3] then call('HSET', key, 'secret', ARGV[3]) end
call('DEL', suspects)
return 1
`;

/** ARGV: name, connection, now, threshold, first probe. */
const suspectedScript = `${prelude}
known()
call('SADD', suspects, ARGV[2])
if call('SCARD', suspects) < tonumber(ARGV[4]) or call('HGET', key, 'breaker') == 'open' then return 0 end
return open(ARGV[3], 'invalid_grant', ARGV[5])
`;

/** ARGV: name, now, reason, first probe. */
const rejectedScript = `${prelude}
return open(ARGV[2], ARGV[3], ARGV[4])
`;

/** ARGV: name, now, interval. A probe further away than one interval was set by a calendar that has been turned back. */
const takeProbeScript = `${prelude}
local was = call('HMGET', key, 'breaker', 'probeAt')
if was[1] ~= 'open' and call('SCARD', suspects) == 0 then return 0 end
local now, interval, at = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(was[2])
if at and at > now and at - now <= interval then return 0 end
call('HSET', key, 'probeAt', string.format('%.0f', now + interval))
return 1
`;

/** ARGV: name, secret. */
const preferScript = `${prelude}
known()
call('HSET', key, 'secret', ARGV[2])
return 1
`;

/** ARGV: name. */
const forgetScript = `${prelude}
call('SREM', prefix .. 'clients', name)
return call('DEL', key, suspects)
`;

/** Longer than any provider's wish is heard (src/oauth/numbers.ts): a hold beyond was noted by a calendar that has been turned back. */
const holdMsMax = 7 * 3_600_000;

/** ARGV: name, until, name of the provider's host or '' for the client alone, latest that is believed. A hold is never shortened. */
const holdScript = `${prelude}
known()
local where, field = key, 'heldUntil'
if ARGV[3] ~= '' then where, field = prefix .. 'holds', ARGV[3] end
local was = call('HGET', where, field)
if not was or tonumber(was) < tonumber(ARGV[2]) or tonumber(was) > tonumber(ARGV[4]) then
  call('HSET', where, field, ARGV[2])
end
return 1
`;

/** ARGV: name and name of the provider's host, for each client. Answers nine texts for each. */
const healthScript = `
local call, prefix, answer = redis.call, KEYS[1] .. ':', {}
for i = 1, #ARGV, 2 do
  local row = call('HMGET', prefix .. 'client:' .. ARGV[i], 'breaker', 'reason', 'openedAt', 'probeAt', 'lastSuccessAt',
    'heldUntil', 'secret')
  row[8] = call('HGET', prefix .. 'holds', ARGV[i + 1]) or false
  row[9] = call('SCARD', prefix .. 'suspects:' .. ARGV[i])
  answer[#answer + 1] = row
end
return answer
`;

/** Every client that has a connection in the index, or anything known of it. */
const namesScript = `
local call, names, seen = redis.call, {}, {}
local function add(all)
  for _, name in ipairs(all) do
    if not seen[name] then names[#names + 1] = name end
    seen[name] = true
  end
end
add(call('HKEYS', KEYS[1] .. ':groups'))
add(call('SMEMBERS', KEYS[1] .. ':clients'))
return names
`;

const hostName = (at: ClientAtHost) => JSON.stringify([at.provider, at.environment, at.host]);
const whole = (instant: number) => Math.floor(instant);

export interface ClientsOptions {
  readonly redis: RedisClient;
  readonly prefix?: string;
  readonly clock: Clock;
}

/** Throws redis_unavailable from every call. */
export function createClients(options: ClientsOptions): Clients {
  const { clock } = options;
  const prefix = checkedPrefix(options.prefix ?? defaultPrefix);
  const run = scriptRunner(options.redis, prefix);

  async function healthOf(clients: readonly ClientAtHost[]): Promise<{ at: ClientAtHost; health: ClientHealth }[]> {
    const all: { at: ClientAtHost; health: ClientHealth }[] = [];
    for (let from = 0; from < clients.length; from += batchMax) {
      const asked = clients.slice(from, from + batchMax);
      const names = asked.flatMap((at) => [groupName(at), hostName(at)]);
      const rows = (await run(healthScript, ...names)) as HealthRow[];
      asked.forEach((at, i) => {
        const row = rows[i];
        if (row !== undefined) all.push({ at, health: readHealth(row, clock.now()) });
      });
    }
    return all;
  }

  return {
    async health(at) {
      const [found] = await healthOf([at]);
      return found?.health ?? readHealth([], clock.now());
    },
    async list() {
      const names = (await run(namesScript)) as string[];
      return healthOf(names.flatMap((name) => parseGroupName(name) ?? []));
    },
    async succeeded(at, now, secret) {
      await run(succeededScript, groupName(at), whole(now), secret);
    },
    async suspected(at, connection, now, limits) {
      const probeAt = whole(now + limits.probeEveryMs);
      const opened = await run(suspectedScript, groupName(at), connection, whole(now), limits.threshold, probeAt);
      return { opened: opened === 1 };
    },
    async rejected(at, now, reason, probeEveryMs) {
      const opened = await run(rejectedScript, groupName(at), whole(now), reason, whole(now + probeEveryMs));
      return { opened: opened === 1 };
    },
    async forget(at) {
      await run(forgetScript, groupName(at));
    },
    async preferSecret(at, secret) {
      await run(preferScript, groupName(at), secret);
    },
    async hold(at, scope, until) {
      const host = scope === 'provider' ? hostName(at) : '';
      await run(holdScript, groupName(at), whole(until), host, whole(clock.now() + holdMsMax));
    },
    async takeProbe(at, now, probeEveryMs) {
      return (await run(takeProbeScript, groupName(at), whole(now), whole(probeEveryMs))) === 1;
    },
    async mayFlag(provider) {
      const held = await speaking(() => options.redis.hget(keyOf(prefix, 'mass'), provider));
      return held === null || held.includes('"confirmedAt"');
    },
  };
}

type HealthRow = readonly (string | number | null | undefined)[];

function readHealth(row: HealthRow, now: number): ClientHealth {
  const [breaker, reason, openedAt, probeAt, lastSuccessAt, heldByClient, secret, heldByHost, suspects] = row;
  const instant = (text: HealthRow[number]) => (text === null || text === undefined ? null : Number(text));
  const hold = (text: HealthRow[number]) => {
    const until = instant(text) ?? 0;
    return until <= now + holdMsMax ? until : 0;
  };
  return {
    breaker: breaker === 'open' ? 'open' : 'closed',
    breakerReason: breaker === 'open' ? String(reason ?? '') : '',
    openedAt: instant(openedAt),
    nextProbeAt: instant(probeAt),
    lastSuccessAt: instant(lastSuccessAt),
    suspects: Number(suspects ?? 0),
    heldUntil: Math.max(hold(heldByClient), hold(heldByHost)),
    secret: secret === 'previous' ? 'previous' : 'current',
  };
}
