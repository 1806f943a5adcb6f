/**
 * The browser a consent was begun in, and how we know it again: a cookie no other site and no subdomain can set, and a form
 * only our own page can have given. Without it somebody could have another person's account stored as their own (login
 * CSRF, RFC 9700 4.7). Pure.
 */
import type { Random } from '../runtime/random.ts';
import { type ConsentKeys, fromBase64url, macBytes, macOf, sameBytes } from './keys.ts';

const browserBytes = 32;
/** Longer than anybody leaves the page open. */
const cookieSeconds = 86_400;

/** A browser we have not met. */
export function newBrowser(random: Random): string {
  return random.bytes(browserBytes).toString('base64url');
}

/** The cookie's name: `__Host-` where there is TLS; plain HTTP, which is loopback only, could not set such a one. */
export function cookieName(publicUrl: string): string {
  return publicUrl.startsWith('https:') ? '__Host-pilotlight-browser' : 'pilotlight-browser';
}

/** The Set-Cookie header. Lax: the way back from the provider is a navigation from another site. */
export function cookieHeader(publicUrl: string, browser: string): string {
  const secure = publicUrl.startsWith('https:') ? '; Secure' : '';
  return `${cookieName(publicUrl)}=${browser}; Path=/; Max-Age=${cookieSeconds}; HttpOnly; SameSite=Lax${secure}`;
}

/** The browser a Cookie header tells of; undefined where none does. */
export function browserIn(cookies: string | undefined, publicUrl: string): string | undefined {
  const start = `${cookieName(publicUrl)}=`;
  return (cookies ?? '')
    .split(';')
    .map((cookie) => cookie.trim())
    .filter((cookie) => cookie.startsWith(start))
    .map((cookie) => cookie.slice(start.length))
    .find((value) => fromBase64url(value)?.length === browserBytes);
}

/** What the form on the start page bears: worth something for this link in this browser alone. */
export function formToken(keys: ConsentKeys, link: string, browser: string): string {
  return macOf(keys.form, `${browser}\n${link}`).toString('base64url');
}

export interface SentForm {
  /** Token in the form, Origin and Sec-Fetch-Site as they came. */
  readonly token: string | undefined;
  readonly origin: string | undefined;
  readonly fetchSite: string | undefined;
  readonly browser: string | undefined;
}

/** Whether a form was sent from our own page in a browser we know: its origin and its token must both say so. */
export function isOurForm(keys: ConsentKeys, publicUrl: string, link: string, sent: SentForm): boolean {
  const { token, origin, fetchSite, browser } = sent;
  if (browser === undefined || (origin === undefined && fetchSite === undefined)) return false;
  if (fetchSite !== undefined && fetchSite !== 'same-origin') return false;
  if (origin !== undefined && origin !== new URL(publicUrl).origin) return false;
  const given = fromBase64url(token ?? '');
  return given?.length === macBytes && sameBytes(given, macOf(keys.form, `${browser}\n${link}`));
}
