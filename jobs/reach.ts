/** reach: asks the store for one page of its list where nobody has asked it anything for a minute, or where it is away. */
import type { SecretStore } from '../src/rotation/ports.ts';
import type { CronJob } from './job.ts';

const cron = '*/15 * * * * *';
const quietMsMax = 60_000;

export interface ReachPorts {
  readonly store: Pick<SecretStore, 'list'>;
  /** Monotonic ms since the store was last heard of. */
  readonly quietMs: () => number;
  readonly away: () => boolean;
}

/** By every role: an idle worker would otherwise go on saying what it knew last. */
export function reachJob(role: 'scheduler' | 'worker', { store, quietMs, away }: ReachPorts): CronJob {
  return {
    name: 'reach',
    role,
    cron,
    atStart: true,
    async run() {
      if (quietMs() < quietMsMax && !away()) return;
      try {
        for await (const _ of store.list()) break;
      } catch {
        // Whoever watches the store's calls has heard it, and says it once.
      }
    },
  };
}
