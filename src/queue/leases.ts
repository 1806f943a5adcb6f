/**
 * Leases: the exclusive right to rotate one connection. What must stay true: only the owner's token ends a lease; our own
 * reckoning of what is left never exceeds Redis's; and a Redis that may have forgotten leases grants none until the
 * longest of them must be over. Correctness does not rest on this alone (the store's compare-and-swap decides), but a
 * lease granted twice can be a token spent twice.
 */
import type { Lease, LeaseAnswer, Leases } from '../rotation/ports.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Random } from '../runtime/random.ts';
import { checkedPrefix, defaultPrefix } from './keys.ts';
import type { RedisClient } from './redis-client.ts';
import { redisLabel } from './redis-errors.ts';
import { type RunScript, scriptRunner } from './script.ts';

/**
 * The epoch rule: `epoch` holds when each server (by run id) was first seen, by Redis's own clock. A flushed server has
 * no epoch, a restarted one or the replica that took over has a run id that is not in it: both may lack leases that
 * somebody still relies on. A primary that was deposed and is back keeps its run id, but each promotion begins another
 * line of replication (`master_replid`), held in `epoch-line`. A clock that went back is treated the same. Old run ids
 * are thrown away. The script asks the server it runs on: in a Cluster and after a failover only that one counts. A
 * server that does not tell (INFO refused) is known by nothing but its data.
 *
 * ARGV: connection, owner token, ms, '1' to pass a cool-down, longest lease ms. Answers a word and a wait in ms.
 */
const acquireScript = `
local prefix, call = KEYS[1] .. ':', redis.call
local connection, token, ms, pass, young = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local function told(section, field)
  local text = redis.pcall('INFO', section)
  return type(text) == 'string' and string.match(text, field .. ':(%w+)') or ''
end
local server, line = told('server', 'run_id'), told('replication', 'master_replid')
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local since, known = call('HGET', prefix .. 'epoch', server), call('HGET', prefix .. 'epoch-line', server)
if not since or tonumber(since) > now or (known and known ~= line) then
  if call('HLEN', prefix .. 'epoch') >= 16 then call('DEL', prefix .. 'epoch', prefix .. 'epoch-line') end
  call('HSET', prefix .. 'epoch', server, string.format('%.0f', now))
  since, known = now, false
end
if not known then call('HSET', prefix .. 'epoch-line', server, line) end
if now - since < young then return { 'epoch_young', young - (now - since) } end
local lease, cool = prefix .. 'lease:' .. connection, prefix .. 'cool:' .. connection
local owner = call('GET', lease)
if owner and owner ~= token then return { 'held', call('PTTL', lease) } end
if pass ~= '1' then
  local left = call('PTTL', cool)
  if left > 0 then return { 'cooling', left } end
end
call('SET', lease, token, 'PX', ms)
return { 'granted', 0 }
`;

/** ARGV: connection, owner token. */
const releaseScript = `
local lease = KEYS[1] .. ':lease:' .. ARGV[1]
if redis.call('GET', lease) == ARGV[2] then return redis.call('DEL', lease) end
return 0
`;

/**
 * The cool-down is set even where the lease is no longer ours: a POST was made, and whoever comes next must know. It is
 * never shortened. ARGV: connection, owner token, ms.
 */
const coolDownScript = `
local call, lease, cool = redis.call, KEYS[1] .. ':lease:' .. ARGV[1], KEYS[1] .. ':cool:' .. ARGV[1]
if call('PTTL', cool) < tonumber(ARGV[3]) then call('SET', cool, '1', 'PX', ARGV[3]) end
if call('GET', lease) == ARGV[2] then call('DEL', lease) end
return 1
`;

/** ARGV: connection, owner token. */
const ownsScript = `
return redis.call('GET', KEYS[1] .. ':lease:' .. ARGV[1]) == ARGV[2] and 1 or 0
`;

export interface LeaseOptions {
  readonly redis: RedisClient;
  readonly prefix?: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** The longest lease anybody takes, ms: how long a fresh Redis grants none. */
  readonly leaseMs: number;
  /** Longest wait of `stillOurs`, ms. Default 1000. */
  readonly askMsMax?: number;
}

interface Context extends LeaseOptions {
  readonly run: RunScript;
}

export function createLeases(options: LeaseOptions): Leases {
  const context: Context = {
    ...options,
    run: scriptRunner(options.redis, checkedPrefix(options.prefix ?? defaultPrefix)),
  };
  let toldYouth = false;
  /** Once, and not for every connection: on-call would wonder why nothing is refreshed. */
  const tellYouth = (answer: LeaseAnswer) => {
    const young = 'refused' in answer && answer.refused === 'epoch_young';
    if (young && !toldYouth) options.logger.info('lease.redis_new', { waitMs: Math.round(answer.retryAfterMs) });
    toldYouth = young;
  };
  return {
    async acquire(connection, { ms, passCoolDown }) {
      const token = options.random.uuid();
      // Counted from before the call, so that our end of the lease is never later than Redis's.
      const from = options.clock.monotonic();
      const pass = passCoolDown ? '1' : '0';
      const answer = await context
        .run(acquireScript, connection, token, ms, pass, options.leaseMs)
        .catch((error: unknown) => {
          // It may have been granted all the same; left alone it would keep the connection busy for its whole length.
          giveBack(context, connection, token);
          throw error;
        });
      const leased = answered(context, connection, token, from + ms, answer as [string, number]);
      tellYouth(leased);
      return leased;
    },
  };
}

function answered(
  context: Context,
  connection: string,
  token: string,
  endsAt: number,
  answer: [string, number],
): LeaseAnswer {
  const [word, wait] = answer;
  if (word === 'granted') return { lease: createLease(context, connection, token, endsAt) };
  const refused = word === 'held' || word === 'cooling' ? word : 'epoch_young';
  return { refused, retryAfterMs: Math.max(1, Number(wait)) };
}

/** Ends a timer; a constant, because an abort without a reason makes an error with a stack for each look. */
const answeredInTime = new Error('answered');

function createLease(context: Context, connection: string, token: string, endsAt: number): Lease {
  const { run, clock, logger } = context;
  let over = false;
  const remainingMs = () => (over ? 0 : Math.max(0, endsAt - clock.monotonic()));
  return {
    remainingMs,
    async stillOurs() {
      if (remainingMs() <= 0) return false;
      const stop = new AbortController();
      const late = clock.sleep(context.askMsMax ?? 1_000, stop.signal).catch(() => undefined);
      const asked = run(ownsScript, connection, token).catch(() => undefined);
      const answer = await Promise.race([asked, late]);
      stop.abort(answeredInTime);
      return answer === 1 && remainingMs() > 0;
    },
    async release() {
      over = true;
      await giveBack(context, connection, token);
    },
    async coolDown(ms) {
      over = true;
      await run(coolDownScript, connection, token, Math.max(1, Math.ceil(ms))).catch((error: unknown) => {
        logger.warn('lease.cool_down_lost', { connection, why: redisLabel(error) });
      });
    },
  };
}

async function giveBack({ run, logger }: Context, connection: string, token: string): Promise<void> {
  await run(releaseScript, connection, token).catch((error: unknown) => {
    logger.debug('lease.release_lost', { connection, why: redisLabel(error) });
  });
}
