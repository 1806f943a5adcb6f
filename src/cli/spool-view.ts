/** An open record as a row, as JSON and in a count: the one shape every command of `pilotlight spool` shows it in. */
import { relativeInWords, utcInWords } from '../connection/time-words.ts';
import type { Tone } from '../connection/words.ts';
import type { SpoolItem, SpoolSurvey } from '../rotation/ports.ts';
import { counted } from './counted.ts';
import { isoOf } from './entry-view.ts';
import type { Screen } from './screen.ts';

const tones: Readonly<Record<SpoolItem['state'], Tone>> = { intent: 'info', answered: 'warn', unreadable: 'bad' };

/** Records in the order given. */
export function listTable(screen: Screen, items: readonly SpoolItem[], now: number): void {
  screen.table(
    [
      { title: 'CONNECTION', cut: 'middle' },
      { title: 'PROVIDER' },
      { title: 'ATTEMPT' },
      { title: 'STATE' },
      { title: 'SINCE' },
      { title: 'AGE' },
      { title: 'WHERE' },
    ],
    items.map(({ connection, provider, attempt, state, startedAt, where }) => [
      connection ?? '-',
      provider ?? '-',
      attempt.slice(0, 8),
      { text: state, tone: tones[state] },
      startedAt === undefined ? '-' : utcInWords(startedAt),
      startedAt === undefined ? '-' : relativeInWords(startedAt, now),
      where,
    ]),
  );
}

/** `3 records: 1 intent, 2 answered`. */
export function summary(items: readonly SpoolItem[]): string {
  const states = ['intent', 'answered', 'unreadable'] as const;
  const counts = states.map((state) => [state, items.filter((item) => item.state === state).length] as const);
  const parts = counts.filter(([, count]) => count > 0).map(([state, count]) => `${count} ${state}`);
  return `${counted(items.length, 'record')}: ${parts.join(', ')}`;
}

export function itemJson(
  { connection, provider, client, attempt, state, startedAt, where, problems }: SpoolItem,
  now: number,
) {
  return {
    connection: connection ?? null,
    provider: provider ?? null,
    client: client ?? null,
    attempt,
    state,
    since: isoOf(startedAt),
    ageMs: startedAt === undefined ? null : Math.max(0, now - startedAt),
    where,
    problems,
  };
}

/** Says that only half was looked at. */
export function remarkUnread(screen: Screen, { mirrorRead }: Pick<SpoolSurvey, 'mirrorRead'>): void {
  if (!mirrorRead) screen.remark('pilotlight: Redis was not reached: this is the disk alone, without the mirror.');
}
