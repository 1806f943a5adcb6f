/** From a rotation's report to metrics and the audit trail: the one place where both are fed. */
import type { RotationReport } from '../rotation/outcome.ts';
import type { Audit } from './audit.ts';
import { consentCauses, type ForeignWriteKind } from './labels.ts';
import type { Metrics } from './metrics.ts';

const foreignKinds: Readonly<Record<NonNullable<RotationReport['foreign']>, ForeignWriteKind>> = {
  saved_other_field: 'merged',
  refreshed: 'replaced',
  restored_spent_token: 'spent_token',
  version_taken: 'replaced',
};

/** Never throws. `now` is calendar time (epoch ms). */
export function createObserver(metrics: Metrics, audit: Audit, now: () => number): (report: RotationReport) => void {
  return (report) => {
    if (isNoAttempt(report)) return;
    const provider = report.at?.provider ?? '';
    metrics.rotation({
      provider,
      outcome: report.outcome,
      durationMs: report.requestMs === undefined ? undefined : report.totalMs,
      marginMs: report.marginMs,
      tokenReplaced: report.fingerprintNew !== undefined && report.fingerprintNew !== report.fingerprintOld,
      oddities: report.oddities,
    });
    if (report.outcome === 'busy') metrics.leaseContention(provider);
    const cause = consentCauses.find((word) => word === report.reason);
    if (report.outcome === 'needsConsent' && cause !== undefined) metrics.needsConsent(provider, cause);
    if (report.foreign !== undefined) metrics.foreignWrite(foreignKinds[report.foreign]);
    if (report.requestMs !== undefined) metrics.tokenEndpoint(provider, answerOf(report), report.requestMs);
    if (report.sealMs !== undefined) metrics.sealed(report.sealMs);
    if (report.attempt !== undefined) auditAttempt(report, audit, now());
  };
}

/** Recovery spends nothing: where it only looked, at what was told before or in vain, nothing was attempted. */
function isNoAttempt({ asked, outcome, toldBefore }: RotationReport): boolean {
  return toldBefore === true || (asked === 'recover' && outcome === 'retryLater');
}

function answerOf({ status, reason }: RotationReport): number | 'none' | 'not_sent' {
  return status ?? (reason === 'network' ? 'not_sent' : 'none');
}

function auditAttempt(report: RotationReport, audit: Audit, settledAt: number): void {
  const { requestMs, sealMs, writeMs, totalMs } = report;
  const phases = Object.entries({ request: requestMs, seal: sealMs, write: writeMs, total: totalMs });
  audit.record({
    attempt: report.attempt ?? '',
    connection: report.connection,
    provider: report.at?.provider ?? '',
    environment: report.at?.environment ?? '',
    client: report.at?.client ?? '',
    reason: report.asked,
    versionOld: report.versionOld ?? '',
    versionNew: report.versionNew,
    fingerprintOld: report.fingerprintOld ?? '',
    fingerprintNew: report.fingerprintNew,
    outcome: report.outcome,
    status: report.status,
    error: report.error,
    phasesMs: Object.fromEntries(phases.filter((phase): phase is [string, number] => phase[1] !== undefined)),
    startedAt: report.startedAt ?? settledAt - totalMs,
  });
}
