/**
 * The customers of the soak: a steady number of connections at four providers, some of which leave while as many come, who
 * consent again where the service says that they must. They hold the store by its other side, as applications do.
 */
import type { Clock } from '../../src/runtime/clock.ts';
import type { Random } from '../../src/runtime/random.ts';
import { clientSecretName } from '../../src/sandbox/demo/configure.ts';
import type { ProviderSandbox } from '../../src/sandbox/providers/sandbox.ts';
import type { Surroundings } from './surroundings.ts';

const dayMs = 86_400_000;
const managed = { 'pilotlight:managed': 'true' };

/** The client whose secret the provider takes for wrong now and then. */
export const blockedClient = 'docusign-north';
export const clients = ['docusign-main', blockedClient, 'adobe-main', 'adobe-gov', 'esignglobal-main'] as const;

interface Kind {
  readonly provider: string;
  readonly client: (typeof clients)[number];
  readonly scope?: string;
  readonly places?: readonly string[];
}

/** In the proportions of ten. */
const kinds: readonly Kind[] = [
  ...Array.from({ length: 4 }, () => ({
    provider: 'docusign',
    client: 'docusign-main' as const,
    scope: 'signature extended',
  })),
  { provider: 'docusign', client: blockedClient, scope: 'signature extended' },
  { provider: 'adobe-acrobat-sign', client: 'adobe-main', places: ['na1', 'na2', 'eu1', 'jp1'] },
  { provider: 'adobe-acrobat-sign', client: 'adobe-main', places: ['na1', 'eu1'] },
  { provider: 'adobe-acrobat-sign-gov', client: 'adobe-gov', scope: 'offline_access' },
  { provider: 'esignglobal', client: 'esignglobal-main', places: ['as1', 'eu1'] },
  { provider: 'esignglobal', client: 'esignglobal-main', places: ['as2'] },
];
export const providers = [...new Set(kinds.map(({ provider }) => provider))];
/** A consent nobody can prolong. */
const mortal: Kind = { provider: 'docusign', client: 'docusign-main', scope: 'signature' };

export interface Customers {
  /** Ids of all that have not left, oldest first. */
  readonly ids: () => readonly string[];
  providerOf(id: string): string;
  /** One comes: of any kind, or one whose consent ends after 30 days whatever is done. */
  come(how?: { readonly mortal: boolean; readonly refreshedDaysAgo?: number }): string;
  /** One leaves: its secret is deleted. */
  leave(id: string): void;
  /** Those who were told to, by the flag on their secret or for a token in doubt, consent again. Answers how many. */
  heed(): number;
  /** The application refreshes by itself; false where the token it reads is not the live one just now. */
  refreshByItself(id: string): boolean;
  /** A connection of a provider, drawn among those that live. */
  any(provider: string): string | undefined;
}

/** What the provider knows a client by. */
export function credentialsOf(client: string) {
  return { clientId: `${client}-key`, clientSecret: `PLTOKEN-secret-of-${client}` };
}

export function createCustomers(
  { double, sandbox, alerts }: Pick<Surroundings, 'double' | 'sandbox' | 'alerts'>,
  clock: Clock,
  random: Random,
): Customers {
  const all = new Map<string, { readonly kind: Kind; readonly place?: string }>();
  let made = 0;
  const pick = <T>(list: readonly T[]): T | undefined => list[Math.floor(random.fraction() * list.length)];

  for (const client of clients) {
    const { clientId, clientSecret } = credentialsOf(client);
    const value = JSON.stringify({ client_id: clientId, client_secret: clientSecret });
    double.secrets.seed([{ name: clientSecretName(client), value }]);
  }

  function consent(id: string, refreshedAt: number): string {
    const known = all.get(id);
    if (known === undefined) throw new Error(`there is no customer ${id}`);
    const { provider, client, scope } = known.kind;
    const held = sandbox.grants.create({
      provider,
      connection: id,
      client: credentialsOf(client),
      consentedAt: refreshedAt,
      refreshedAt,
      ...(scope === undefined ? {} : { scope }),
      ...(known.place === undefined ? {} : { place: known.place }),
    });
    return JSON.stringify({
      provider,
      environment: held.environment,
      client,
      refresh_token: held.refreshToken,
      access_token: held.accessToken,
      ...(held.scope === '' ? {} : { scope: held.scope }),
      consented_at: new Date(held.consentedAt).toISOString(),
      refreshed_at: new Date(held.refreshedAt).toISOString(),
      ...(held.apiAccessPoint === undefined ? {} : { api_access_point: held.apiAccessPoint }),
      ...(held.dataCenter === undefined ? {} : { data_center: held.dataCenter }),
    });
  }

  function documentOf(id: string): Record<string, unknown> {
    return JSON.parse(String(double.secrets.current(id)?.value)) as Record<string, unknown>;
  }

  return {
    ids: () => [...all.keys()],
    providerOf: (id) => all.get(id)?.kind.provider ?? '',
    come(how = { mortal: false }) {
      const kind = how.mortal ? mortal : (kinds[made % kinds.length] as Kind);
      made += 1;
      const id = `${kind.provider}/customer-${String(made).padStart(5, '0')}`;
      const place = kind.places === undefined ? undefined : pick(kind.places);
      all.set(id, { kind, ...(place === undefined ? {} : { place }) });
      const refreshedAt = clock.now() - (how.refreshedDaysAgo ?? 0) * dayMs;
      double.secrets.seed([{ name: id, value: consent(id, refreshedAt), tags: managed, createdAt: refreshedAt }]);
      return id;
    },
    leave(id) {
      all.delete(id);
      double.secrets.delete(id, { recoveryWindowDays: 7 });
    },
    heed() {
      const flagged = (id: string) => 'pilotlight:state' in double.secrets.tags(id) && isDead(sandbox, id);
      const told = [...all.keys()].filter((id) => flagged(id) || alerts.inDoubt.has(id));
      for (const id of told) {
        // Whose consent could not be prolonged has learnt to ask for one that can.
        const known = all.get(id);
        if (known?.kind === mortal) all.set(id, { ...known, kind: kinds[0] as Kind });
        double.secrets.put(id, consent(id, clock.now()));
      }
      return told.length;
    },
    refreshByItself(id) {
      const document = documentOf(id);
      if (!sandbox.oracle.isLive(String(document.refresh_token))) return false;
      const { refreshToken, accessToken } = sandbox.oracle.applicationRefresh(id);
      const refreshed = { refresh_token: refreshToken, access_token: accessToken };
      const at = new Date(clock.now()).toISOString();
      double.secrets.put(id, JSON.stringify({ ...document, ...refreshed, refreshed_at: at }));
      return true;
    },
    any: (provider) =>
      pick([...all.keys()].filter((id) => all.get(id)?.kind.provider === provider && !isDead(sandbox, id))),
  };
}

function isDead({ oracle }: ProviderSandbox, id: string): boolean {
  return oracle.death(id) !== undefined;
}
