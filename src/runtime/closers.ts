/**
 * Whatever is opened pushes its own close; stopping unwinds in reverse order. One failing close never keeps the others
 * from running; the first failure is thrown at the end. Nor does one that hangs: it is waited for up to its limit, named in
 * the log and left behind.
 */
import { atMost, type Clock } from './clock.ts';
import type { Logger } from './logger.ts';

export interface Closers {
  /** `limitMs`: longest this close is waited for, where it may rightly take longer than others. */
  push(name: string, close: () => unknown | Promise<unknown>, limitMs?: number): void;
  closeAll(): Promise<void>;
}

export interface ClosersOptions {
  readonly clock: Clock;
  readonly log: Logger;
}

/** What closes bounds itself far below this: what takes longer will never end. Monotonic time, ms. */
const closeMsMax = 10_000;

/** Without options every close is waited for, however long it takes. */
export function createClosers(options?: ClosersOptions): Closers {
  const stack: { name: string; close: () => unknown; limitMs: number }[] = [];
  return {
    push(name, close, limitMs = closeMsMax) {
      stack.push({ name, close, limitMs });
    },
    async closeAll() {
      let firstFailure: unknown;
      for (let entry = stack.pop(); entry !== undefined; entry = stack.pop()) {
        const { name, close, limitMs } = entry;
        try {
          const closed = Promise.resolve(close()).then(() => true);
          const inTime = options === undefined ? await closed : await atMost(options.clock, limitMs, closed, false);
          if (!inTime) options?.log.warn('close.overdue', { what: name, limitMs });
        } catch (error) {
          firstFailure ??= new Error(`closing ${name} failed`, { cause: error });
        }
      }
      if (firstFailure !== undefined) throw firstFailure;
    },
  };
}
