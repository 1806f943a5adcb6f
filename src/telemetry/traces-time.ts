/**
 * Instants of spans. Durations come from monotonic time; the calendar only says where it lies, and is asked again when it was
 * set or has drifted, so that spans of one process stay in order among themselves.
 */
import type { Clock } from '../runtime/clock.ts';

/** Calendar and monotonic time may part by so much before the one is laid anew over the other, ms. */
const driftMsMax = 5;

/** Seconds and nanoseconds since the Unix epoch, as OpenTelemetry wants them, of an instant of monotonic time (ms). */
export function spanTimes(clock: Pick<Clock, 'now' | 'monotonic'>): (monotonicMs: number) => [number, number] {
  const offset = () => clock.now() - clock.monotonic();
  let originMs = offset();
  return (monotonicMs) => {
    const fresh = offset();
    if (Math.abs(fresh - originMs) > driftMsMax) originMs = fresh;
    const us = Math.round((originMs + monotonicMs) * 1_000);
    const seconds = Math.floor(us / 1e6);
    return [seconds, (us - seconds * 1e6) * 1_000];
  };
}
