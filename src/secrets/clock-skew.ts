/**
 * How far the store's clock is from ours, told from the Date header of its answers. AWS refuses signatures more than five
 * minutes off, and deadlines are only as right as the clock they are held against. Pure but for the watch, which remembers.
 */
import type { Logger } from '../runtime/logger.ts';

/** One answer: what its Date header said, and when on our calendar it was asked for and came (epoch ms). */
export interface ServerDate {
  readonly serverAt: number;
  readonly sentAt: number;
  readonly receivedAt: number;
}

export interface Skew {
  /** The store's clock minus ours, ms: positive where ours is behind. */
  readonly skewMs: number;
  /** How far off that may be either way, ms. */
  readonly marginMs: number;
}

/** A Date header tells whole seconds (RFC 9110, 5.6.7). */
const resolutionMs = 1_000;
/** An answer that was longer under way says too little. */
const roundTripMsMax = 10_000;

/**
 * The header was made at some instant between the request and its answer, and in any of the milliseconds of its second: the
 * middle of what is possible, and how wide that is. Undefined where the round trip says nothing, as when our calendar was
 * turned meanwhile.
 */
export function skewOf({ serverAt, sentAt, receivedAt }: ServerDate): Skew | undefined {
  const roundTripMs = receivedAt - sentAt;
  if (!Number.isFinite(serverAt) || !(roundTripMs >= 0 && roundTripMs <= roundTripMsMax)) return undefined;
  const [leastMs, mostMs] = [serverAt - receivedAt, serverAt + resolutionMs - sentAt];
  return { skewMs: (leastMs + mostMs) / 2, marginMs: (mostMs - leastMs) / 2 };
}

/** Whether a skew is beyond the limit for certain, within it for certain, or cannot be told apart. */
export function judgeSkew({ skewMs, marginMs }: Skew, limitMs: number): 'beyond' | 'within' | 'unclear' {
  const size = Math.abs(skewMs);
  if (size - marginMs > limitMs) return 'beyond';
  return size + marginMs < limitMs ? 'within' : 'unclear';
}

/** Worth a word: a well-kept clock is within a second, and AWS's five minutes are far enough away to mend it in time. */
export const skewLimitMs = 60_000;

export interface SkewWatch {
  /** One more answer. Never throws. */
  seen(date: ServerDate): void;
  /** The last that could be told; undefined before the first. */
  read(): Skew | undefined;
}

/** Logs once when the clocks have parted and once when they agree again. */
export function createSkewWatch(log: Pick<Logger, 'info' | 'warn'>, limitMs = skewLimitMs): SkewWatch {
  let last: Skew | undefined;
  let parted = false;
  return {
    read: () => last,
    seen(date) {
      const skew = skewOf(date);
      if (skew === undefined) return;
      last = skew;
      const verdict = judgeSkew(skew, limitMs);
      if (verdict === 'unclear' || (verdict === 'beyond') === parted) return;
      parted = verdict === 'beyond';
      const seconds = Math.round(skew.skewMs / 1_000);
      if (parted) log.warn('store.clock_apart', { seconds, limitSeconds: limitMs / 1_000 });
      else log.info('store.clock_agrees', { seconds });
    },
  };
}
