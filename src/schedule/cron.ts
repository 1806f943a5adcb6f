/**
 * The tick: node-cron says when, a job says what. A run that is still going on is never doubled; a failing run is logged
 * and the next tick tries again.
 */
import { schedule } from 'node-cron';
import { describeError } from '../runtime/errors.ts';
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
  /** Told of every run that ended, well or not: the process makes progress. */
  readonly ended: () => void;
}

export interface Ticker {
  /** Lets the clock tick and begins the first runs; resolves when these have come to their end, which nothing waits for. */
  start(): Promise<void>;
  /** Takes no more ticks and waits for what runs. */
  stop(): Promise<void>;
}

export function createTicker(jobs: readonly Ticked[], { log, ran, ended }: CronOptions): Ticker {
  const running = new Map<string, Promise<void>>();
  const tasks: { stop(): unknown; destroy(): unknown }[] = [];
  let stopping = false;

  const run = (job: Ticked): Promise<void> => {
    const under = running.get(job.name);
    if (under !== undefined || stopping) return under ?? Promise.resolve();
    const fresh = job
      .run()
      .then(() => ran(job.name))
      .catch((error: unknown) => log.error('job.failed', { job: job.name, ...describeError(error) }))
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
