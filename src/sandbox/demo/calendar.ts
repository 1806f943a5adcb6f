/**
 * The demo's calendar. It runs many times faster than real time, and only as fast as this process gets to run: where the
 * machine is slow, busy or asleep, the calendar waits for it, so that weeks never pass without a single sweep.
 */
import type { Clock } from '../../runtime/clock.ts';

export const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;

export interface Calendar extends Clock {
  /** Calendar milliseconds per millisecond of real time; 0 stops it. */
  setSpeed(speed: number): void;
  /** Lets it go on: without another tick it stops within `stepMsMax`. */
  tick(): void;
}

/** Between two ticks of a process that runs freely. */
export const tickMs = 20;
/** Of the time between two ticks so much counts, ms: what is longer shows a process that is kept waiting. */
const stepMsMax = 2 * tickMs;

/** Stands still at `startAt` (epoch ms) until it is given a speed. */
export function createCalendar(clock: Clock, startAt: number): Calendar {
  let at = startAt;
  let speed = 0;
  let tickedMs = clock.monotonic();
  const now = () => at + Math.min(Math.max(clock.monotonic() - tickedMs, 0), stepMsMax) * speed;
  const tick = () => {
    at = now();
    tickedMs = clock.monotonic();
  };
  return {
    tick,
    now: () => Math.floor(now()),
    monotonic: () => clock.monotonic(),
    sleep: (ms, signal) => clock.sleep(ms, signal),
    setSpeed(next) {
      tick();
      speed = next;
    },
  };
}
