/** What a job is. Jobs say what runs, when and under which name; how it is done is one function of `src/`. */

/** A job that a cron tick runs in the process itself. Each run derives everything anew: a lost or double tick is harmless. */
export interface CronJob {
  readonly name: string;
  /** Which role runs it. */
  readonly role: 'scheduler' | 'worker';
  /** Six fields, seconds first, UTC. */
  readonly cron: string;
  /** Run once at start as well, before the first tick. */
  readonly atStart: boolean;
  run(): Promise<void>;
}
