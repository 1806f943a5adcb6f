/**
 * A connection's secret as a document: reading it without trusting it, and writing it back so that everything we did not
 * change stays byte for byte what the customer wrote (unknown members, number spelling, layout, BOM, trailing newline).
 *
 * Members are found by configured names (a dotted name reaches into nested objects); where a name is absent, a single
 * member that differs only in case, `_` or `-` is taken, and is written back under its own spelling.
 */
import { Secret } from '../runtime/secret.ts';
import type { Reason } from './entry.ts';
import { readInstant, writeInstant } from './instant.ts';
import { editJson } from './json-edit.ts';
import { findValue, isAmbiguous, isBlocked, type JsonNode, readJsonObject } from './json-text.ts';

/** Our names for the members we read and write, each mapped to the name used in the store. */
export interface FieldNames {
  readonly provider: string;
  readonly environment: string;
  readonly client: string;
  readonly refreshToken: string;
  readonly accessToken: string;
  readonly tokenType: string;
  readonly expiresAt: string;
  readonly scope: string;
  readonly consentedAt: string;
  readonly refreshedAt: string;
  readonly apiAccessPoint: string;
  readonly dataCenter: string;
  readonly grantType: string;
  readonly own: string;
}

export const defaultFieldNames: FieldNames = {
  provider: 'provider',
  environment: 'environment',
  client: 'client',
  refreshToken: 'refresh_token',
  accessToken: 'access_token',
  tokenType: 'token_type',
  expiresAt: 'expires_at',
  scope: 'scope',
  consentedAt: 'consented_at',
  refreshedAt: 'refreshed_at',
  apiAccessPoint: 'api_access_point',
  dataCenter: 'data_center',
  grantType: 'grant_type',
  own: 'pilotlight',
};

/** What Pilotlight itself notes in the document. Fingerprints only, never a token. */
export interface OwnSection {
  /** The attempt that wrote this document; equals the version id it was written under. */
  readonly attempt?: string;
  /** The version that attempt started from. */
  readonly from?: string;
  /** Fingerprint of the refresh token we wrote: another one in the document means somebody else refreshed. */
  readonly token?: string;
  /** Fingerprints of tokens known to be spent, newest last. */
  readonly spent: readonly string[];
  /** When the connection's life was last extended by us (epoch ms). */
  readonly extendedAt?: number;
  /** When the provider said the refresh token ends (epoch ms). */
  readonly refreshExpiresAt?: number;
  /** When somebody else's refresh was last seen (epoch ms). */
  readonly foreignAt?: number;
  /** The earliest sign of life known at our first rotation (epoch ms): consent cannot be later. */
  readonly firstSeenAt?: number;
}

export interface ConnectionDocument {
  readonly provider: string;
  readonly environment: string;
  readonly client: string;
  /** Undefined where it is missing, empty or a placeholder. */
  readonly refreshToken?: Secret;
  readonly scope?: string;
  readonly consentedAt?: number;
  readonly refreshedAt?: number;
  readonly expiresAt?: number;
  readonly apiAccessPoint?: string;
  readonly dataCenter?: string;
  readonly grantType?: string;
  readonly own: OwnSection;
  /** The text it was read from; every change is an edit of it. */
  readonly source: Secret;
}

export type ParsedDocument =
  | { readonly ok: true; readonly document: ConnectionDocument }
  | { readonly ok: false; readonly reason: Reason };

/** How many spent tokens are remembered: more than any provider keeps usable by grace. */
export const spentMax = 8;

/** Reads a secret's text. `now` guards against instants in the future. Never throws and never quotes the content. */
export function parseDocument(text: string, names: FieldNames, now: number): ParsedDocument {
  const root = readJsonObject(text.startsWith('\ufeff') ? text.slice(1) : text);
  if (typeof root === 'string') return { ok: false, reason: root };
  // Which of several is meant is not ours to guess: the wrong one would be a token of another time.
  if (Object.values(names).some((name) => isAmbiguous(root, name))) return { ok: false, reason: 'duplicate_key' };
  const own = findValue(root, names.own);
  const taken = own !== undefined && own.type !== 'object' && own.type !== 'null';
  if (taken || isBlocked(root, names.own)) return { ok: false, reason: 'forbidden_key' };
  return { ok: true, document: readMembers(root, text, names, now) };
}

function readMembers(root: JsonNode, text: string, names: FieldNames, now: number): ConnectionDocument {
  const string = (name: string) => {
    const value = findValue(root, name)?.value;
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const instant = (name: string, latest: number) => readInstant(findValue(root, name)?.value, latest);
  const token = string(names.refreshToken);
  const soon = now + 86_400_000;
  return {
    provider: string(names.provider) ?? '',
    environment: string(names.environment) ?? '',
    client: string(names.client) ?? '',
    ...optional('refreshToken', token === undefined || isPlaceholder(token) ? undefined : new Secret(token)),
    ...optional('scope', string(names.scope)),
    ...optional('consentedAt', instant(names.consentedAt, soon)),
    ...optional('refreshedAt', instant(names.refreshedAt, soon)),
    ...optional('expiresAt', instant(names.expiresAt, now + 20 * 365 * 86_400_000)),
    ...optional('apiAccessPoint', string(names.apiAccessPoint)?.trim()),
    ...optional('dataCenter', string(names.dataCenter)),
    ...optional('grantType', string(names.grantType)),
    own: readOwn(findValue(root, names.own), soon),
    source: new Secret(text),
  };
}

function readOwn(node: JsonNode | undefined, latest: number): OwnSection {
  const member = (name: string) => (node?.type === 'object' ? findValue(node, name)?.value : undefined);
  const string = (name: string) => {
    const value = member(name);
    return typeof value === 'string' ? value : undefined;
  };
  const spent = node?.type === 'object' ? findValue(node, 'spent') : undefined;
  return {
    ...optional('attempt', string('attempt')),
    ...optional('from', string('from')),
    ...optional('token', string('token')),
    spent: (spent?.children ?? []).map((child) => child.value).filter((value) => typeof value === 'string'),
    ...optional('extendedAt', readInstant(member('extended_at'), latest)),
    ...optional('refreshExpiresAt', readInstant(member('refresh_expires_at'), latest + 20 * 365 * 86_400_000)),
    ...optional('foreignAt', readInstant(member('foreign_at'), latest)),
    ...optional('firstSeenAt', readInstant(member('first_seen_at'), latest)),
  };
}

/** What a rotation changes in a document. Undefined members stay as they are. */
export interface DocumentChange {
  readonly refreshToken?: Secret;
  readonly accessToken?: Secret;
  readonly tokenType?: string;
  readonly expiresAt?: number;
  readonly scope?: string;
  readonly refreshedAt?: number;
  readonly apiAccessPoint?: string;
  /** Further members by their name in the document. */
  readonly kept?: Readonly<Record<string, string>>;
  readonly own: OwnSection;
}

/**
 * The document's text with the change applied: a pure function, so that anyone's retry writes the same bytes. Instants
 * keep the form found in the document (ISO 8601 text, seconds or milliseconds).
 */
export function changeDocument(document: ConnectionDocument, change: DocumentChange, names: FieldNames): string {
  const source = document.source.reveal();
  const bom = source.startsWith('\ufeff') ? '\ufeff' : '';
  const json = editJson(source.slice(bom.length));
  const set = (name: string, value: unknown) => {
    if (value !== undefined) json.set(name, value);
  };
  const instant = (name: string, at: number | undefined) => {
    if (at !== undefined) set(name, writeInstant(at, json.valueOf(name)));
  };
  set(names.refreshToken, change.refreshToken?.reveal());
  set(names.accessToken, change.accessToken?.reveal());
  set(names.tokenType, change.tokenType);
  instant(names.expiresAt, change.expiresAt);
  set(names.scope, change.scope);
  instant(names.refreshedAt, change.refreshedAt);
  set(names.apiAccessPoint, change.apiAccessPoint);
  for (const [name, value] of Object.entries(change.kept ?? {})) set(name, value);
  set(names.own, ownJson(change.own));
  return bom + json.text();
}

function ownJson(own: OwnSection): Record<string, unknown> {
  const iso = (at: number | undefined) => (at === undefined ? undefined : new Date(at).toISOString());
  return {
    attempt: own.attempt,
    from: own.from,
    token: own.token,
    spent: own.spent.slice(-spentMax),
    extended_at: iso(own.extendedAt),
    refresh_expires_at: iso(own.refreshExpiresAt),
    foreign_at: iso(own.foreignAt),
    first_seen_at: iso(own.firstSeenAt),
  };
}

/** True for what people leave in a template: it would only count as a failed authentication at the provider. */
export function isPlaceholder(token: string): boolean {
  const text = token.trim();
  return (
    text === '' ||
    /^(?:<.*>|\{\{.*\}\}|\$\{.*\}|change_?-?me|todo|tbd|none|null|undefined|x{3,}|\.{3,}|\*{3,}|your[ _-].*|replace[ _-]?me|\[?redacted\]?|placeholder|refresh_token)$/i.test(
      text,
    )
  );
}

function optional<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]?: V });
}
