/**
 * Tokens no input has in common with another, and the search for them in everything that leaves the process. A canary is
 * made of groups "Kq7d" (upper case, lower, digit, lower), so that a stretch of it is told from a word at a glance.
 */
import { createHash } from 'node:crypto';

/** What is planted in one input. */
export interface Canaries {
  /** The refresh token that was sent. */
  readonly sent: string;
  /** The one that came back. */
  readonly fresh: string;
  /** Another one, where an input holds two. */
  readonly other: string;
  readonly access: string;
  readonly clientSecret: string;
}

const upper = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const lower = 'abcdefghijklmnopqrstuvwxyz';
const digits = '0123456789';
const groups = 10;

/** The same for the same number, and for no other one. */
export function canariesOf(n: number): Canaries {
  const token = (role: string) => {
    const bytes = createHash('sha512').update(`${role} ${n}`).digest();
    let text = '';
    for (let at = 0; at < groups; at++)
      for (const [place, letters] of [upper, lower, digits, lower].entries())
        text += letters[(bytes[at * 4 + place] ?? 0) % letters.length];
    return text;
  };
  return {
    sent: token('sent'),
    fresh: token('fresh'),
    other: token('other'),
    access: token('access'),
    clientSecret: token('client secret'),
  };
}

/**
 * Longest stretch of each that may be seen. Of what was sent, 7 characters: whatever is longer is a piece of a token. Of what
 * nobody told us is a token, 15: that much can stand in a word by accident. Of a client secret, 9.
 */
export const seenMax: Readonly<Record<keyof Canaries, number>> = {
  sent: 7,
  fresh: 15,
  other: 15,
  access: 15,
  clientSecret: 9,
};

/** Every stretch of seven characters of a canary holds one whole group. */
const group = /[A-Z][a-z]\d[a-z]/;

/** Names of the canaries of which the text holds a stretch too long, as it is or as base64 or hex. */
export function leaksIn(text: string, canaries: Canaries, seen = seenMax): (keyof Canaries)[] {
  const names = Object.keys(canaries) as (keyof Canaries)[];
  const clear = clearIn(text, canaries, seen);
  return names.filter((name) => clear.includes(name) || holdsEncoded(text, canaries[name]));
}

/** Those of which the text holds a stretch as it is: enough for sealed bytes, which nobody encodes. */
export function clearIn(text: string, canaries: Canaries, seen = seenMax): (keyof Canaries)[] {
  if (!group.test(text)) return [];
  const names = Object.keys(canaries) as (keyof Canaries)[];
  return names.filter((name) => holdsStretch(text, canaries[name], seen[name] + 1));
}

function holdsStretch(text: string, token: string, length: number): boolean {
  for (let at = 0; at + length <= token.length; at++) if (text.includes(token.slice(at, at + length))) return true;
  return false;
}

/** Nine characters are twelve of base64 wherever they begin, and eighteen of hex. */
const encodedLength = 9;

function holdsEncoded(text: string, token: string): boolean {
  if (text.length < 12) return false;
  // One stretch of each shift against the groups of three is enough: an echo holds more than one.
  for (let at = 9; at < 9 + 3; at++) {
    const piece = Buffer.from(token.slice(at, at + encodedLength));
    if (text.includes(piece.toString('base64')) || text.includes(piece.toString('hex'))) return true;
  }
  return false;
}

/** The text with every canary, and every stretch of one, written as its name. */
export function blanked(text: string, canaries: Canaries): string {
  let out = text;
  for (const [name, token] of Object.entries(canaries)) {
    out = out.replaceAll(token, `<${name}>`);
    for (let length = token.length - 1; length >= 5; length--)
      for (let at = 0; at + length <= token.length; at++) {
        const piece = token.slice(at, at + length);
        if (group.test(piece)) out = out.replaceAll(piece, `<${length} of ${name}>`);
      }
  }
  return out;
}
