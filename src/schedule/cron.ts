/**
 * The tick: node-cron says when, a job says what. Every second is asked about by itself, so that a machine's clock that is set
 * leaves no job waiting for the time it was set back by, nor makes anybody walk through the time it was set forward by. A run
 * that is still going on is never doubled; the tick after a failing run tries again. A job that goes on failing in the same way is logged once, and once more when it works again: an outage of days
 * must not bury the log.
 */
import { createTask } from 'node-cron';
import type { Clock } from '../runtime/clock.ts';
import { describeError, errorLabel } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logger.ts';

/** A job as `jobs/` describes it. */
export interface Ticked {
  readonly name: string;
  readonly cron: string;
  readonly atStart: boolean;
  run(): Promise<void>;
}

export interface CronOptions {
  readonly log: Logger;
  /** The machine's own calendar, epoch ms. */
  readonly now: () => number;
  readonly sleep: Clock['sleep'];
  /** Told of every run that succeeded: the dead man's lamp. */
  readonly ran: (name: string) => void;
  /** Told of every run that failed. */
  readonly failed?: (name: string) => void;
  /** Told of every run that ended, well or not: the process makes progress. */
  readonly ended: () => void;
}

export interface Ticker {
  /** Lets the clock tick and begins the first runs; resolves when these have come to their end, which nothing waits for. */
  start(): Promise<void>;
  /** Takes no more ticks and waits for what runs. */
  stop(): Promise<void>;
}

/** Seconds a busy process is late by are made up for, so many; what lies further apart is a clock that was set. */
const madeUpForMax = 60;

/** The seconds to be asked about now, the last ones asked about being given; all as seconds since the epoch. Pure. */
export function secondsSince(last: number, now: number): readonly number[] {
  if (now === last) return [];
  if (now < last || now > last + madeUpForMax) return [now];
  return Array.from({ length: now - last }, (_, place) => last + 1 + place);
}

export function createTicker(jobs: readonly Ticked[], options: CronOptions): Ticker {
  const { log, now, sleep, ran, failed, ended } = options;
  const running = new Map<string, Promise<void>>();
  const failing = new Map<string, { readonly label: string; readonly times: number }>();
  const tasks = jobs.map((job) => ({ job, task: createTask(job.cron, () => {}, { timezone: 'UTC' }) }));
  const stopping = new AbortController();
  let ticking: Promise<void> | undefined;

  const run = (job: Ticked): Promise<void> => {
    const under = running.get(job.name);
    if (under !== undefined || stopping.signal.aborted) return under ?? Promise.resolve();
    const fresh = job
      .run()
      .then(() => {
        const times = failing.get(job.name)?.times;
        if (failing.delete(job.name)) log.info('job.works_again', { job: job.name, failures: times });
        ran(job.name);
      })
      .catch((error: unknown) => {
        const [label, before] = [errorLabel(error), failing.get(job.name)];
        failing.set(job.name, { label, times: (before?.times ?? 0) + 1 });
        if (before?.label !== label) log.error('job.failed', { job: job.name, ...describeError(error) });
        failed?.(job.name);
      })
      .finally(() => {
        running.delete(job.name);
        ended();
      });
    running.set(job.name, fresh);
    return fresh;
  };

  async function tick(): Promise<void> {
    let last = Math.floor(now() / 1_000);
    while (!stopping.signal.aborted) {
      await sleep(1_000 - (now() % 1_000), stopping.signal).catch(() => {});
      const second = Math.floor(now() / 1_000);
      const dates = secondsSince(last, second).map((each) => new Date(each * 1_000));
      last = second;
      for (const { job, task } of tasks) if (dates.some((date) => task.match(date))) run(job);
    }
  }

  return {
    async start() {
      ticking = tick();
      await Promise.all(jobs.filter((job) => job.atStart).map(run));
    },
    async stop() {
      stopping.abort();
      await ticking;
      for (const { task } of tasks) await task.destroy();
      await Promise.all(running.values());
    },
  };
}
