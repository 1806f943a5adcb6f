/**
 * Brings a message within what a receiver takes. Pure. Whatever is cut says so; identifiers, links and commands are kept
 * whole or left out, because half of one misleads.
 */
import { createHash } from 'node:crypto';
import type { Link, Message } from '../notice.ts';

export interface Lengths {
  /** Characters of a free text. */
  readonly text: number;
  readonly facts: number;
  readonly links: number;
}

/** From generous to bare. The last one is below 20 kB whatever the message holds: about 14 kB at worst. */
const levels: readonly Lengths[] = [
  { text: 4_000, facts: 50, links: 20 },
  { text: 1_000, facts: 25, links: 10 },
  { text: 400, facts: 12, links: 4 },
  { text: 120, facts: 0, links: 2 },
];

const titleLengthMax = 250;
/** Secrets Manager's own limit for a name, which is the longest identifier there is. */
const identifierLengthMax = 512;
const labelLengthMax = 80;
/** What browsers and receivers agree on. */
const urlLengthMax = 2_048;
/** PagerDuty's limit for a dedup_key, taken everywhere so that an incident has one name at all receivers. */
const keyLengthMax = 255;

/** Text that any JSON reader takes: whole characters, no control characters but line ends, at most `max` UTF-16 units. */
export function cut(text: string, max: number): string {
  const clean = text.toWellFormed().replaceAll(/(?!\n)\p{Cc}/gu, ' ');
  if (clean.length <= max) return clean;
  // A cut through a surrogate pair would leave half a character.
  return `${clean.slice(0, max - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

/** An incident's key as receivers are given it: itself, or its beginning and a hash where it is longer than 255. */
export function receiverKey(key: string): string {
  const clean = key.toWellFormed().replaceAll(/\p{Cc}/gu, ' ');
  if (clean === key && key.length <= keyLengthMax) return key;
  const hash = createHash('sha256').update(key, 'utf16le').digest('hex');
  return `${clean.slice(0, keyLengthMax - hash.length - 1).replace(/[\uD800-\uDBFF]$/, '')}~${hash}`;
}

/** Calendar time as RFC 3339 in UTC. A time that cannot be written so becomes `now`: a wrong date beats silence. */
export function isoTime(at: number, now: number): string {
  const writable = at >= 0 && at <= Date.UTC(9999, 11, 31);
  return new Date(writable ? at : now).toISOString();
}

/** Links a person can open: http and https, whole, without credentials in them. */
export function openable(links: readonly Link[]): Link[] {
  return links.flatMap(({ label, url }) => {
    const parsed = URL.parse(url);
    const fine =
      parsed !== null &&
      /^https?:$/.test(parsed.protocol) &&
      parsed.username === '' &&
      parsed.password === '' &&
      parsed.href.length <= urlLengthMax;
    return fine ? [{ label: cut(label, labelLengthMax), url: parsed.href }] : [];
  });
}

/** The message within the lengths given. */
export function shortened(message: Message, lengths: Lengths): Message {
  const { facts, command } = message;
  const kept = facts.slice(0, lengths.facts).map(({ label, value }) => ({
    label: cut(label, labelLengthMax),
    value: cut(value, lengths.text),
  }));
  const missing = facts.length - kept.length;
  const identifiers = (['provider', 'client', 'connection', 'owner'] as const).flatMap((name) => {
    const value = message[name];
    return value === undefined ? [] : [[name, cut(value, identifierLengthMax)]];
  });
  const { command: _, ...rest } = message;
  return {
    ...rest,
    ...Object.fromEntries(identifiers),
    title: cut(message.title, titleLengthMax),
    environment: cut(message.environment, identifierLengthMax),
    action: cut(message.action, lengths.text),
    ends: cut(message.ends, lengths.text),
    facts: missing === 0 ? kept : [...kept, { label: 'Left out', value: `${missing} more` }],
    links: openable(message.links).slice(0, lengths.links),
    ...(command === undefined || command.length > lengths.text ? {} : { command: cut(command, lengths.text) }),
  };
}

/** What `write` makes of the message, shortened as little as needed to stay within `bytesMax` (20,000 or more) of UTF-8. */
export function fitting(message: Message, bytesMax: number, write: (message: Message) => string): string {
  let text = '';
  for (const level of levels) {
    text = write(shortened(message, level));
    if (Buffer.byteLength(text, 'utf8') <= bytesMax) return text;
  }
  return text;
}
