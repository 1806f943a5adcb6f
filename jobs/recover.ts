/** recover: finishes what a crash or an outage of the store left in this worker's spool; at start and by cron. */
import { type Accounting, account } from '../src/rotation/account.ts';
import type { RotationPorts } from '../src/rotation/attempt.ts';
import { recover } from '../src/rotation/recover.ts';
import type { RotationSettings } from '../src/rotation/settings.ts';
import type { CronJob } from './job.ts';

export function recoverJob(
  cron: string,
  ports: RotationPorts,
  settings: RotationSettings,
  accounting: Accounting,
): CronJob {
  const run = async () => {
    for await (const report of recover(ports, settings)) await account(report, accounting);
  };
  return { name: 'recover', role: 'worker', cron, atStart: true, run };
}
