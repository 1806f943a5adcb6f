/** The progress as lines of text: a picture that is drawn over, and the single lines a log file gets. Pure. */
import type { IndexEntry } from '../../connection/entry.ts';
import { relativeInWords } from '../../connection/time-words.ts';
import { describeState } from '../../connection/words.ts';
import { dayMs } from './calendar.ts';
import type { Told } from './chronicle.ts';
import type { Paint } from './paint.ts';
import { dayOf } from './result.ts';
import type { Flagged } from './watch.ts';

export interface Progress {
  readonly seed: number;
  readonly days: number;
  readonly startAt: number;
  readonly now: number;
  readonly url: string;
  /** What is going on beside the calendar: `warming up`, `settling`; '' while it runs. */
  readonly phase: string;
  readonly entries: readonly IndexEntry[];
  /** Refreshes by provider. */
  readonly refreshed: Readonly<Record<string, number>>;
  readonly lastRefresh: string;
  readonly flagged: readonly Flagged[];
  readonly latest: readonly Told[];
}

const barWidth = 40;
/** With these the picture has 23 lines: a terminal of 24 shows it all. */
const flaggedShown = 3;
const latestShown = 6;
const dueShown = 3;

const marks = { world: '▸', trouble: '!', good: '✓' } as const;

/** Always as many lines, so that it can be drawn over. */
export function picture(progress: Progress, paint: Paint): string[] {
  const { seed, url, phase, flagged, latest, refreshed, lastRefresh, startAt } = progress;
  const open = flagged.filter(({ cleared }) => !cleared);
  const rows = (count: number, lines: readonly string[]) => [...lines, ...Array(count).fill('')].slice(0, count);
  return [
    `${paint.bold('Pilotlight')}  seed ${seed}  ${paint.accent(url)}`,
    '',
    `${bar(progress, paint)}  ${phase}`,
    '',
    `connections  ${stateCounts(progress.entries)}`,
    ...Object.entries(refreshed).map(([provider, count], place) => {
      const label = (place === 0 ? 'refreshed' : '').padEnd(12);
      return `${label} ${provider.padEnd(24)} ${paint.bold(String(count).padStart(4))}`;
    }),
    `last         ${lastRefresh}`,
    `due next     ${dueNext(progress).join('   ')}`,
    '',
    `flagged      ${open.length === 0 ? 'none' : open.length}`,
    ...rows(
      flaggedShown,
      open.slice(-flaggedShown).map((one) => {
        return `  ${paint.warn(one.connection)}  ${one.reason}, day ${dayOf(one.at, startAt)}`;
      }),
    ),
    '',
    ...rows(
      latestShown,
      latest.slice(-latestShown).map((told) => toldLine(told, startAt, paint)),
    ),
  ];
}

/** One line for the state of things, where nothing can be drawn over. */
export function progressLine(progress: Progress): string {
  const total = Object.values(progress.refreshed).reduce((sum, count) => sum + count, 0);
  const flagged = progress.flagged.filter(({ cleared }) => !cleared).length;
  const [next = 'nothing'] = dueNext(progress);
  const day = String(Math.min(dayOf(progress.now, progress.startAt), progress.days)).padStart(3);
  return `day ${day}  ${dateOf(progress.now)}  refreshed ${total}  flagged ${flagged}  due next: ${next}`;
}

export function toldLine({ at, kind, words }: Told, startAt: number, paint: Paint): string {
  const tint = { world: paint.accent, trouble: paint.warn, good: paint.good }[kind];
  return `${paint.dim(`day ${String(dayOf(at, startAt)).padStart(3)}`)}  ${tint(marks[kind])} ${words}`;
}

function bar({ now, startAt, days }: Progress, paint: Paint): string {
  const share = Math.min((now - startAt) / (days * dayMs), 1);
  const full = Math.round(share * barWidth);
  const day = Math.min(dayOf(now, startAt), days);
  const drawn = `${paint.accent('━'.repeat(full))}${paint.dim('─'.repeat(barWidth - full))}`;
  return `${dateOf(now)}  day ${String(day).padStart(3)} of ${days}  ${drawn}  ${Math.floor(share * 100)} %`;
}

function dateOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}

function stateCounts(entries: readonly IndexEntry[]): string {
  const counts = new Map<IndexEntry['state'], number>();
  for (const { state } of entries) counts.set(state, (counts.get(state) ?? 0) + 1);
  const parts = [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([state, count]) => `${count} ${describeState(state).title.toLowerCase()}`);
  return [`${entries.length}:`, ...parts].join('  ');
}

function dueNext({ entries, now }: Progress): string[] {
  return entries
    .flatMap(({ id, nextAt, state }) => (nextAt === null || state === 'invalid' ? [] : [{ id, nextAt }]))
    .sort((a, b) => a.nextAt - b.nextAt)
    .slice(0, dueShown)
    .map(({ id, nextAt }) => `${id} ${nextAt <= now ? 'now' : relativeInWords(nextAt, now)}`);
}
