/**
 * Who may see the operator's pages: one token, shown once, then a cookie that says until when. Nothing is kept here of a session:
 * the cookie is its end and an HMAC of that. Pure but for the count of wrong tries; the pages and the form are elsewhere.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../runtime/clock.ts';
import { PilotlightError } from '../runtime/errors.ts';
import type { Random } from '../runtime/random.ts';
import type { Secret } from '../runtime/secret.ts';

export interface LoginOptions {
  /** What people show to enter. At least 16 characters. */
  readonly token: Secret;
  readonly clock: Pick<Clock, 'now' | 'monotonic'>;
  /** Signs sessions, the same in every process that shares them. Absent: made at start, so that a restart ends all sessions. */
  readonly key?: Secret;
  readonly random: Pick<Random, 'bytes'>;
  /** How long a session lasts, ms of calendar time. Default 12 h: a night on call. */
  readonly sessionMs?: number;
  /** The pages are reached over HTTPS: the cookie is then sent over nothing else, and belongs to this host alone. */
  readonly secure: boolean;
}

export type Entered =
  | { readonly kind: 'entered'; readonly setCookie: string }
  | { readonly kind: 'refused'; readonly why: 'wrong' }
  /** Not even compared. `retryAfterMs`: when the next try will be. */
  | { readonly kind: 'refused'; readonly why: 'tooMany'; readonly retryAfterMs: number };

export interface Login {
  /** Whether a Cookie header holds a session that has not ended. */
  check(cookieHeader: string | undefined): boolean;
  /** Compares what the form brought. White space around it is what pasting adds. */
  enter(formToken: string): Entered;
  /** The Set-Cookie of a session for somebody whom another door has let in. */
  session(): string;
  /** The Set-Cookie that ends the session in this browser. */
  leave(): string;
}

const tokenLengthMin = 16;
/** Longer ones are refused unread: no token is that long. */
const tokenLengthMax = 1_024;
const sessionMsDefault = 12 * 3_600_000;
/** Wrong tries that are compared within the window, over all who try: where requests come from is not known behind a proxy. */
const triesMax = 10;
const triesWindowMs = 60_000;
/** A browser keeps one; more are somebody's attempt to make us work. */
const cookiesReadMax = 8;

/** Throws config_invalid where the token is too short to withstand guessing. */
export function createLogin(options: LoginOptions): Login {
  const { token, clock, random, secure, sessionMs = sessionMsDefault } = options;
  if (token.reveal().trim().length < tokenLengthMin)
    throw new PilotlightError('config_invalid', `the token for the pages needs at least ${tokenLengthMin} characters`);
  const name = secure ? '__Host-pilotlight' : 'pilotlight';
  // Derived from the token too: who changes the token ends every session it opened.
  const key = mac(options.key?.reveal() ?? random.bytes(32), `pilotlight web session v1\n${token.reveal().trim()}`);
  // Lax, not Strict: a link from a pager or a chat must find the session. The pages change nothing.
  const attributes = `Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`;
  const wrongAt: number[] = [];

  function session(): string {
    const until = String(Math.floor(clock.now() + sessionMs));
    return `${name}=${until}.${signatureOf(key, until)}; Max-Age=${Math.floor(sessionMs / 1_000)}; ${attributes}`;
  }

  return {
    check: (cookieHeader) => valuesOf(cookieHeader, name).some((value) => isLive(value, key, clock.now(), sessionMs)),
    enter(formToken) {
      const now = clock.monotonic();
      while (wrongAt[0] !== undefined && now - wrongAt[0] >= triesWindowMs) wrongAt.shift();
      const oldest = wrongAt[0];
      if (oldest !== undefined && wrongAt.length >= triesMax)
        return { kind: 'refused', why: 'tooMany', retryAfterMs: triesWindowMs - (now - oldest) };
      if (formToken.length > tokenLengthMax || !equal(key, formToken.trim(), token.reveal().trim())) {
        wrongAt.push(now);
        return { kind: 'refused', why: 'wrong' };
      }
      return { kind: 'entered', setCookie: session() };
    },
    session,
    leave: () => `${name}=; Max-Age=0; ${attributes}`,
  };
}

/** The path a form may lead back to: one of our own, and never another host in disguise. */
export function pathWithin(next: string | null | undefined, otherwise = '/'): string {
  if (next === null || next === undefined || next.length > 2_048 || !/^\/(?![/\\])/.test(next)) return otherwise;
  const url = URL.parse(next, 'http://pilotlight.invalid');
  if (url === null || url.host !== 'pilotlight.invalid') return otherwise;
  return `${url.pathname}${url.search}`.startsWith('//') ? otherwise : `${url.pathname}${url.search}`;
}

function isLive(value: string, key: Buffer, now: number, sessionMs: number): boolean {
  const [, until = '', signature = ''] = /^(\d{1,16})\.([A-Za-z0-9_-]{43})$/.exec(value) ?? [];
  if (until === '' || !equal(key, signature, signatureOf(key, until))) return false;
  // An end further away than a session lasts was given under a calendar that has been turned back.
  return Number(until) > now && Number(until) - now <= sessionMs;
}

function signatureOf(key: Buffer, until: string): string {
  return mac(key, `until\n${until}`).toString('base64url');
}

/** In constant time, and without telling how long either is: their HMACs are compared. */
function equal(key: Buffer, a: string, b: string): boolean {
  return timingSafeEqual(mac(key, `compare\n${a}`), mac(key, `compare\n${b}`));
}

function mac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function valuesOf(header: string | undefined, name: string): readonly string[] {
  return (header ?? '')
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
    .slice(0, cookiesReadMax)
    .map((pair) => pair.slice(name.length + 1));
}
