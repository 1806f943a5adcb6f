/** Everything that runs by the clock, in the order of a start: what was left open first, then what there is, then what is due. */
import type { CronJob } from './job.ts';

/** The jobs of a process with this role. */
export function jobsFor(role: 'all' | 'scheduler' | 'worker', jobs: readonly CronJob[]): readonly CronJob[] {
  return jobs.filter((job) => role === 'all' || job.role === role);
}
