/**
 * Reads a success. The refresh token is what must not be lost: it is taken verbatim wherever it can be taken at all, and
 * everything else about the answer may be odd without costing it. Oddities are told to the operator.
 */
import type { Provider } from '../../config/provider.ts';
import type { Answer, Oddity, RawAnswer } from '../rotation/ports.ts';
import { Secret } from '../runtime/secret.ts';
import { memberOf, textOf } from './body.ts';
import type { JsonObject } from './json.ts';
import { accessTokenLife, dateOf, refreshTokenLife } from './numbers.ts';
import { isTokenText, tokenLengthMax } from './salvage.ts';
import { checkAccessPoint } from './target.ts';

export interface Sent {
  readonly refreshToken: Secret;
  readonly scope?: string;
}

/** Our clock and the server's may differ this much before somebody should look. */
const skewMsMax = 5 * 60_000;

/** `root` is the answer without its wrapping; it holds an access or a refresh token. */
export function granted(
  provider: Provider,
  answer: RawAnswer,
  root: JsonObject,
  sent: Sent,
  noticed: readonly Oddity[],
): Answer {
  const oddities = new Set<Oddity>(noticed);
  const token = refreshTokenOf(provider, root, sent.refreshToken, oddities);
  if ('why' in token) return { kind: 'notUnderstood', status: answer.status, ...token };
  const accessToken = accessTokenOf(root);
  if (accessToken === undefined && token.refreshToken === undefined) {
    return { kind: 'notUnderstood', status: answer.status, why: 'access_token_unusable', salvageable: false };
  }
  if (accessToken === undefined) oddities.add('access_token_missing');
  const life = accessTokenLife(memberOf(root, 'expires_in'), provider.accessToken);
  if (life.odd) oddities.add('expires_in_unusable');
  const serverAt = dateOf(answer.headers.date);
  if (serverAt !== undefined && Math.abs(serverAt - answer.receivedAt) > skewMsMax) oddities.add('clock_skew');
  const lives = provider.answer.refreshTokenExpiresIn.map((name) => refreshTokenLife(memberOf(root, name)));
  return {
    kind: 'granted',
    ...token,
    ...optional('accessToken', accessToken),
    ...optional('tokenType', tokenTypeOf(root, oddities)),
    accessTokenLifeMs: life.ms,
    ...optional(
      'refreshTokenLifeMs',
      lives.find((ms) => ms !== undefined),
    ),
    ...optional('scope', scopeOf(provider, root, sent.scope, oddities)),
    ...optional('apiAccessPoint', accessPointOf(provider, root, oddities)),
    kept: keptOf(provider, root),
    oddities: [...oddities],
  };
}

type RefreshTokenReading = { readonly refreshToken?: Secret } | { readonly why: string; readonly salvageable: boolean };

/** RFC 6749, section 6: the server may issue a new refresh token; without one the old one stays, whatever stands in its place. */
function refreshTokenOf(
  provider: Provider,
  root: JsonObject,
  sent: Secret,
  oddities: Set<Oddity>,
): RefreshTokenReading {
  const value = memberOf(root, 'refresh_token');
  if (root.conflicts.has('refresh_token')) return { why: 'refresh_token_ambiguous', salvageable: true };
  if (value === undefined || value === null || (typeof value === 'string' && value.trim() === '')) {
    if (typeof value === 'string') oddities.add('refresh_token_empty');
    else if (provider.answer.newRefreshToken === 'always') oddities.add('refresh_token_missing');
    return {};
  }
  if (typeof value !== 'string') {
    // A numeric token still has its digits in the raw bytes; anything else never was a token.
    const numeric = typeof value === 'object' && value.kind === 'number';
    return { why: 'refresh_token_not_text', salvageable: numeric };
  }
  if (bytesInDocument(value) > tokenLengthMax) return { why: 'refresh_token_too_long', salvageable: true };
  if (!isTokenText(value)) return { why: 'refresh_token_characters', salvageable: false };
  if (value === sent.reveal()) {
    if (provider.answer.newRefreshToken === 'always') oddities.add('refresh_token_same');
    return {};
  }
  if (value !== value.trim()) oddities.add('refresh_token_padded');
  return { refreshToken: new Secret(value) };
}

/** What a text takes up once it is written: a quote or a backslash twice what it is. */
function bytesInDocument(value: string): number {
  return Buffer.byteLength(JSON.stringify(value)) - 2;
}

function accessTokenOf(root: JsonObject): Secret | undefined {
  const value = memberOf(root, 'access_token');
  if (
    typeof value !== 'string' ||
    root.conflicts.has('access_token') ||
    !/^[\x20-\x7e]+$/.test(value) ||
    value.trim() === '' ||
    bytesInDocument(value) > tokenLengthMax
  )
    return undefined;
  return new Secret(value);
}

/** RFC 6749, 7.1: compared without case. A type we have no use for is kept and told. */
function tokenTypeOf(root: JsonObject, oddities: Set<Oddity>): string | undefined {
  const value = memberOf(root, 'token_type');
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string' || value.toLowerCase() !== 'bearer') oddities.add('token_type_unusual');
  return typeof value === 'string' && /^[A-Za-z][A-Za-z0-9._-]{0,31}$/.test(value) ? value : undefined;
}

/** RFC 6749, section 6: a refresh cannot widen the scope; without the member it is as before. */
function scopeOf(
  provider: Provider,
  root: JsonObject,
  before: string | undefined,
  oddities: Set<Oddity>,
): string | undefined {
  const value = memberOf(root, 'scope');
  if (!provider.answer.scopeReliable || typeof value !== 'string' || !/^[\x20-\x7e]{0,4096}$/.test(value))
    return undefined;
  const words = new Set(value.split(' '));
  if (before?.split(' ').some((word) => word !== '' && !words.has(word))) oddities.add('scope_changed');
  return value.trim() === '' ? undefined : value;
}

function accessPointOf(provider: Provider, root: JsonObject, oddities: Set<Oddity>): string | undefined {
  if (provider.accessPoints.length === 0) return undefined;
  const value = memberOf(root, 'api_access_point');
  if (value === undefined || value === null) return undefined;
  const point = typeof value === 'string' ? checkAccessPoint(provider, value) : { ok: false as const };
  if (point.ok) return point.url;
  oddities.add('access_point_refused');
  return undefined;
}

/** Plain strings only; the object has no prototype, so that no name in it can be more than a name. */
function keptOf(provider: Provider, root: JsonObject): Record<string, string> {
  const kept: Record<string, string> = Object.create(null);
  for (const name of provider.answer.keep) {
    const value = textOf(root, name);
    if (value !== undefined && bytesInDocument(value) <= 4_096 && name !== '__proto__') kept[name] = value;
  }
  return kept;
}

function optional<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]?: V });
}
