/**
 * How workers end: they take nothing more, what runs is waited for up to a limit, and their connections are let go of within
 * a bound. Redis may be away meanwhile, or hang: BullMQ alone would wait for it without end. What is left undone in Redis is
 * done again by another worker.
 */
import type { Worker } from 'bullmq';
import { atMost, type Clock } from '../runtime/clock.ts';

/** The work of one or several workers that has begun and not ended. */
export interface UnderWay {
  /** The work itself, counted until it ends. */
  during(work: Promise<void>): Promise<void>;
  count(): number;
  /** Resolves when nothing is under way, what begins meanwhile included. */
  idle(): Promise<void>;
}

export function createUnderWay(): UnderWay {
  const works = new Set<Promise<void>>();
  return {
    async during(work) {
      works.add(work);
      try {
        await work;
      } finally {
        works.delete(work);
      }
    },
    count: () => works.size,
    async idle() {
      while (works.size > 0) await Promise.allSettled(works);
    },
  };
}

export interface WindDown {
  /**
   * Takes nothing more and waits up to `limitMs` of monotonic time for what runs. Answers how much still runs then. An idle
   * worker is quiet at once; without Redis, a second later.
   */
  quiet(limitMs: number): Promise<number>;
  /** Ends the connections, within a bound and without waiting for what runs. */
  letGo(): Promise<void>;
}

/** As long as Redis may take to answer: BullMQ has told by then what it holds, if it ever can. */
const settleMs = 1_000;
/** Longest wait for BullMQ to let go of its connections. */
const letGoMsMax = 3_000;

export function windDown(workers: readonly Worker[], underWay: UnderWay, clock: Clock): WindDown {
  let released: Promise<unknown> | undefined;
  return {
    async quiet(limitMs) {
      const untilMs = clock.monotonic() + limitMs;
      const left = () => Math.max(0, untilMs - clock.monotonic());
      // Stops the fetching at once; resolves when what was fetched is done and Redis knows of it. Without Redis: never.
      const paused = Promise.allSettled(workers.map((worker) => worker.pause())).then(() => true);
      for (;;) {
        await atMost(clock, left(), Promise.race([paused, underWay.idle()]), undefined);
        // Idle may mean: fetched and not begun, or ended and not yet told to Redis.
        const settled = await atMost(clock, Math.min(left(), settleMs), paused, false);
        if (settled || underWay.count() === 0 || left() === 0) return underWay.count();
      }
    },
    async letGo() {
      released ??= atMost(
        clock,
        letGoMsMax,
        Promise.allSettled(workers.map((worker) => worker.close(true))),
        undefined,
      );
      await released;
    },
  };
}
