/** watch: finds out what on-call should know of, and queues what channels are owed. By every role: a scheduler that is gone is one of those things. */
import { type Looked, type WatchPorts, type WatchSettings, watch } from '../src/alerts/watch.ts';
import type { CronJob } from './job.ts';

export function watchJob(
  cron: string,
  role: 'scheduler' | 'worker',
  ports: WatchPorts,
  settings: WatchSettings,
  /** Told undefined where this process has not looked: another did, or the look failed. What it saw before is old then. */
  done: (looked: Looked | undefined) => void,
): CronJob {
  return {
    name: 'watch',
    role,
    cron,
    atStart: false,
    async run() {
      try {
        done(await watch(ports, settings));
      } catch (error) {
        done(undefined);
        throw error;
      }
    },
  };
}
