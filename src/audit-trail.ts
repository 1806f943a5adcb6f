/** The audit trail of one process: its file in the data folder, with a copy on standard output where asked for, closed last. */
import { join } from 'node:path';
import type { Closers } from './runtime/closers.ts';
import { errorLabel } from './runtime/errors.ts';
import { makePrivateFolder } from './runtime/folder.ts';
import type { Services } from './services.ts';
import { type Audit, createAudit } from './telemetry/audit.ts';
import { withCopy } from './telemetry/audit-copy.ts';
import { type AuditFile, openAuditFile } from './telemetry/audit-file.ts';
import { logDestination } from './telemetry/log.ts';
import type { Metrics } from './telemetry/metrics.ts';

/** Between two words about a trail that fails: a full disk fails every line. */
const wordsEveryMs = 600_000;

/** Opens the service's own. Throws config_invalid where the file cannot be opened. */
export async function openTrail(services: Services, metrics: Metrics, closers: Closers): Promise<Audit> {
  const { config, deps } = services;
  await makePrivateFolder(config.dataDir).catch(() => undefined);
  const onFailure = failureOf(services, 'audit.log', metrics);
  const file = openStream(services, 'audit.log', onFailure);
  closers.push('audit', () => file.close());
  const write = config.audit.stdout
    ? withCopy({ file: file.write, copy: copyTo(1), onFailure: (error) => onFailure(errorLabel(error)) })
    : file.write;
  return createAudit({ write, previous: file.previous, clock: deps.clock, onFailure });
}

/**
 * Opens a command's own, in a file beside the service's: two writers on one stream would break its chain. Standard output is
 * the command's. Throws config_invalid.
 */
export function openCommandTrail(
  services: Services,
  metrics: Pick<Metrics, 'auditFailure'>,
): { readonly trail: Audit; close(): void } {
  const onFailure = failureOf(services, 'audit-flush.log', metrics);
  const file = openStream(services, 'audit-flush.log', onFailure);
  const trail = createAudit({ ...file, clock: services.deps.clock, onFailure });
  return { trail, close: () => file.close() };
}

function openStream({ config, deps }: Services, name: string, onFailure: (label: string) => void): AuditFile {
  const { maxBytes, keep } = config.audit;
  const { clock, random } = deps;
  return openAuditFile(join(config.dataDir, name), { maxBytes, keep, clock, random, onFailure });
}

function copyTo(descriptor: number): (line: string) => unknown {
  const out = logDestination(descriptor);
  return (line) => out.write(line);
}

/** Every failure is counted; the log names the file now and then. */
function failureOf(
  { config, deps }: Services,
  name: string,
  metrics: Pick<Metrics, 'auditFailure'>,
): (label: string) => void {
  let saidMs = Number.NEGATIVE_INFINITY;
  return (label) => {
    metrics.auditFailure();
    if (deps.clock.monotonic() - saidMs < wordsEveryMs) return;
    saidMs = deps.clock.monotonic();
    deps.log.error('audit.failed', { file: join(config.dataDir, name), code: label });
  };
}
