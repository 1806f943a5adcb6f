/** What is to happen at an instant of virtual time, in order; of one instant, in the order it was asked for. */

export interface Timers {
  /** Answers how to take it back. */
  add(at: number, act: () => void, owner?: object): () => void;
  /** Takes back everything that was asked for by one. */
  dropOf(owner: object): void;
  /** Infinity when there is none. */
  nextAt(): number;
  /** Takes the next one out. */
  take(): () => void;
  readonly size: number;
}

interface Timer {
  readonly at: number;
  readonly act: () => void;
  readonly owner: object | undefined;
}

export function createTimers(): Timers {
  // Last is next: few are waited for at a time, and most are taken back or are the next one.
  let timers: Timer[] = [];
  return {
    add(at, act, owner) {
      const timer = { at, act, owner };
      let place = timers.length;
      while (place > 0 && (timers[place - 1]?.at ?? 0) <= at) place -= 1;
      timers.splice(place, 0, timer);
      return () => {
        const now = timers.indexOf(timer);
        if (now >= 0) timers.splice(now, 1);
      };
    },
    dropOf: (owner) => {
      timers = timers.filter((timer) => timer.owner !== owner);
    },
    nextAt: () => timers[timers.length - 1]?.at ?? Number.POSITIVE_INFINITY,
    take: () => timers.pop()?.act ?? (() => {}),
    get size() {
      return timers.length;
    },
  };
}
