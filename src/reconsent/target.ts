/**
 * The connection a consent is for, as the store has it now. A dead or missing token is what a consent mends; a secret that
 * could not be written, or is not ours to write, is refused before the customer is sent anywhere.
 */
import type { Provider } from '../../config/provider.ts';
import { type ConnectionDocument, parseDocument } from '../connection/document.ts';
import type { Reason } from '../connection/entry.ts';
import { findValue, readJsonObject } from '../connection/json-text.ts';
import { type JudgeRules, textOf } from '../connection/standing.ts';
import { type SecretVersion, stage } from '../rotation/ports.ts';
import type { Clock } from '../runtime/clock.ts';
import { hasCode } from '../runtime/errors.ts';
import type { ConsentStore } from './ports.ts';

export interface TargetPorts {
  readonly store: ConsentStore;
  readonly rules: Pick<
    JudgeRules,
    'providers' | 'names' | 'environment' | 'fingerprint' | 'knowsClient' | 'providerOf'
  >;
  readonly clock: Pick<Clock, 'now'>;
  /** The document's member that names the provider's account. */
  readonly accountField: string;
}

export interface Target {
  readonly kind: 'there';
  readonly document: ConnectionDocument;
  readonly version: SecretVersion;
  readonly tags: Readonly<Record<string, string>>;
  readonly provider: Provider;
  readonly environment: string;
  /** The account the connection belongs to, where the document says one. */
  readonly account?: string;
}

export type FoundTarget = Target | { readonly kind: 'gone' } | { readonly kind: 'unusable'; readonly reason: Reason };

/** Reads the secret. Throws store errors other than that it is not there. */
export async function readTarget(name: string, ports: TargetPorts): Promise<FoundTarget> {
  const { store, rules, clock } = ports;
  const unusable = (reason: Reason): FoundTarget => ({ kind: 'unusable', reason });
  try {
    const { tags, deletedAt, primaryRegion } = await store.describe(name);
    if (deletedAt !== undefined) return { kind: 'gone' };
    if (primaryRegion !== undefined) return unusable('replica');
    const meant = tags['pilotlight:environment'];
    if (meant !== undefined && meant !== rules.environment) return unusable('environment_mismatch');
    const version = await store.read(name, { stage: stage.current });
    const text = textOf(version.value);
    if (text === undefined) return unusable('binary_not_text');
    const parsed = parseDocument(text, rules.names, clock.now());
    if (!parsed.ok) return unusable(parsed.reason);
    const { document } = parsed;
    const place = placeOf(document, rules);
    if (typeof place === 'string') return unusable(place);
    return { kind: 'there', document, version, tags, ...place, ...accountIn(text, ports.accountField) };
  } catch (error) {
    if (hasCode(error, 'store_not_found', 'store_deleted')) return { kind: 'gone' };
    throw error;
  }
}

/** Where its customers consent; a reason where it does not say that as it should. */
export function placeOf(
  { provider: name, environment: said, client }: Pick<ConnectionDocument, 'provider' | 'environment' | 'client'>,
  rules: TargetPorts['rules'],
): { readonly provider: Provider; readonly environment: string } | Reason {
  const provider = rules.providers.get(name);
  if (provider === undefined) return name === '' ? 'provider_missing' : 'provider_unknown';
  const names = Object.keys(provider.environments);
  const environment = said === '' && names.length === 1 ? (names[0] ?? '') : said;
  if (!Object.hasOwn(provider.environments, environment)) return 'environment_unknown';
  if (client === '' || rules.knowsClient?.(client) === false) return 'client_missing';
  const meantFor = rules.providerOf?.(client);
  return meantFor !== undefined && meantFor !== name ? 'client_mismatch' : { provider, environment };
}

function accountIn(text: string, field: string): { readonly account?: string } {
  const root = readJsonObject(text.startsWith('\ufeff') ? text.slice(1) : text);
  const value: unknown = typeof root === 'string' ? undefined : findValue(root, field)?.value;
  const account = typeof value === 'string' || typeof value === 'number' ? String(value).trim() : '';
  return account === '' ? {} : { account };
}

/**
 * Whether a consent newer than `since` is stored, in another version than the one that was judged then. A mere new version
 * says nothing: an application may have saved another field around the same dead token.
 */
export function hasConsentSince({ document, version }: Target, judged: string, since: number): boolean {
  // Documents may hold seconds, which are rounded down.
  const second = Math.floor(since / 1_000) * 1_000;
  return version.versionId !== judged && document.consentedAt !== undefined && document.consentedAt >= second;
}
