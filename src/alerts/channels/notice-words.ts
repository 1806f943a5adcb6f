/**
 * A notice in the words people read in a chat or a mail, in one place for both. Pure and plain: each line is one line,
 * with nothing invisible in it; every channel still escapes it for its own format.
 */
import { spanInWords, utcInWords } from '../../connection/time-words.ts';
import type { Fact, Link, Notice } from '../notice.ts';
import { openable } from './shorten.ts';

export interface NoticeWords {
  /** What it asks of the reader: `PAGE`, `WARN`, `STILL OPEN` or `RESOLVED`. */
  readonly state: string;
  readonly title: string;
  /** Since when, and where. */
  readonly lead: string;
  readonly facts: readonly Fact[];
  /** Who can act, what they do, how it ends. Empty once it has ended. */
  readonly advice: readonly string[];
  /** Those a person can open. None once it has ended: nobody is to consent any more. */
  readonly links: readonly Link[];
  readonly command?: string;
}

export function noticeWords(notice: Notice): NoticeWords {
  const { message } = notice;
  const resolved = notice.event === 'resolved';
  return {
    state: stateOf(notice),
    title: oneLine(message.title),
    lead: leadOf(notice),
    facts: factsOf(notice),
    advice: resolved ? [] : [`Who can act: ${message.actor}`, oneLine(message.action), oneLine(message.ends)],
    links: resolved ? [] : openable(message.links).map(({ label, url }) => ({ label: oneLine(label) || url, url })),
    ...(resolved || message.command === undefined ? {} : { command: oneLine(message.command) }),
  };
}

function stateOf({ event, severity }: Notice): string {
  if (event === 'resolved') return 'RESOLVED';
  if (event === 'reminder') return 'STILL OPEN';
  return severity === 'page' ? 'PAGE' : 'WARN';
}

function leadOf({ event, openedAt, at, message }: Notice): string {
  const opened = `Opened ${utcInWords(openedAt)}`;
  const since = spanInWords(at - openedAt);
  const environment = `environment ${oneLine(message.environment)}`;
  switch (event) {
    case 'opened':
      return `${opened}, ${environment}`;
    case 'updated':
      return `${opened}, changed ${utcInWords(at)}, ${environment}`;
    case 'reminder':
      return `${opened}, still open after ${since}, ${environment}`;
    case 'resolved':
      return `${opened}, ended ${utcInWords(at)} after ${since}, ${environment}`;
  }
}

function factsOf({ message }: Notice): readonly Fact[] {
  const { provider, client, connection, owner, hits } = message;
  const about: readonly (readonly [label: string, value: string | undefined])[] = [
    ['Connection', connection],
    ['Owner', owner],
    ['Provider', provider],
    ['Client', client],
    ['Hit', hits === undefined ? undefined : `${hits.count} of ${hits.of} connections`],
  ];
  const known = about.flatMap(([label, value]) => (value === undefined ? [] : [{ label, value }]));
  return [...known, ...message.facts]
    .map(({ label, value }) => ({ label: oneLine(label), value: oneLine(value) }))
    .filter(({ label, value }) => label !== '' && value !== '');
}

/** Text on one line. Direction marks, zero-width and private characters are shown to be there. */
export function oneLine(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/[\p{Cf}\p{Co}]/gu, '\u{fffd}')
    .replaceAll(/[\p{Cc}\p{Z}]+/gu, ' ')
    .trim();
}

/** Text written as a format wants it and cut to its length there (UTF-16 units); no character is cut in two. */
export function fitted(text: string, lengthMax: number, write: (text: string) => string = (same) => same): string {
  const whole = write(text);
  if (whole.length <= lengthMax) return whole;
  let taken = '';
  for (const character of text) {
    const written = write(character);
    if (taken.length + written.length > lengthMax - 1) break;
    taken += written;
  }
  return `${taken}…`;
}
