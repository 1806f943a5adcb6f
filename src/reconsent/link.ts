/**
 * The link a customer is sent: `<publicUrl>/reconsent/<token>`. It says which connection it is for and which version of it
 * was judged, is signed, ends by itself, and carries no secret. It is worth one consent: once a newer one than the link is
 * stored, it only says so. Pure.
 */
import { PilotlightError } from '../runtime/errors.ts';
import type { Random } from '../runtime/random.ts';
import { type ConsentKeys, fromBase64url, macBytes, macOf, sameBytes } from './keys.ts';

interface LinkLife {
  /** Epoch ms, calendar. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** So that no two links are alike. */
  readonly nonce: string;
}

/** What a link is for: a connection that is to come back, or one that is to be made. */
export type LinkSubject =
  /** `version`: the one the flag names, or the current one. */
  | { readonly kind: 'reconsent'; readonly connection: string; readonly version: string }
  | {
      readonly kind: 'connect';
      readonly connection: string;
      readonly provider: string;
      readonly environment: string;
      readonly client: string;
      /** For a provider that has one in its addresses. */
      readonly dataCenter?: string;
    };

export type ConsentLink = LinkSubject & LinkLife;

export type ReadLink =
  | { readonly kind: 'valid' | 'expired'; readonly link: ConsentLink }
  /** Not made by us for this install: whatever it says is not believed. */
  | { readonly kind: 'forged' };

/** Long enough for a customer's week, short enough that a forgotten mail is worth nothing. */
export const linkLifeMsDefault = 7 * 86_400_000;
/** A path longer than this meets limits of mail programs and proxies. */
const tokenCharsMax = 2_048;
const format = 1;
const nonceBytes = 12;

/** A fresh link. `lifeMs`: how long it may be opened. */
export function newLink(
  subject: LinkSubject,
  made: { readonly now: number; readonly random: Random; readonly lifeMs?: number },
): ConsentLink {
  const { now, random, lifeMs = linkLifeMsDefault } = made;
  return {
    ...subject,
    issuedAt: now,
    expiresAt: now + lifeMs,
    nonce: random.bytes(nonceBytes).toString('base64url'),
  };
}

/** The link's token. Throws refused where the connection's id is too long for one. */
export function linkToken(link: ConsentLink, keys: ConsentKeys): string {
  const about =
    link.kind === 'reconsent' ? [link.version] : [link.provider, link.environment, link.client, link.dataCenter ?? ''];
  const fields = [format, link.kind, link.connection, link.issuedAt, link.expiresAt, link.nonce, ...about];
  const payload = Buffer.from(JSON.stringify(fields)).toString('base64url');
  const token = `${payload}.${macOf(keys.link, payload).toString('base64url')}`;
  if (token.length > tokenCharsMax) throw new PilotlightError('refused', 'the id is too long for a link');
  return token;
}

export function linkUrl(publicUrl: string, link: ConsentLink, keys: ConsentKeys): string {
  return `${publicUrl.replace(/\/+$/, '')}/reconsent/${linkToken(link, keys)}`;
}

/** Reads a token as it came. Never throws. */
export function readLink(token: string, keys: ConsentKeys, now: number): ReadLink {
  const forged = { kind: 'forged' } as const;
  const [payload = '', mac = '', ...more] = token.length > tokenCharsMax ? [] : token.split('.');
  const given = fromBase64url(mac);
  if (more.length > 0 || given?.length !== macBytes || !sameBytes(given, macOf(keys.link, payload))) return forged;
  const link = readFields(payload);
  if (link === undefined) return forged;
  return { kind: now < link.expiresAt ? 'valid' : 'expired', link };
}

/** What we signed ourselves, perhaps in another version of ours. */
function readFields(payload: string): ConsentLink | undefined {
  const [made, kind, connection, issuedAt, expiresAt, nonce, ...about] = JSON.parse(
    Buffer.from(payload, 'base64url').toString('utf8'),
  ) as [number, string, string, number, number, string, ...string[]];
  if (made !== format) return undefined;
  const life = { connection, issuedAt, expiresAt, nonce };
  const [first = '', environment = '', client = '', dataCenter = ''] = about;
  if (kind === 'reconsent') return { kind, version: first, ...life };
  if (kind !== 'connect') return undefined;
  return { kind, provider: first, environment, client, ...(dataCenter === '' ? {} : { dataCenter }), ...life };
}
