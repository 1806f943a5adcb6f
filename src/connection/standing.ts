/**
 * Where a connection stands, judged from its secret alone: a pure function of (secret, provider, now), used by inventory
 * before a rotation and by the rotation itself, so that both always agree.
 */
import type { Provider } from '../../config/provider.ts';
import type { Secret } from '../runtime/secret.ts';
import { type ConnectionDocument, type FieldNames, parseDocument } from './document.ts';
import type { ClientAtHost, IndexEntry, Reason } from './entry.ts';
import { type Fingerprint, seenDigest } from './fingerprint.ts';
import { type Flag, readFlag, readOverrides, readThresholds } from './flag.ts';
import { assessLife, type Life } from './lifetime.ts';

/** What is the same for all connections of an install. */
export interface JudgeRules {
  readonly providers: ReadonlyMap<string, Provider>;
  readonly names: FieldNames;
  /** Name of this install's environment; a secret tagged for another one is left alone. */
  readonly environment: string;
  readonly keepAccessToken: (provider: string) => boolean;
  readonly fingerprint: Fingerprint;
  /** Host of the token endpoint for these facts; undefined where it is not allowed or cannot be built. */
  readonly hostOf: (provider: Provider, document: ConnectionDocument) => string | undefined;
  readonly readDuration: (text: string) => number | undefined;
  /** Whether a client of this name is configured. */
  readonly knowsClient?: (client: string) => boolean;
  /** The one provider a client is configured for; undefined where it may be used at any. */
  readonly providerOf?: (client: string) => string | undefined;
}

/** A secret's value in the form it is stored in: text or bytes. */
export type StoredValue = { readonly text: Secret } | { readonly binary: Buffer };

/** A secret as it was seen. */
export interface Sighting {
  readonly id: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly stages: Readonly<Record<string, readonly string[]>>;
  readonly primaryRegion?: string;
  readonly version: { readonly versionId: string; readonly createdAt: number; readonly value: StoredValue };
  readonly known: IndexEntry | undefined;
}

/** A sighting out of a secret's description and its current version. */
export function sightingOf(
  id: string,
  { tags, stages, primaryRegion }: Pick<Sighting, 'tags' | 'stages'> & { readonly primaryRegion?: string },
  version: Sighting['version'],
  known: IndexEntry | undefined,
): Sighting {
  return { id, tags, stages, version, known, ...(primaryRegion === undefined ? {} : { primaryRegion }) };
}

export type Standing =
  | {
      readonly usable: true;
      readonly document: ConnectionDocument & {
        readonly refreshToken: NonNullable<ConnectionDocument['refreshToken']>;
      };
      readonly provider: Provider;
      readonly at: ClientAtHost;
      readonly fingerprint: string;
      readonly life: Life;
      /** The flag on the secret where it judges this very version. */
      readonly flag: Flag | undefined;
      /** When on-call is to hear of it, where its tags say so. */
      readonly thresholds: ReturnType<typeof readThresholds>;
    }
  | { readonly usable: false; readonly reason: Reason; readonly at: ClientAtHost; readonly fingerprint: string };

const nowhere: ClientAtHost = { provider: '', environment: '', client: '', host: '' };

/** Judges a secret. Never throws; a reason stands for everything that makes it unusable. */
export function judge(sighting: Sighting, rules: JudgeRules, now: number): Standing {
  const { tags, stages, version, primaryRegion } = sighting;
  const refuse = (reason: Reason, at = nowhere, fingerprint = ''): Standing => ({
    usable: false,
    reason,
    at,
    fingerprint,
  });
  const meant = tags['pilotlight:environment'];
  if (meant !== undefined && meant !== rules.environment) return refuse('environment_mismatch');
  if (primaryRegion !== undefined) return refuse('replica');
  const awsPending = Object.entries(stages).find(([, labels]) => labels.includes('AWSPENDING'));
  if (awsPending !== undefined && !awsPending[1].includes('AWSCURRENT')) return refuse('foreign_rotation');
  const text = textOf(version.value);
  if (text === undefined) return refuse('binary_not_text');
  const parsed = parseDocument(text, rules.names, now);
  if (!parsed.ok) return refuse(parsed.reason);
  return judgeDocument(sighting, parsed.document, rules, now, refuse);
}

function judgeDocument(
  sighting: Sighting,
  document: ConnectionDocument,
  rules: JudgeRules,
  now: number,
  refuse: (reason: Reason, at?: ClientAtHost, fingerprint?: string) => Standing,
): Standing {
  if (document.provider === '') return refuse('provider_missing');
  const provider = rules.providers.get(document.provider);
  // A word nobody configured stays in the secret: somebody may have pasted a token there.
  if (provider === undefined) return refuse('provider_unknown');
  const client = rules.knowsClient?.(document.client) === false ? '' : document.client;
  const at: ClientAtHost = { provider: provider.name, environment: '', client, host: '' };
  const environment = document.environment === '' ? soleEnvironment(provider) : document.environment;
  // Own members only: "constructor" is no environment, though every object answers to it.
  if (environment === undefined || !Object.hasOwn(provider.environments, environment))
    return refuse('environment_unknown', at);
  if (document.grantType !== undefined && Object.hasOwn(provider.refuseGrants, document.grantType))
    return refuse('grant_holds_nothing', at);
  if (document.client === '') return refuse('client_missing', { ...at, environment });
  const meantFor = rules.providerOf?.(document.client);
  if (meantFor !== undefined && meantFor !== provider.name) return refuse('client_mismatch', { ...at, environment });
  const host = rules.hostOf(provider, { ...document, environment });
  if (host === undefined) return refuse('host_not_allowed', { ...at, environment });
  const where: ClientAtHost = { provider: provider.name, environment, client, host };
  const { refreshToken } = document;
  if (refreshToken === undefined) return refuse('refresh_token_missing', where);
  const fingerprint = rules.fingerprint(refreshToken);
  const flag = readFlag(sighting.tags);
  const { known } = sighting;
  const life = assessLife({
    id: sighting.id,
    document,
    provider,
    fingerprint,
    versionCreatedAt: sighting.version.createdAt,
    ...(known === undefined ? {} : { known: { fingerprint: known.fingerprint, extendedAt: known.extendedAt } }),
    overrides: readOverrides(sighting.tags, rules.readDuration),
    now,
    keepAccessToken: rules.keepAccessToken(provider.name),
  });
  return {
    usable: true,
    thresholds: readThresholds(sighting.tags, rules.readDuration),
    document: { ...document, environment, refreshToken },
    provider,
    at: where,
    fingerprint,
    life,
    flag: flag?.version === sighting.version.versionId && !isDisproved(flag, life, now) ? flag : undefined,
  };
}

/**
 * An end that was reckoned and is not reached, or not known for certain any more: the lifetime it was reckoned from has been
 * corrected since, or the clock. What a provider's refusal proved is not undone by either.
 */
export function isDisproved(
  { reason }: Pick<Flag, 'reason'>,
  { provenEndAt }: Pick<Life, 'provenEndAt'>,
  now: number,
): boolean {
  return reason === 'expired' && (provenEndAt === null || provenEndAt > now);
}

/** A provider with one environment needs no word about it in the secret. */
function soleEnvironment(provider: Provider): string | undefined {
  const names = Object.keys(provider.environments);
  return names.length === 1 ? names[0] : undefined;
}

export function textOf(value: StoredValue): string | undefined {
  if ('text' in value) return value.text.reveal();
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value.binary);
  } catch {
    return undefined;
  }
}

/** How soon a secret that cannot be used is looked at again by itself; a new version is seen at once by inventory. */
const lookAgainMs = 6 * 3_600_000;

/** The index entry a judged secret stands for when nothing else is known of it (no attempt under way). */
export function entryOf(sighting: Sighting, standing: Standing, now: number): IndexEntry {
  const { id, version, tags, known } = sighting;
  const base = { id, at: standing.at, seen: seenDigest(version.versionId, tags), fingerprint: standing.fingerprint };
  const since = (state: IndexEntry['state'], reason: Reason) =>
    known?.state === state && known.reason === reason ? known.since : now;
  if (!standing.usable) {
    const state = standing.reason === 'refresh_token_missing' ? 'reauth_required' : 'invalid';
    return {
      ...base,
      state,
      reason: standing.reason,
      since: since(state, standing.reason),
      // Where no provider is known no worker would take it; its secret, or our rules, must change first.
      nextAt: standing.at.provider === '' ? null : now + lookAgainMs,
      deadlineAt: null,
      clock: null,
      estimated: false,
      extendedAt: null,
      failures: 0,
    };
  }
  const { life, flag } = standing;
  const times = {
    deadlineAt: life.deadlineAt,
    clock: life.clock,
    estimated: life.estimated,
    extendedAt: life.extendedAt,
    ...standing.thresholds,
  };
  if (flag?.state === 'reauth_required') {
    return { ...base, ...times, state: flag.state, reason: flag.reason, since: flag.since, nextAt: null, failures: 0 };
  }
  if (life.provenEndAt !== null && life.provenEndAt <= now) {
    // The rotation job writes the flag: it is due at once.
    return {
      ...base,
      ...times,
      state: 'reauth_required',
      reason: 'expired',
      since: since('reauth_required', 'expired'),
      nextAt: now,
      failures: 0,
    };
  }
  if (life.unkeepable) {
    const at = since('unkeepable', 'absolute_lifetime');
    return {
      ...base,
      ...times,
      state: 'unkeepable',
      reason: 'absolute_lifetime',
      since: at,
      nextAt: life.dueAt ?? life.provenEndAt ?? life.deadlineAt ?? now + lookAgainMs,
      failures: 0,
    };
  }
  return {
    ...base,
    ...times,
    state: 'active',
    reason: 'none',
    since: since('active', 'none'),
    nextAt: life.dueAt,
    failures: 0,
  };
}
