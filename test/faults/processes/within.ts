/** A bound on waiting for an event. */
import { systemClock } from '../../../src/runtime/clock.ts';

/** Whether it came to pass in time; what it rejects with is thrown. */
export async function within(something: Promise<unknown>, ms: number): Promise<boolean> {
  const stop = new AbortController();
  const late = systemClock()
    .sleep(ms, stop.signal)
    .then(
      () => false,
      () => false,
    );
  try {
    return await Promise.race([something.then(() => true), late]);
  } finally {
    stop.abort();
  }
}

/** Looks until it is so; false when the time is up. */
export async function until(isSo: () => boolean, ms: number): Promise<boolean> {
  const clock = systemClock();
  const untilMs = clock.monotonic() + ms;
  while (!isSo()) {
    if (clock.monotonic() >= untilMs) return false;
    await clock.sleep(20);
  }
  return true;
}
