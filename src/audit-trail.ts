/** The audit trail of one process: its file in the data folder, closed last. */
import { join } from 'node:path';
import type { Closers } from './runtime/closers.ts';
import { makePrivateFolder } from './runtime/folder.ts';
import type { Services } from './services.ts';
import { type Audit, createAudit } from './telemetry/audit.ts';
import { openAuditFile } from './telemetry/audit-file.ts';
import type { Metrics } from './telemetry/metrics.ts';

/** Throws config_invalid where the file cannot be opened. */
export async function openTrail({ config, deps }: Services, metrics: Metrics, closers: Closers): Promise<Audit> {
  await makePrivateFolder(config.dataDir).catch(() => undefined);
  const file = openAuditFile(join(config.dataDir, 'audit.log'));
  closers.push('audit', () => file.close());
  return createAudit({ ...file, clock: deps.clock, onFailure: () => metrics.auditFailure() });
}
