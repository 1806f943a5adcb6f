/** Short ways to say what a connection's document holds, and what follows for its life by the real provider files. */
import type { Provider } from '../../../config/provider.ts';
import type { LifeFacts } from '../../../src/connection/anchor.ts';
import { defaultFieldNames, parseDocument } from '../../../src/connection/document.ts';
import { assessLife, type Life } from '../../../src/connection/lifetime.ts';
import { type ProviderName, providerFile, providerNames } from '../provider-files.ts';

export const day = 86_400_000;
export const hour = 3_600_000;
/** The instant these tests count days from. */
export const dayZero = Date.UTC(2026, 0, 1);

/** The instant `days` after day zero. */
export function on(days: number): number {
  return dayZero + days * day;
}

/** The instant as documents hold it. */
export function iso(days: number): string {
  return new Date(on(days)).toISOString();
}

const providers = new Map(providerNames.map((name) => [name, providerFile(name)]));

function providerNamed(name: ProviderName): Provider {
  return providers.get(name) ?? providerFile(name);
}

export const ourToken = 'aaaaaaaaaaaa';
export const theirToken = 'bbbbbbbbbbbb';

export interface Told {
  /** Members of the document. */
  readonly holds?: Record<string, unknown>;
  /** Our notes in it. */
  readonly own?: Record<string, unknown>;
  readonly facts?: Partial<LifeFacts>;
}

/** Facts of a connection whose current version was made on day zero. */
export function factsOf(provider: ProviderName, { holds = {}, own, facts = {} }: Told = {}): LifeFacts {
  const text = JSON.stringify({ ...holds, ...(own === undefined ? {} : { pilotlight: own }) });
  const parsed = parseDocument(text, defaultFieldNames, on(10_000));
  if (!parsed.ok) throw new Error(parsed.reason);
  return {
    id: 'customers/1',
    document: parsed.document,
    provider: providerNamed(provider),
    fingerprint: ourToken,
    versionCreatedAt: dayZero,
    overrides: {},
    now: dayZero,
    keepAccessToken: false,
    ...facts,
  };
}

export function lifeOf(provider: ProviderName, told: Told = {}): Life {
  return assessLife(factsOf(provider, told));
}

/** Our notes after a refresh by us on the day given. */
export function refreshedByUs(days: number): { holds: Record<string, unknown>; own: Record<string, unknown> } {
  return { holds: { refreshed_at: iso(days) }, own: { token: ourToken, extended_at: iso(days), spent: [] } };
}
