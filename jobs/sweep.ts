/** sweep: moves what is due into the queues, every few seconds. */
import { type SweepPorts, type SweepResult, type SweepSettings, sweep } from '../src/schedule/sweep.ts';
import type { CronJob } from './job.ts';

export function sweepJob(
  cron: string,
  ports: SweepPorts,
  settings: SweepSettings,
  done: (result: SweepResult) => void,
): CronJob {
  return { name: 'sweep', role: 'scheduler', cron, atStart: true, run: async () => done(await sweep(ports, settings)) };
}
