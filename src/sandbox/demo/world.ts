/**
 * Everything outside the service: the Secrets Manager double with the customers' secrets, the providers with their
 * consents, and the one calendar they all live by.
 */
import type { Closers } from '../../runtime/closers.ts';
import type { Random } from '../../runtime/random.ts';
import { type Consented, createProviderSandbox, type ProviderSandbox } from '../providers/sandbox.ts';
import { createSecretsManagerDouble, type SecretsManagerDouble } from '../secrets-manager/double.ts';
import { awsQuotas } from '../secrets-manager/quotas.ts';
import type { Calendar } from './calendar.ts';
import { type Cast, clients, type Member } from './cast.ts';
import { type Addresses, clientSecretName } from './configure.ts';

export interface World {
  readonly calendar: Calendar;
  readonly double: SecretsManagerDouble;
  readonly sandbox: ProviderSandbox;
  readonly cast: Cast;
  readonly addresses: Addresses;
}

export type Document = Readonly<Record<string, unknown>>;

/** How far ListSecrets lags behind, calendar ms; AWS says up to five minutes. */
const listLagMs = 300_000;
/** Real time a provider takes to answer. */
const latencyMs = 15;
/** A member of the customer's own that must survive every refresh. */
export const customersMember = 'crm';

const brokenContent = '{"provider": "docusign", "client": "docusign-main", "refresh_token": ';

/** Starts double and sandbox; both are closed by `closers`. */
export async function openWorld(calendar: Calendar, cast: Cast, random: Random, closers: Closers): Promise<World> {
  const sandbox = createProviderSandbox({ clock: calendar, random, latencyMs });
  const double = createSecretsManagerDouble({ clock: calendar, random, quotas: awsQuotas, listLagMs });
  const providers = await sandbox.start();
  closers.push('providers', () => sandbox.stop());
  const store = await double.start();
  closers.push('secrets', () => double.stop());
  const addresses = { store: store.url, providers: providers.url.href };
  for (const client of clients) {
    const { clientId, clientSecret } = credentialsOf(client);
    const value = JSON.stringify({ client_id: clientId, client_secret: clientSecret });
    double.secrets.seed([{ name: clientSecretName(client), value }]);
  }
  for (const member of cast.members) {
    double.secrets.seed([
      {
        name: member.id,
        value: contentOf(member, sandbox),
        tags: { 'pilotlight:managed': 'true' },
        createdAt: member.refreshedAt,
      },
    ]);
  }
  return { calendar, double, sandbox, cast, addresses };
}

/** What the provider knows the client by. The secret bears the mark by which a leak would be found. */
export function credentialsOf(client: string): { readonly clientId: string; readonly clientSecret: string } {
  return { clientId: `${client}-key`, clientSecret: `PLTOKEN-secret-of-${client}` };
}

/** The customer consents; what the provider gave. */
export function consent(member: Member, sandbox: ProviderSandbox, at?: number): Consented {
  const { provider, id, environment, place, scope } = member;
  return sandbox.grants.create({
    provider,
    connection: id,
    client: credentialsOf(member.client),
    consentedAt: at ?? member.consentedAt,
    refreshedAt: at ?? member.refreshedAt,
    ...(environment === undefined ? {} : { environment }),
    ...(place === undefined ? {} : { place }),
    ...(scope === undefined ? {} : { scope }),
  });
}

/** What the customer's application stores after a consent. */
export function documentOf(member: Member, held: Consented): Document {
  const { scopeKnown, provider, client, id } = member;
  return {
    provider,
    environment: held.environment,
    client,
    refresh_token: held.refreshToken,
    access_token: held.accessToken,
    token_type: held.tokenType,
    expires_at: new Date(held.refreshedAt + held.accessTokenLifeMs).toISOString(),
    ...(scopeKnown && held.scope !== '' ? { scope: held.scope } : {}),
    consented_at: new Date(held.consentedAt).toISOString(),
    refreshed_at: new Date(held.refreshedAt).toISOString(),
    ...(held.apiAccessPoint === undefined ? {} : { api_access_point: held.apiAccessPoint }),
    ...(held.dataCenter === undefined ? {} : { data_center: held.dataCenter }),
    [customersMember]: customersValue(id),
  };
}

export function customersValue(id: string): Document {
  return { account: id, tier: 'gold' };
}

function contentOf(member: Member, sandbox: ProviderSandbox): string {
  if (member.fate === 'unusable') return brokenContent;
  return JSON.stringify(documentOf(member, consent(member, sandbox)), null, 2);
}

/** True while the broken secret holds what it held at first. */
export function isUntouched(content: string | Buffer | undefined): boolean {
  return content === brokenContent;
}

/** The current document of a connection; undefined where there is none that can be read. */
export function currentDocument(double: SecretsManagerDouble, id: string): Document | undefined {
  try {
    return JSON.parse(String(double.secrets.current(id)?.value)) as Document;
  } catch {
    return undefined;
  }
}
