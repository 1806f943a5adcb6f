/**
 * How things are, as an exit code and the reasons for it: pure, from what `status` reads. Critical is what needs somebody
 * now, a warning what needs somebody soon. The help of `status` says the same in words.
 */
import { totalStates } from '../connection/census.ts';
import type { ConnectionState } from '../connection/entry.ts';
import { spanInWords } from '../connection/time-words.ts';
import type { Lamp, Overview, Status } from '../web/ports.ts';
import { counted } from './counted.ts';

export interface Finding {
  readonly level: 'warning' | 'critical';
  /** Stable word for scripts. */
  readonly code:
    | 'service_not_running'
    | 'run_late'
    | 'deadline_over'
    | 'deadline_near'
    | 'client_rejected'
    | 'record_unreadable'
    | 'connections_need_attention';
  readonly text: string;
}

/** A run is late after missing two: one may be slow. */
export const lateAfterPeriods = 3;

export function isLate({ lastAt, everyMs }: Lamp, now: number): boolean {
  return lastAt !== null && now - lastAt > lateAfterPeriods * everyMs;
}

/** States that somebody has to look at, and how bad each is. */
const troubled: Readonly<Partial<Record<ConnectionState, Finding['level']>>> = {
  quarantined: 'critical',
  blocked: 'warning',
  suspect: 'warning',
  reauth_required: 'warning',
  unkeepable: 'warning',
  sealed: 'warning',
  invalid: 'warning',
};

export function findingsOf({ overview, rows }: Status, serviceRuns: boolean): Finding[] {
  return [
    ...serviceFindings(overview, serviceRuns),
    ...deadlineFindings(rows),
    ...overview.breakers.map(({ at }): Finding => {
      return { level: 'critical', code: 'client_rejected', text: `client ${at.client} is rejected at ${at.host}` };
    }),
    ...spoolFindings(overview),
    ...stateFindings(overview),
  ];
}

export function worstOf(findings: readonly Finding[]): 'healthy' | 'warning' | 'critical' {
  if (findings.some(({ level }) => level === 'critical')) return 'critical';
  return findings.length > 0 ? 'warning' : 'healthy';
}

function serviceFindings({ lamps, census, now }: Overview, serviceRuns: boolean): Finding[] {
  if (!serviceRuns) {
    // Nothing dies of it where there is nothing to keep alive.
    const level = census.total > 0 ? 'critical' : 'warning';
    return [{ level, code: 'service_not_running', text: 'no service is running on this Redis (pilotlight run)' }];
  }
  return lamps
    .filter((lamp) => isLate(lamp, now))
    .map(({ name, lastAt }) => ({
      level: 'critical',
      code: 'run_late',
      text: `${name} is late: last ended ${spanInWords(now - (lastAt ?? now))} ago`,
    }));
}

function deadlineFindings(rows: Status['rows']): Finding[] {
  const live = rows.filter(({ entry }) => entry.state !== 'reauth_required');
  const count = (urgency: string) => live.filter((row) => row.urgency === urgency).length;
  const [over, page, warn] = [count('over'), count('page'), count('warn')];
  const findings: Finding[] = [];
  if (over > 0)
    findings.push({
      level: 'critical',
      code: 'deadline_over',
      text: `${counted(over, 'connection')} past the deadline`,
    });
  if (page > 0)
    findings.push({ level: 'critical', code: 'deadline_near', text: `${counted(page, 'connection')} near death` });
  if (warn > 0)
    findings.push({
      level: 'warning',
      code: 'deadline_near',
      text: `${counted(warn, 'connection')} closer to the deadline than it should come`,
    });
  return findings;
}

function spoolFindings({ spool }: Overview): Finding[] {
  if (spool.unreadable === 0) return [];
  return [
    {
      level: 'critical',
      code: 'record_unreadable',
      text: `${counted(spool.unreadable, 'spool record')} cannot be opened`,
    },
  ];
}

function stateFindings({ census }: Overview): Finding[] {
  const counts = totalStates(census);
  return (Object.entries(troubled) as [ConnectionState, Finding['level']][]).flatMap(([state, level]) =>
    counts[state] === 0
      ? []
      : [
          {
            level,
            code: 'connections_need_attention' as const,
            text: `${counts[state]} ${state} (pilotlight list --state ${state})`,
          },
        ],
  );
}
