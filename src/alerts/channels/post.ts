/**
 * One POST to a receiver of alerts, and what its answer means for the notice. No redirect (a followed one would hand the
 * key to another host), no retry, a connection of its own (no race with a server that closes an idle one), limits on time
 * and on what is read. What is said of a failure names neither address nor key: of the receiver's own words only those a
 * channel chose, cleaned.
 */
import { type Clock, within } from '../../runtime/clock.ts';
import type { Secret } from '../../runtime/secret.ts';
import type { Delivery } from '../channel.ts';

/** Standard Webhooks asks for 15 to 30 s; a page that takes longer is better tried again. */
export const timeoutMsUsual = 15_000;

const answerBytesMax = 16_384;
const retryAfterMsMin = 1_000;
const retryAfterMsMax = 3_600_000;
const wordsLengthMax = 200;
/** So much of a key in an answer is an echo of it and no chance. */
const fragmentLength = 8;

export interface PostRequest {
  /** Its user and password, where it has them, are sent as Basic authorization. */
  readonly url: URL;
  readonly body: string;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface PostMeans {
  readonly clock: Clock;
  /** For the whole exchange, in ms. */
  readonly timeoutMs: number;
  /** The caller gives up: a drain. */
  readonly signal: AbortSignal;
}

export interface Answered {
  readonly kind: 'answered';
  readonly status: number;
  /** At most 16 KiB of it. */
  readonly body: string;
  /** A page for people: a login or a proxy answered in the receiver's place. */
  readonly html: boolean;
  /** From Retry-After, within 1 s and 1 h. */
  readonly afterMs?: number;
}

export type Posted =
  | Answered
  /** No status line came; it may have been taken all the same. */
  | { readonly kind: 'unanswered'; readonly label: string }
  /** It can never be sent as it is. */
  | { readonly kind: 'unsendable'; readonly label: string };

/** Never rejects. */
export async function post(request: PostRequest, means: PostMeans): Promise<Posted> {
  let late: AbortSignal | undefined;
  try {
    return await within(means.clock, means.timeoutMs, async (overdue) => {
      late = overdue;
      const { url, headers } = withoutUserInfo(request);
      const response = await fetch(url, {
        method: 'POST',
        redirect: 'manual',
        body: request.body,
        signal: AbortSignal.any([overdue, means.signal]),
        headers: {
          ...headers,
          'content-type': request.contentType ?? 'application/json',
          'user-agent': 'Pilotlight',
          connection: 'close',
        },
      });
      const afterMs = retryAfterMs(
        response.headers.get('retry-after'),
        response.headers.get('date'),
        means.clock.now(),
      );
      return {
        kind: 'answered',
        status: response.status,
        body: await readUpTo(response, answerBytesMax),
        html: /^text\/html\b/i.test(response.headers.get('content-type') ?? ''),
        ...(afterMs === undefined ? {} : { afterMs }),
      };
    });
  } catch (error) {
    if (means.signal.aborted) return { kind: 'unanswered', label: 'stopped' };
    if (late?.aborted) return { kind: 'unanswered', label: 'timeout' };
    // The Fetch standard's list of blocked ports is no passing fault.
    if (causeOf(error)?.message === 'bad port') return { kind: 'unsendable', label: 'no HTTP is spoken to this port' };
    return { kind: 'unanswered', label: networkLabel(error) };
  }
}

function withoutUserInfo(request: PostRequest): { url: URL; headers: Record<string, string> } {
  const url = new URL(request.url);
  const headers: Record<string, string> = { ...request.headers };
  // fetch refuses such a URL with an error that quotes it.
  if (url.username !== '' || url.password !== '') {
    headers.authorization ??= basic(decoded(url.username), decoded(url.password));
    url.username = '';
    url.password = '';
  }
  return { url, headers };
}

/** The value of an Authorization header (RFC 7617). */
export function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`, 'utf8').toString('base64')}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** What arrived of a body up to a limit. The status has decided already: a body that breaks off changes nothing. */
async function readUpTo(response: Response, bytesMax: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let room = bytesMax;
  try {
    for await (const chunk of response.body ?? []) {
      chunks.push(chunk.subarray(0, room));
      room -= chunk.length;
      // Leaving the loop cancels the body and so ends the connection.
      if (room <= 0) break;
    }
  } catch {
    // As above.
  }
  return Buffer.concat(chunks).toString('utf8');
}

function causeOf(error: unknown): { readonly code?: unknown; readonly message?: unknown } | undefined {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error ? cause : undefined;
}

/** The code of what went wrong, never its message: messages quote addresses. */
function networkLabel(error: unknown): string {
  const code = causeOf(error)?.code;
  return typeof code === 'string' && /^[A-Z0-9_]{1,48}$/.test(code) ? code : 'connection_failed';
}

/**
 * The wait a Retry-After header asks for (RFC 9110, 10.2.3: seconds or a date), in ms within 1 s and 1 h; undefined where
 * it cannot be read. A date is measured on the receiver's own clock where it tells it.
 */
export function retryAfterMs(header: string | null, date: string | null, now: number): number | undefined {
  const text = header?.trim() ?? '';
  if (/^\d{1,12}$/.test(text)) return clamped(Number(text) * 1_000);
  const at = httpDate(text);
  return at === undefined ? undefined : clamped(at - (httpDate(date ?? '') ?? now));
}

function clamped(ms: number): number {
  return Math.min(Math.max(ms, retryAfterMsMin), retryAfterMsMax);
}

function httpDate(text: string): number | undefined {
  if (!/^[A-Za-z]{3,9},? .{8,30}GMT$/.test(text)) return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : at;
}

/** A notice nobody can write, kept by an older release in a form of its own, is refused and not thrown about. */
export async function neverThrowing(deliver: () => Promise<Delivery>): Promise<Delivery> {
  try {
    return await deliver();
  } catch {
    return { kind: 'refused', why: 'the notice has a form this channel does not know' };
  }
}

/**
 * What an answer means: 2xx has it, what may pass is tried again, all else somebody must look at. `words` are the
 * receiver's own, already cleaned.
 */
export function deliveryOf(posted: Posted, words?: string): Delivery {
  switch (posted.kind) {
    case 'unsendable':
      return { kind: 'refused', why: posted.label };
    case 'unanswered':
      return { kind: 'retry', why: `no answer: ${posted.label}` };
    case 'answered': {
      const { status, afterMs } = posted;
      if (status >= 200 && status < 300) return { kind: 'accepted' };
      const why = `HTTP ${status}${hintOf(status)}${words === undefined || words === '' ? '' : `: ${words}`}`;
      // 408: the receiver waited in vain for our bytes, as a proxy under load does.
      if (status !== 408 && status !== 429 && status < 500) return { kind: 'refused', why };
      return { kind: 'retry', why, ...(afterMs === undefined ? {} : { afterMs }) };
    }
  }
}

function hintOf(status: number): string {
  if (status >= 300 && status < 400) return ' (a redirect, which is not followed)';
  if (status === 401 || status === 403) return ' (credentials refused)';
  if (status === 404 || status === 405) return ' (wrong address)';
  if (status === 413) return ' (too large for it)';
  return '';
}

/**
 * A receiver's words fit to be shown: one line, cut, without addresses and without anything that looks like a key. Where
 * they hold any eight characters of a secret given, nothing of them is.
 */
export function safeWords(text: string, secrets: readonly Secret[]): string {
  const folded = text.toLowerCase();
  if (secrets.some((secret) => holdsPartOf(folded, secret.reveal().toLowerCase()))) return '';
  return text
    .toWellFormed()
    .replaceAll(/[\p{C}\s]+/gu, ' ')
    .replaceAll(/\S*[/\\]\S*/g, '[hidden]')
    .replaceAll(/[\w+=.~-]{20,}/g, '[hidden]')
    .trim()
    .slice(0, wordsLengthMax)
    .toWellFormed();
}

function holdsPartOf(text: string, secret: string): boolean {
  const window = Math.min(fragmentLength, secret.length);
  if (window === 0) return false;
  for (let at = 0; at + window <= secret.length; at++) if (text.includes(secret.slice(at, at + window))) return true;
  return false;
}
