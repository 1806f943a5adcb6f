/**
 * The tick: node-cron says when, a job says what. A run that is still going on is never doubled; the tick after a failing run
 * tries again. A job that goes on failing in the same way is logged once, and once more when it works again: an outage of days
 * must not bury the log.
 */
import { schedule } from 'node-cron';
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

export function createTicker(jobs: readonly Ticked[], { log, ran, failed, ended }: CronOptions): Ticker {
  const running = new Map<string, Promise<void>>();
  const failing = new Map<string, { readonly label: string; readonly times: number }>();
  const tasks: { stop(): unknown; destroy(): unknown }[] = [];
  let stopping = false;

  const run = (job: Ticked): Promise<void> => {
    const under = running.get(job.name);
    if (under !== undefined || stopping) return under ?? Promise.resolve();
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

  return {
    async start() {
      for (const job of jobs) {
        tasks.push(
          schedule(job.cron, () => run(job), { name: job.name, timezone: 'UTC', suppressMissedWarning: true }),
        );
      }
      await Promise.all(jobs.filter((job) => job.atStart).map(run));
    },
    async stop() {
      stopping = true;
      for (const task of tasks) await task.destroy();
      await Promise.all(running.values());
    },
  };
}
