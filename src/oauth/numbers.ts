/**
 * Times a provider states, believed only within limits. An absurd one must never park a connection for ever (Infinity makes
 * an invalid date) nor make it spin (a wait of 2^31 ms or more fires at once).
 */
import type { RawAnswer } from '../rotation/ports.ts';
import type { JsonValue } from './json.ts';

const retryAfterMsMin = 1_000;
const retryAfterMsMax = 6 * 3_600_000;

/** A count of seconds as number or decimal text; undefined where it is anything else. May be Infinity or negative. */
export function secondsOf(value: JsonValue | undefined): number | undefined {
  if (typeof value === 'object' && value !== null && value.kind === 'number') return Number(value.raw);
  if (typeof value === 'string' && /^-?\d{1,18}(?:\.\d{1,9})?$/.test(value)) return Number(value);
  return undefined;
}

export interface Life {
  readonly ms: number;
  /** The value was there and could not be taken as it was. */
  readonly odd: boolean;
}

/** Life of an access token (RFC 6749, 5.1 expires_in) in ms, within (0, max]; the provider's usual one where unusable. */
export function accessTokenLife(
  value: JsonValue | undefined,
  usual: { readonly life: number; readonly lifeMax: number },
): Life {
  const fallback = Math.min(usual.life, usual.lifeMax);
  if (value === undefined || value === null) return { ms: fallback, odd: false };
  const seconds = secondsOf(value);
  if (seconds === undefined || !(seconds >= 1)) return { ms: fallback, odd: true };
  const ms = Math.floor(seconds) * 1_000;
  return ms > usual.lifeMax ? { ms: usual.lifeMax, odd: true } : { ms, odd: false };
}

/** Longest remaining life of a refresh token believed: 20 years, as config/duration.ts. */
const refreshLifeMsMax = 20 * 365 * 86_400_000;

/** Remaining life of a refresh token in ms; undefined where absent or no positive count of seconds. */
export function refreshTokenLife(value: JsonValue | undefined): number | undefined {
  const seconds = secondsOf(value);
  if (seconds === undefined || !(seconds >= 1)) return undefined;
  return Math.min(Math.floor(seconds) * 1_000, refreshLifeMsMax);
}

/**
 * How long to wait, from the Retry-After header (RFC 9110, 10.2.3: seconds or a date) or the body's member, within 1 s and
 * 6 h; undefined where neither can be read. A list, as proxies make of two headers, counts by its longest wait.
 */
export function retryAfter(answer: RawAnswer, fromBody: JsonValue | undefined): number | undefined {
  const waits = [headerWait(answer), bodyWait(fromBody)].filter((wait) => wait !== undefined);
  if (waits.length === 0) return undefined;
  return Math.min(Math.max(...waits, retryAfterMsMin), retryAfterMsMax);
}

function headerWait(answer: RawAnswer): number | undefined {
  const text = answer.headers['retry-after']?.trim();
  if (text === undefined || text === '') return undefined;
  if (/^-?\d+(?:\.\d+)?(?:\s*,\s*-?\d+(?:\.\d+)?)*$/.test(text)) {
    return Math.max(...text.split(',').map((seconds) => Math.ceil(Number(seconds) * 1_000)));
  }
  const at = dateOf(text);
  // Measured on the server's own clock where it tells it: ours may be off.
  return at === undefined ? undefined : at - (dateOf(answer.headers.date) ?? answer.receivedAt);
}

function bodyWait(value: JsonValue | undefined): number | undefined {
  const seconds = secondsOf(value);
  return seconds === undefined ? undefined : Math.ceil(seconds * 1_000);
}

/** An HTTP date (RFC 9110, 5.6.7), epoch ms. */
export function dateOf(text: string | undefined): number | undefined {
  if (text === undefined || !/^[A-Za-z]{3,9},? .{8,30}$/.test(text)) return undefined;
  const at = Date.parse(/GMT|UTC|[+-]\d{4}$/.test(text) ? text : `${text} GMT`);
  return Number.isNaN(at) ? undefined : at;
}
