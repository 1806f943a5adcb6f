/** The connections a bench runs on: their names, documents and index entries, all derived from a number. */
import { createHash } from 'node:crypto';
import type { IndexEntry } from '../../src/connection/entry.ts';
import { seenDigest } from '../../src/connection/fingerprint.ts';
import { uuidFrom } from '../../src/runtime/random.ts';
import type { Consented } from '../../src/sandbox/providers/sandbox.ts';

export const benchClient = { clientId: 'bench-integration-key', clientSecret: 'bench-secret-key' };
export const clientSecretName = 'clients/bench';
export const provider = 'docusign';
export const managedTags = { 'pilotlight:managed': 'true' };

const dayMs = 86_400_000;

/** 45 characters, as long as names with a path, a customer and a UUID's half are. */
export function connectionId(kind: string, number: number): string {
  return `tenants/${kind}/${String(number).padStart(12, '0')}`.padEnd(45, '-docusign-production');
}

/** The same version id for the same number, everywhere. */
export function versionId(number: number): string {
  return uuidFrom(createHash('sha256').update(`version ${number}`).digest(), 8);
}

/** Twelve days after its last refresh, so due; and refreshed by us before, as nearly all are. */
export const refreshedDaysAgo = 12;

export function documentOf(held: Consented, version: string): Record<string, unknown> {
  const refreshedAt = new Date(held.refreshedAt).toISOString();
  return {
    provider,
    environment: held.environment,
    client: 'bench',
    refresh_token: held.refreshToken,
    access_token: held.accessToken,
    token_type: held.tokenType,
    expires_at: new Date(held.refreshedAt + held.accessTokenLifeMs).toISOString(),
    scope: held.scope,
    consented_at: new Date(held.consentedAt).toISOString(),
    refreshed_at: refreshedAt,
    account_id: '6c8f5b1e-2f0d-4a53-9c5e-0d7a6b1f4e21',
    pilotlight: {
      attempt: version,
      from: versionId(-1),
      spent: Array.from({ length: 8 }, (_, past) =>
        createHash('sha256').update(`${version}${past}`).digest('hex').slice(0, 12),
      ),
      extended_at: refreshedAt,
      first_seen_at: new Date(held.consentedAt).toISOString(),
    },
  };
}

/** Clients the index's entries are spread over, as in an install with several registrations and shards. */
const clients = 12;

/** A connection that is not due for days, as the index knows it. */
export function idleEntry(kind: string, number: number, now: number): IndexEntry {
  const client = number % clients;
  const extendedAt = now - (number % 240) * 3_600_000 - 3_600_000;
  return {
    id: connectionId(kind, number),
    at: { provider, environment: 'production', client: `bench-${client}`, host: 'account.docusign.com' },
    state: 'active',
    reason: 'none',
    since: extendedAt,
    seen: seenDigest(versionId(number), managedTags),
    fingerprint: createHash('sha256').update(`token ${number}`).digest('hex').slice(0, 12),
    nextAt: extendedAt + 11 * dayMs + (number % 9_973) * 1_000,
    deadlineAt: extendedAt + 30 * dayMs,
    clock: 'idle',
    estimated: false,
    extendedAt,
    failures: 0,
  };
}

/** Entries in batches, so that a million never stand in memory together. */
export function* idleEntries(kind: string, count: number, now: number): Generator<IndexEntry[]> {
  const size = 5_000;
  for (let from = 0; from < count; from += size) {
    yield Array.from({ length: Math.min(size, count - from) }, (_, place) => idleEntry(kind, from + place, now));
  }
}
