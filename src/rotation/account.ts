/** What follows from a report, in one place: the index, one log line, and whoever else listens (metrics, audit). */

import { errorLabel } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import { consequenceOf, type RotationReport } from './outcome.ts';
import type { ConnectionIndex } from './ports.ts';

export interface Accounting {
  readonly index: ConnectionIndex;
  readonly log: Logger;
  /** Told of every report; must not throw. */
  readonly observe: (report: RotationReport) => void;
}

/** Never throws: what Redis misses is learnt again from the store. */
export async function account(report: RotationReport, { index, log, observe }: Accounting): Promise<void> {
  try {
    if (report.outcome === 'gone') await index.remove([report.connection]);
    else if (report.entry !== undefined) await index.put([report.entry]);
  } catch (error) {
    log.warn('index.write_failed', { connection: report.connection, code: errorLabel(error) });
  }
  const { level: usual, concerns } = consequenceOf(report.outcome);
  const level = isOutage(report) || report.toldBefore === true ? 'debug' : usual;
  log[level](`rotation.${report.outcome.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`, {
    connection: report.connection,
    provider: report.at?.provider,
    client: report.at?.client,
    asked: report.asked,
    reason: report.reason === 'none' ? undefined : report.reason,
    concerns: concerns === 'nobody' ? undefined : concerns,
    status: report.status,
    error: report.error,
    description: report.description,
    requestId: report.requestId,
    attempt: report.attempt,
    versionOld: report.versionOld,
    versionNew: report.versionNew,
    foreign: report.foreign,
    oddities: report.oddities?.length === 0 ? undefined : report.oddities,
    breakerOpened: report.breakerOpened === true ? true : undefined,
    nextAt:
      report.entry?.nextAt === undefined || report.entry.nextAt === null
        ? undefined
        : new Date(report.entry.nextAt).toISOString(),
    totalMs: Math.round(report.totalMs),
  });
  observe(report);
}

/** Recovery comes round twice a minute: that the store or Redis is away is said once, by whoever watches them. */
function isOutage({ asked, outcome, reason }: RotationReport): boolean {
  const away = reason === 'store_unavailable' || reason === 'store_throttled' || reason === 'redis_unavailable';
  return asked === 'recover' && outcome === 'retryLater' && away;
}
