/**
 * A rate limit kept by all workers together: a line of slots in Redis, one every 1/rate seconds, first come first served
 * (GCRA without a burst). Asking reserves the next slots by Redis's clock; the caller waits for them on its own. A slot
 * that is used late counts in another window, so one that is too late is not used at all: in any span of t seconds at most
 * rate * (t + lateMsMax + time Redis took to answer) permits and those of one more caller are used, however the processes
 * stall.
 */
import type { Clock } from '../runtime/clock.ts';
import type { RunScript } from './script.ts';

/**
 * While recovery waits (asked within 2 s), the main line runs at the rate less recovery's share, and recovery has a line
 * of its own at its share; it takes whichever is free sooner. A line that ends absurdly far ahead (Redis's clock was set
 * back) starts anew. A slot further ahead than the last argument is not reserved: whoever leaves the line before it comes
 * could not give it back once somebody has come behind, and so many would be lost that the line grows faster than it is served.
 *
 * ARGV: line, permits, per second, recovery's share, '1' for recovery, us ahead. Answers us to the first slot, us between
 * slots, the line taken and its new end, or only the first where none was reserved.
 */
const reserveScript = `
local call, key = redis.call, KEYS[1] .. ':rate:' .. ARGV[1]
local count, share, recovery = tonumber(ARGV[2]), tonumber(ARGV[4]), ARGV[5] == '1' and tonumber(ARGV[4]) > 0
local time = call('TIME')
local now, apart = time[1] * 1000000 + time[2], 1000000 / tonumber(ARGV[3])
local was = call('HMGET', key, 'main', 'recovery', 'asked')
local far = now + 60000000 + 64 * apart / math.max(share, 0.01)
local function free(text)
  local at = tonumber(text or '0')
  if at > far then at = now end
  return math.max(at, now)
end
local slot, step, field = free(was[1]), apart, 'main'
local waiting = share > 0 and was[3] and now - tonumber(was[3]) < 2000000
if recovery then
  call('HSET', key, 'asked', string.format('%.0f', now))
  waiting = true
end
if waiting then step = apart / (1 - share) end
if recovery and free(was[2]) < slot then slot, step, field = free(was[2]), apart / share, 'recovery' end
if slot - now > tonumber(ARGV[6]) then return { string.format('%.0f', slot - now) } end
local finish = string.format('%.0f', slot + count * step)
call('HSET', key, field, finish)
call('PEXPIRE', key, math.ceil((far - now) / 1000))
return { string.format('%.0f', slot - now), string.format('%.0f', step), field, finish }
`;

/** Gives back the slots after one, where nobody has come behind us. ARGV: line, field, end, us given back. */
const giveBackScript = `
local call, key = redis.call, KEYS[1] .. ':rate:' .. ARGV[1]
if call('HGET', key, ARGV[2]) ~= ARGV[3] then return 0 end
return call('HSET', key, ARGV[2], string.format('%.0f', tonumber(ARGV[3]) - tonumber(ARGV[4])))
`;

/** A permit this much after its slot is not used (ms): at 45/s of a quota of 50/s it keeps every second within the quota. */
const lateMsMax = 75;
/** Slots are reserved this far ahead at a time (ms), so that the workers take turns. */
const batchMs = 100;
/** No slot further ahead than this is reserved (ms); it is asked for again every so often. */
const aheadMsMax = 2_000;
const askAgainMs = 1_000;

export interface RateLine {
  /** Resolves when `count` permits are ours. Rejects with the signal's reason, or redis_unavailable. */
  wait(count: number, perSecond: number, signal: AbortSignal): Promise<void>;
}

export interface RateLineOptions {
  readonly run: RunScript;
  readonly clock: Clock;
  readonly name: string;
  readonly recovery: boolean;
  /** Part of the rate kept for recovery while it waits, 0 for none, below 1. */
  readonly recoveryShare: number;
}

interface Waiter {
  readonly count: number;
  readonly perSecond: number;
  readonly admit: () => void;
  readonly fail: (error: unknown) => void;
}

/** What one process asks of one line; it has at most one reservation under way. */
export function createRateLine(options: RateLineOptions): RateLine {
  const waiters: Waiter[] = [];
  let stop = new AbortController();
  let pumping = false;

  async function pump(): Promise<void> {
    pumping = true;
    try {
      while (waiters.length > 0) {
        if (stop.signal.aborted) stop = new AbortController();
        await servePart(options, waiters, stop.signal);
      }
    } catch (error) {
      for (const waiter of waiters.splice(0)) waiter.fail(error);
    } finally {
      pumping = false;
    }
  }

  function leave(waiter: Waiter): void {
    const place = waiters.indexOf(waiter);
    if (place >= 0) waiters.splice(place, 1);
    if (waiters.length === 0) stop.abort();
  }

  return {
    wait(count, perSecond, signal) {
      return new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        const onAbort = () => {
          leave(waiter);
          reject(signal.reason);
        };
        const done = () => signal.removeEventListener('abort', onAbort);
        const admit = () => {
          done();
          resolve();
        };
        const fail = (error: unknown) => {
          done();
          reject(error);
        };
        const waiter: Waiter = { count, perSecond, admit, fail };
        signal.addEventListener('abort', onAbort, { once: true });
        waiters.push(waiter);
        if (!pumping) pump();
      });
    },
  };
}

/** Reserves slots for the first who wait and admits one after the other when its slot comes. */
async function servePart(options: RateLineOptions, waiters: Waiter[], stop: AbortSignal): Promise<void> {
  const { run, clock, name, recovery, recoveryShare } = options;
  const perSecond = waiters[0]?.perSecond ?? 1;
  const sizes = firstSizes(waiters, recovery ? 1 : Math.floor((perSecond * batchMs) / 1000));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const asked = [name, total, perSecond, recoveryShare, recovery ? '1' : '0', aheadMsMax * 1000];
  const [delayUs, stepUs, field, finish] = (await run(reserveScript, ...asked)) as string[];
  const firstAt = clock.monotonic() + Number(delayUs) / 1000;
  if (stepUs === undefined || field === undefined || finish === undefined) {
    await reached(clock, Math.min(firstAt - aheadMsMax, clock.monotonic() + askAgainMs), stop);
    return;
  }

  let used = 0;
  for (const size of sizes) {
    const slotAt = firstAt + (used * Number(stepUs)) / 1000;
    if (!(await reached(clock, slotAt, stop))) {
      await run(giveBackScript, name, field, finish, (total - used) * Number(stepUs)).catch(() => undefined);
      return;
    }
    used += size;
    if (clock.monotonic() - slotAt <= lateMsMax) admitFirst(waiters, size);
  }
}

function firstSizes(waiters: readonly Waiter[], permitsMax: number): number[] {
  const sizes: number[] = [];
  let sum = 0;
  for (const { count } of waiters) {
    if (sizes.length > 0 && sum + count > permitsMax) break;
    sizes.push(count);
    sum += count;
  }
  return sizes;
}

/** Waits for an instant of monotonic time; false when nobody waits any more. */
async function reached(clock: Clock, at: number, stop: AbortSignal): Promise<boolean> {
  const ms = at - clock.monotonic();
  if (stop.aborted) return false;
  if (ms < 1) return true;
  return clock.sleep(ms, stop).then(
    () => true,
    () => false,
  );
}

/** Whoever has waited longest and fits; the slot is lost when those it was reserved for have gone. */
function admitFirst(waiters: Waiter[], size: number): void {
  const place = waiters.findIndex((waiter) => waiter.count <= size);
  const [waiter] = place < 0 ? [] : waiters.splice(place, 1);
  waiter?.admit();
}
