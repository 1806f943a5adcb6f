/** census: counts connections by state and deadline, for metrics. */
import { type CensusPorts, countConnections } from '../src/schedule/count.ts';
import type { CronJob } from './job.ts';

/** Often enough for a dashboard; skipped while a large index was counted lately. */
const cron = '*/15 * * * * *';

export function censusJob(ports: CensusPorts): CronJob {
  return { name: 'census', role: 'scheduler', cron, atStart: true, run: () => countConnections(ports) };
}
