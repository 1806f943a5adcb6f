/** The screen of `pilotlight status`. */
import { deadlineWindows, totalStates } from '../connection/census.ts';
import { connectionStates } from '../connection/entry.ts';
import { relativeInWords, spanInWords, utcInWords } from '../connection/time-words.ts';
import { describeState, type Tone } from '../connection/words.ts';
import type { Overview, Status } from '../web/ports.ts';
import { counted } from './counted.ts';
import { entryTable, nextInWords } from './entry-view.ts';
import type { Screen } from './screen.ts';
import { type Finding, isLate } from './status-health.ts';
import { harmless } from './terminal-text.ts';

export interface StatusShown {
  readonly status: Status;
  readonly findings: readonly Finding[];
  readonly health: 'healthy' | 'warning' | 'critical';
  readonly serviceRuns: boolean;
}

const rowsShown = 10;
const labelColumns = 13;
const healthTone: Readonly<Record<StatusShown['health'], Tone>> = { healthy: 'good', warning: 'warn', critical: 'bad' };

export function showStatus({ status, findings, health, serviceRuns }: StatusShown, screen: Screen): void {
  const { paint } = screen;
  const { overview, rows } = status;
  const line = (label: string, text: string, tone?: Tone) => {
    const clean = harmless(text);
    screen.line(`${paint.dim(label.padEnd(labelColumns))}${tone === undefined ? clean : paint.tone(tone, clean)}`);
  };
  line('Pilotlight', `${health}, ${utcInWords(overview.now)}`, healthTone[health]);
  for (const { level, text } of findings) line('', `${level}: ${text}`, level === 'critical' ? 'bad' : 'warn');
  for (const [label, text, tone] of facts(overview, serviceRuns)) line(label, text, tone);
  if (rows.length > 0) {
    screen.line();
    entryTable(
      screen,
      rows.slice(0, rowsShown).map(({ entry }) => entry),
      overview.now,
    );
  } else line('', 'pilotlight import adds a connection');
}

type Fact = [label: string, text: string, tone?: Tone];

function facts(overview: Overview, serviceRuns: boolean): Fact[] {
  const { backlog, breakers, now } = overview;
  return [
    ...runFacts(overview, serviceRuns),
    ['Backlog', `${backlog.due} due, ${backlog.ready} ready, ${backlog.queued} queued`],
    spoolFact(overview),
    ...(breakers.length === 0
      ? [['Clients', 'none is rejected', 'good'] as Fact]
      : breakers.map(({ at, reason, openedAt, nextProbeAt }, place): Fact => {
          const since = openedAt === null ? '' : ` since ${relativeInWords(openedAt, now)}`;
          const probe = nextProbeAt === null ? '' : `, next try ${nextInWords(nextProbeAt, now)}`;
          return [
            place === 0 ? 'Clients' : '',
            `${at.client} rejected at ${at.host} (${reason})${since}${probe}`,
            'bad',
          ];
        })),
    stateFact(overview),
    windowFact(overview),
  ];
}

function runFacts({ lamps, now }: Overview, serviceRuns: boolean): Fact[] {
  if (!serviceRuns) return [['Service', 'not running', 'bad']];
  return lamps.map((lamp, place): Fact => {
    const label = place === 0 ? 'Scheduler' : '';
    if (lamp.lastAt === null) return [label, `${lamp.name} has not ended yet`, 'warn'];
    const every = `every ${spanInWords(lamp.everyMs)}`;
    const late = isLate(lamp, now);
    return [
      label,
      `${lamp.name} ${relativeInWords(lamp.lastAt, now)}, ${every}${late ? ': late' : ''}`,
      late ? 'bad' : 'good',
    ];
  });
}

/** Workers keep their spools on their own disks: what waits in them shows as state of its connections. */
function spoolFact({ spool, census, now }: Overview): Fact {
  const sealed = totalStates(census).sealed;
  const own = spool.records === 0 ? '' : `, ${counted(spool.records, 'record')} on this disk`;
  const oldest = spool.oldestAt === null ? '' : `, oldest ${relativeInWords(spool.oldestAt, now)}`;
  return [
    'Spool',
    `${counted(sealed, 'connection')} waiting for the store${own}${oldest}`,
    sealed > 0 ? 'warn' : 'good',
  ];
}

function stateFact({ census }: Overview): Fact {
  const counts = totalStates(census);
  const parts = connectionStates
    .filter((state) => counts[state] > 0)
    .map((state) => `${counts[state]} ${describeState(state).title.toLowerCase()}`);
  return ['Connections', parts.length === 0 ? 'none' : `${census.total}: ${parts.join(', ')}`];
}

function windowFact({ census }: Overview): Fact {
  const windows = Object.keys(deadlineWindows) as (keyof typeof deadlineWindows)[];
  const counts = windows.map((name) => {
    let sum = 0;
    for (const { within } of census.providers.values()) sum += within[name];
    return `${sum} in ${name}`;
  });
  return ['Deadlines', counts.join(', ')];
}
