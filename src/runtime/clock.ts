/**
 * The two kinds of time Pilotlight knows.
 *
 * Calendar time carries deadlines, due instants and confirmations; tests and the demo turn it. Monotonic time carries
 * leases, request limits and drains; nobody turns it. Nothing else in `src/` reads the system clock.
 */
export interface Clock {
  /** Calendar time: milliseconds since the Unix epoch. */
  now(): number;
  /** Milliseconds since an arbitrary origin; never jumps, never runs backwards. */
  monotonic(): number;
  /** Resolves after `ms` of monotonic time; rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Node clamps longer timers to 1 ms, which would turn a long wait into a hot loop. */
const timerMsMax = 2 ** 31 - 1;

function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((wake, fail) => {
    if (signal?.aborted) return fail(signal.reason);
    const onAbort = () => {
      clearTimeout(timer);
      fail(signal?.reason);
    };
    const timer = setTimeout(
      () => {
        signal?.removeEventListener('abort', onAbort);
        wake();
      },
      Math.min(Math.max(ms, 0), timerMsMax),
    );
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** Runs something that can be told to give up, and tells it so after `ms` of monotonic time. */
export async function within<T>(clock: Clock, ms: number, act: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const late = new AbortController();
  const done = new AbortController();
  clock.sleep(ms, done.signal).then(
    () => late.abort(new Error('too late')),
    () => {},
  );
  try {
    return await act(late.signal);
  } finally {
    done.abort(over);
  }
}

/** A constant: an abort without a reason makes an error with a stack each time. */
const over = new Error('in time');

/**
 * Waits for something that nobody can tell to give up, for `ms` of monotonic time at most; answers `late` where it takes
 * longer. What it comes to after that is nobody's, a failure too.
 */
export function atMost<T, L>(clock: Clock, ms: number, something: Promise<T>, late: L): Promise<T | L> {
  return within(clock, ms, (overdue) =>
    Promise.race([
      something,
      new Promise<L>((end) => overdue.addEventListener('abort', () => end(late), { once: true })),
    ]),
  );
}

/** The machine's own clocks. Only `main` and test support build it. */
export function systemClock(): Clock {
  return { now: () => Date.now(), monotonic: () => performance.now(), sleep };
}
