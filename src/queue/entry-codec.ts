/**
 * How an index entry is written in Redis. A value of up to 64 bytes keeps its bucket in Redis's compact encoding, which
 * is what holds a connection under 350 bytes; a longer one costs memory and nothing else. Layout of version 1:
 *
 *     1<group>,<state:2><reason:3><clock:1><since>,<nextAt>,<deadlineAt>,<extendedAt>,<failures>,<fingerprint>,<seen>[,<warn>,<page>]
 *
 * Instants are epoch ms in base 64 digits. The codes are derived from the words, not from their place in a list, so words
 * may be added and reordered. What this version cannot read it reports as unknown; inventory then writes it anew.
 */
import { createHash } from 'node:crypto';
import {
  type ClientAtHost,
  type ConnectionState,
  connectionStates,
  type DeadlineClock,
  type IndexEntry,
  type Reason,
  reasons,
} from '../connection/entry.ts';

/** ECMAScript's own range of instants (±100 million days). */
const instantMax = 8.64e15;

export const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._';

export interface EntryCodec {
  /** Everything after the group number; Redis puts version and group in front. */
  encode(entry: IndexEntry): { readonly tail: string; readonly nextAt: string; readonly fingerprint: string };
  /** Undefined when the value is of another version or holds a word this one does not know. */
  decode(id: string, value: string, groupName: (group: string) => ClientAtHost | undefined): IndexEntry | undefined;
}

function wordTable<W extends string>(words: readonly W[], length: number) {
  const toCode = new Map<W, string>();
  const toWord = new Map<string, W>();
  for (const word of words) {
    const code = createHash('sha256').update(word).digest('base64url').slice(0, length);
    if (toWord.has(code)) throw new Error(`index words ${word} and ${toWord.get(code)} share the code ${code}`);
    toCode.set(word, code);
    toWord.set(code, word);
  }
  return { toCode, toWord };
}

/** A finite whole number: what is not a number means "now is fine", what is beyond all calendars is cut. */
export function instant(value: number): number {
  if (Number.isNaN(value)) return 0;
  return Math.max(-instantMax, Math.min(instantMax, Math.floor(value)));
}

export function toDigits(value: number): string {
  let rest = Math.abs(value);
  let out = '';
  do {
    out = `${digits[rest % 64]}${out}`;
    rest = Math.floor(rest / 64);
  } while (rest > 0);
  return value < 0 ? `-${out}` : out;
}

export function fromDigits(text: string): number {
  const negative = text.startsWith('-');
  let value = 0;
  for (const digit of negative ? text.slice(1) : text) value = value * 64 + digits.indexOf(digit);
  return negative ? -value : value;
}

const optionalInstant = (value: number | null) => (value === null ? '' : toDigits(instant(value)));
const readOptional = (text: string) => (text === '' ? null : fromDigits(text));
const isNumber = (text: string) => /^-?[\w.]*$/.test(text);

/** Undefined for text another version has written in another way. */
function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** 12 hex digits as 8 characters; any other text as it is, marked and escaped. '' stays ''. */
export function packFingerprint(text: string): string {
  if (text === '') return '';
  return /^[0-9a-f]{12}$/.test(text)
    ? Buffer.from(text, 'hex').toString('base64url')
    : `~${encodeURIComponent(text.toWellFormed())}`;
}

function unpackFingerprint(packed: string): string | undefined {
  if (packed === '') return '';
  return packed.startsWith('~') ? decoded(packed.slice(1)) : Buffer.from(packed, 'base64url').toString('hex');
}

const clockLetters: Record<DeadlineClock | 'none', string> = { none: 'n', idle: 'i', absolute: 'a' };

function clockOf(letter: string): DeadlineClock | null | undefined {
  if (letter === 'n') return null;
  if (letter === 'i') return 'idle';
  return letter === 'a' ? 'absolute' : undefined;
}

/** Throws when two words share a code, which a unit test rules out. */
export function entryCodec(): EntryCodec {
  const stateTable = wordTable<ConnectionState>(connectionStates, 2);
  const reasonTable = wordTable<Reason>(reasons, 3);
  return {
    encode(entry) {
      const letter = clockLetters[entry.clock ?? 'none'];
      const status = `${stateTable.toCode.get(entry.state)}${reasonTable.toCode.get(entry.reason)}${entry.estimated ? letter.toUpperCase() : letter}`;
      const fingerprint = packFingerprint(entry.fingerprint);
      const tail = [
        `${status}${toDigits(instant(entry.since))}`,
        optionalInstant(entry.nextAt),
        optionalInstant(entry.deadlineAt),
        optionalInstant(entry.extendedAt),
        toDigits(instant(entry.failures)),
        fingerprint,
        encodeURIComponent(entry.seen.toWellFormed()),
        // Few have thresholds of their own, and nobody else pays for them. An older reader does not look so far.
        ...(entry.warnMs === undefined && entry.pageMs === undefined
          ? []
          : [optionalInstant(entry.warnMs ?? null), optionalInstant(entry.pageMs ?? null)]),
      ].join(',');
      return { tail, nextAt: entry.nextAt === null ? '' : String(instant(entry.nextAt)), fingerprint };
    },
    decode(id, value, groupName) {
      const fields = value.split(',');
      const [head = '', status = '', nextAt = '', deadlineAt = '', extendedAt = '', failures = '', print = '', seen] =
        fields;
      if (!head.startsWith('1') || seen === undefined) return undefined;
      const own = fields.slice(8, 10);
      const [seenText, fingerprint] = [decoded(seen), unpackFingerprint(print)];
      if (seenText === undefined || fingerprint === undefined) return undefined;
      if (![status.slice(6), nextAt, deadlineAt, extendedAt, failures, ...own].every(isNumber)) return undefined;
      const [warnMs, pageMs] = own.map(readOptional);
      const at = groupName(head.slice(1));
      const state = stateTable.toWord.get(status.slice(0, 2));
      const reason = reasonTable.toWord.get(status.slice(2, 5));
      const letter = status.slice(5, 6);
      const clock = clockOf(letter.toLowerCase());
      if (at === undefined || state === undefined || reason === undefined || clock === undefined) return undefined;
      return {
        id,
        at,
        state,
        reason,
        since: fromDigits(status.slice(6)),
        seen: seenText,
        fingerprint,
        nextAt: readOptional(nextAt),
        deadlineAt: readOptional(deadlineAt),
        clock,
        estimated: letter !== letter.toLowerCase(),
        extendedAt: readOptional(extendedAt),
        failures: fromDigits(failures),
        ...(warnMs === undefined || warnMs === null ? {} : { warnMs }),
        ...(pageMs === undefined || pageMs === null ? {} : { pageMs }),
      };
    },
  };
}
