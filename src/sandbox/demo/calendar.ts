/**
 * The demo's calendar. It runs many times faster than real time, and only while this process really runs: where the machine
 * stalls or sleeps for a while, the calendar stands still with it, so that weeks never pass without a single sweep.
 */
import type { Clock } from '../../runtime/clock.ts';

export const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;

/** Must be read at least every `stepMsMax` of real time to keep its pace; the demo's loop does. */
export interface Calendar extends Clock {
  /** Calendar milliseconds per millisecond of real time; 0 stops it. */
  setSpeed(speed: number): void;
}

/** Longest piece of real time between two looks that counts. */
const stepMsMax = 100;

/** Stands still at `startAt` (epoch ms) until it is given a speed. */
export function createCalendar(clock: Clock, startAt: number): Calendar {
  let at = startAt;
  let speed = 0;
  let lookedMs = clock.monotonic();
  const now = () => {
    const nowMs = clock.monotonic();
    at += Math.min(Math.max(nowMs - lookedMs, 0), stepMsMax) * speed;
    lookedMs = nowMs;
    return Math.floor(at);
  };
  return {
    now,
    monotonic: () => clock.monotonic(),
    sleep: (ms, signal) => clock.sleep(ms, signal),
    setSpeed(next) {
      now();
      speed = next;
    },
  };
}
