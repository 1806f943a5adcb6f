/**
 * One calendar for two processes. It is reckoned from the machine's monotonic counter, which all processes share, so that
 * service and world read the same date without asking each other; only a change of speed is told, ahead of its time.
 */
import type { Clock } from '../../src/runtime/clock.ts';

/** From `fromMs` (machine's monotonic counter) on the calendar stands at `at` (epoch ms) and runs `speed` times real time. */
export interface Stretch {
  readonly fromMs: number;
  readonly at: number;
  readonly speed: number;
}

export interface SharedCalendar extends Clock {
  /** Takes over a stretch that begins later than the last. */
  follow(stretch: Stretch): void;
  /** The stretch that would begin at `fromMs` with another speed. */
  next(fromMs: number, speed: number): Stretch;
}

/** Milliseconds of the machine's monotonic counter: the same in every process, unlike `performance.now`. */
export function machineMs(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}

/** `ownClock` gives monotonic time and sleep; `counterMs` is `machineMs` but in its own test. */
export function createSharedCalendar(
  first: Stretch,
  ownClock: Pick<Clock, 'monotonic' | 'sleep'>,
  counterMs: () => number = machineMs,
): SharedCalendar {
  let stretches: readonly Stretch[] = [first];
  const at = (ms: number) => {
    const stretch = stretches.findLast(({ fromMs }) => fromMs <= ms) ?? first;
    return stretch.at + Math.max(0, ms - stretch.fromMs) * stretch.speed;
  };
  return {
    now: () => Math.floor(at(counterMs())),
    monotonic: () => ownClock.monotonic(),
    sleep: (ms, signal) => ownClock.sleep(ms, signal),
    next: (fromMs, speed) => ({ fromMs, at: at(fromMs), speed }),
    follow(stretch) {
      // The one before is needed until the new one has begun.
      stretches = [...stretches.slice(-1), stretch];
    },
  };
}
