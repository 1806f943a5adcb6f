/** An index entry as JSON and as cells of a table: the one shape every command shows it in. No fingerprint, ever. */
import type { ConnectionState, IndexEntry } from '../connection/entry.ts';
import { relativeInWords, utcInWords } from '../connection/time-words.ts';
import { describeState } from '../connection/words.ts';
import type { Screen } from './screen.ts';
import type { Cell } from './table.ts';

/** An instant as ISO 8601 in UTC; null where there is none or no date can show it. */
export function isoOf(at: number | null | undefined): string | null {
  if (at === null || at === undefined || !Number.isFinite(at) || Math.abs(at) > 8.64e15) return null;
  return new Date(at).toISOString();
}

export function entryJson(entry: IndexEntry) {
  const { id, at, state, reason, since, deadlineAt, clock, estimated, nextAt, extendedAt, failures } = entry;
  return {
    id,
    provider: at.provider,
    environment: at.environment,
    client: at.client,
    host: at.host,
    state,
    reason,
    since: isoOf(since),
    deadlineAt: isoOf(deadlineAt),
    clock,
    estimated,
    nextAt: isoOf(nextAt),
    extendedAt: isoOf(extendedAt),
    failures,
  };
}

export function stateCell(state: ConnectionState): Cell {
  const { title, tone } = describeState(state);
  return { text: title, tone };
}

/** Span and date of a deadline; red once it is over. */
export function deadlineCells({ deadlineAt, estimated, state }: IndexEntry, now: number): [Cell, Cell] {
  if (deadlineAt === null) return ['unknown', '-'];
  const text = `${estimated ? '~ ' : ''}${relativeInWords(deadlineAt, now)}`;
  const over = deadlineAt <= now && state !== 'reauth_required';
  return [over ? { text, tone: 'bad' } : text, utcInWords(deadlineAt)];
}

/** When it is looked at next. What is overdue runs with the next sweep. */
export function nextInWords(nextAt: number | null, now: number): string {
  if (nextAt === null) return 'when it changes';
  return nextAt <= now ? 'now' : relativeInWords(nextAt, now);
}

/** Connections as a table, one a row, in the order given: the same for every command that lists them. */
export function entryTable(screen: Screen, entries: readonly IndexEntry[], now: number): void {
  screen.table(
    [
      { title: 'CONNECTION', cut: 'middle' },
      { title: 'PROVIDER' },
      { title: 'STATE' },
      { title: 'DEADLINE' },
      { title: 'AT' },
      { title: 'NEXT LOOK' },
    ],
    entries.map((entry) => [
      entry.id,
      entry.at.provider,
      stateCell(entry.state),
      ...deadlineCells(entry, now),
      nextInWords(entry.nextAt, now),
    ]),
  );
}
