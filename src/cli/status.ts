/** `pilotlight status`: one screen that says whether all is well, and an exit code that says it to scripts. */
import type { Command } from 'commander';
import { totalStates } from '../connection/census.ts';
import type { Status } from '../web/ports.ts';
import type { Opened } from './context.ts';
import { entryJson, isoOf } from './entry-view.ts';
import { exitCodes } from './exit-codes.ts';
import { usageError } from './failure.ts';
import type { Act, Invocation } from './invocation.ts';
import { wholeNumber } from './option-values.ts';
import type { Screen } from './screen.ts';
import { type Finding, findingsOf, isLate, worstOf } from './status-health.ts';
import { showStatus } from './status-view.ts';

interface Options {
  readonly watch?: true;
  readonly every: number;
}

/** Nearest deadlines that are judged; more are shown by `list`. */
const judgedMax = 200;

export function addStatus(program: Command, act: Act): void {
  program
    .command('status')
    .description('one screen: is all well? Exit code 0 healthy, 1 warnings, 2 critical')
    .option('-w, --watch', 'look again and again, until Ctrl-C (terminals only)')
    .option('--every <seconds>', 'how often --watch looks', wholeNumber(1, 3_600), 5)
    .addHelpText(
      'after',
      `
Exit codes
  2  critical: no service runs although there are connections; sweep or inventory is late by three of its periods; a
     connection is past its deadline or so near that on-call is paged (thresholds.page); a client is rejected; an answer
     is quarantined; a spool record cannot be opened
  1  warnings: a deadline nearer than thresholds.warn; connections blocked, suspect, sealed, invalid, unkeepable or in
     need of consent; no service and nothing to keep alive
  0  healthy
The ${judgedMax} nearest deadlines are judged. Also 1 where the status cannot be read, 64 and 78 as for every command.

Examples:
  pilotlight status
  pilotlight status --watch
  pilotlight status -o json || page-somebody`,
    )
    .action(act((invocation, options: Options) => status(invocation, options)));
}

async function status(invocation: Invocation, { watch, every }: Options): Promise<number> {
  const { context, screen } = invocation;
  if (watch !== true) return invocation.opened((opened) => look(opened, screen));
  if (!screen.terminal || screen.json)
    throw usageError('--watch needs a terminal; call status again and again instead');
  return invocation.opened(async (opened) => {
    const interrupted = context.interruption();
    let code: number = exitCodes.ok;
    while (!interrupted.aborted) {
      code = await look(opened, screen, () => screen.clear());
      screen.line(screen.paint.dim(`Looks again every ${every} s; Ctrl-C ends it.`));
      await context.clock.sleep(every * 1_000, interrupted).catch(() => undefined);
    }
    return code;
  });
}

const codeOf = { healthy: exitCodes.ok, warning: exitCodes.failure, critical: exitCodes.critical } as const;

/** `first` runs once everything is read: a screen is never empty while Redis is slow. */
async function look(opened: Opened, screen: Screen, first: () => void = () => {}): Promise<number> {
  const read = await opened.status({ page: 1, size: judgedMax });
  const findings = findingsOf(read, opened.serviceRuns);
  const health = worstOf(findings);
  first();
  if (screen.json) screen.document(statusJson(read, { findings, health, serviceRuns: opened.serviceRuns }));
  else showStatus({ status: read, findings, health, serviceRuns: opened.serviceRuns }, screen);
  return codeOf[health];
}

function statusJson(
  { overview, rows }: Status,
  judged: { findings: readonly Finding[]; health: string; serviceRuns: boolean },
) {
  const { now, census, lamps, backlog, spool, breakers } = overview;
  return {
    now: isoOf(now),
    health: judged.health,
    findings: judged.findings,
    serviceRuns: judged.serviceRuns,
    runs: lamps.map((lamp) => ({
      name: lamp.name,
      lastAt: isoOf(lamp.lastAt),
      everyMs: lamp.everyMs,
      late: isLate(lamp, now),
    })),
    backlog,
    spool: { ...spool, oldestAt: isoOf(spool.oldestAt) },
    breakers: breakers.map(({ at, reason, openedAt, nextProbeAt }) => ({
      ...at,
      reason,
      openedAt: isoOf(openedAt),
      nextProbeAt: isoOf(nextProbeAt),
    })),
    connections: {
      total: census.total,
      states: totalStates(census),
      providers: Object.fromEntries(
        [...census.providers].map(([name, { states, within, earliestDeadlineAt }]) => [
          name,
          { states, within, earliestDeadlineAt: isoOf(earliestDeadlineAt) },
        ]),
      ),
    },
    nearest: rows.slice(0, 10).map(({ entry, urgency }) => ({ ...entryJson(entry), urgency })),
  };
}
