/**
 * refresh: rotates one connection. Put into its provider's queue by the sweep (or by a person), at most one at a time for
 * a connection. The payload names the connection and why; the token is read under the lease and never travels.
 */
import { z } from 'zod';
import { type Accounting, account } from '../src/rotation/account.ts';
import type { RotationPorts } from '../src/rotation/attempt.ts';
import type { RotationReport } from '../src/rotation/outcome.ts';
import { rotate } from '../src/rotation/rotate.ts';
import type { RotationSettings } from '../src/rotation/settings.ts';
import { type JobDefinition, type RefreshJob, refreshReasons } from '../src/schedule/ports.ts';

/** What a job carries. Secrets Manager allows names of 512 characters. */
const payload = z.strictObject({ connection: z.string().min(1).max(512), reason: z.enum(refreshReasons) });

/** A failed rotation is no failed job: the index brings the connection back when it is time. */
export const refreshJob: JobDefinition = {
  name: 'refresh',
  attempts: 2,
  retryMs: 5_000,
  read: (data) => payload.safeParse(data).data,
};

/** The time limit is the lease's: request limit and write limit fit into it, checked by config. */
export async function runRefresh(
  job: RefreshJob,
  deps: { readonly ports: RotationPorts; readonly settings: RotationSettings; readonly accounting: Accounting },
  signal: AbortSignal,
): Promise<RotationReport> {
  const report = await rotate(job, deps.ports, deps.settings, signal);
  await account(report, deps.accounting);
  return report;
}
