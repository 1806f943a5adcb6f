/**
 * The five providers on one loopback port, behaving as documented, with a calendar of the caller's. Point a token endpoint's
 * `connectTo` at it and every provider host is answered here. For demo, tests and benches; no production code imports it.
 */
import type { AddressInfo } from 'node:net';
import type { Clock } from '../../runtime/clock.ts';
import type { Random } from '../../runtime/random.ts';
import { adobe } from './adobe.ts';
import { adobeGov } from './adobe-gov.ts';
import { createConsents, type ExpectedCustomer, type IssuedCode } from './authorize.ts';
import type { Behaviour } from './behaviour.ts';
import { docusign } from './docusign.ts';
import { esignglobal } from './esignglobal.ts';
import { createFaults, type Fault, type FaultKind, type FaultScope } from './faults.ts';
import { createLedger, type Grant, type GrantRules, type Ledger } from './ledger.ts';
import { oauth2 } from './oauth2.ts';
import { createOracle, type Oracle } from './oracle.ts';
import { createSandboxServer } from './server.ts';

export interface Consent {
  readonly provider: string;
  readonly connection: string;
  readonly client: { readonly clientId: string; readonly clientSecret: string };
  readonly scope?: string;
  /** Calendar instant of the consent; now unless given. */
  readonly consentedAt?: number;
  /** When the token was last refreshed; at consent unless given. */
  readonly refreshedAt?: number;
  readonly environment?: string;
  /** Adobe's shard (`na1`) or eSignGlobal's data centre (`as1`). */
  readonly place?: string;
  /** Changes of the provider's usual rules, such as a grace window. */
  readonly rules?: Partial<GrantRules>;
}

/** What the application would have stored after the consent. */
export interface Consented {
  readonly refreshToken: string;
  readonly accessToken: string;
  readonly tokenType: string;
  readonly accessTokenLifeMs: number;
  readonly scope: string;
  readonly environment: string;
  readonly consentedAt: number;
  readonly refreshedAt: number;
  readonly apiAccessPoint?: string;
  readonly dataCenter?: string;
}

export interface ProviderSandbox {
  /** Listens; `url` is what `connectTo` wants. */
  start(): Promise<{ readonly url: URL }>;
  stop(): Promise<void>;
  readonly clients: {
    /** The secrets a provider takes from a client from now on; none: every one is wrong. */
    setSecrets(provider: string, clientId: string, secrets: readonly string[]): void;
    /** The addresses a client's consent page may send browsers back to, compared character by character; any until then. */
    setRedirectUris(provider: string, clientId: string, uris: readonly string[]): void;
  };
  readonly grants: {
    /** A customer consents (again: the connection's earlier tokens live on by their own rules). Registers the client. */
    create(consent: Consent): Consented;
    /** The customer withdraws consent. */
    revoke(connection: string): void;
    /** The account moves to another shard. */
    migrate(connection: string, place: string): void;
  };
  /** Consent pages at `<url>/authorize-at/<provider's host>/...`. */
  readonly consents: {
    /**
     * Names who will be signed in at the provider's next consent page. Without it the page offers the customers who
     * consented to the client before.
     */
    expect(customer: ExpectedCustomer): void;
    /** The provider's own name of a connection's account. */
    accountOf(connection: string): string;
    /** Codes that were handed out and would still be taken. */
    pending(connection?: string): readonly IssuedCode[];
  };
  readonly faults: { inject(fault: FaultKind, scope?: FaultScope): Fault };
  readonly oracle: Oracle;
  setLatencyMs(ms: number): void;
}

export interface ProviderSandboxOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly host?: string;
  /** 0 or absent: any free port. */
  readonly port?: number;
  /** Real milliseconds every answer takes at least. */
  readonly latencyMs?: number;
  /** The time authorization codes live by: the calendar unless given; monotonic where it runs too fast for a person at a page. */
  readonly codeTime?: 'calendar' | 'monotonic';
}

const behaviours: readonly Behaviour[] = [docusign, adobe, adobeGov, esignglobal, oauth2];

export function createProviderSandbox(options: ProviderSandboxOptions): ProviderSandbox {
  const { clock, random } = options;
  const ledger = createLedger({ clock, random });
  const faults = createFaults();
  const secrets = new Map<string, readonly string[]>();
  const redirectUris = new Map<string, readonly string[]>();
  let latencyMs = options.latencyMs ?? 0;
  const consents = createConsents({
    now: () => (options.codeTime === 'monotonic' ? clock.monotonic() : clock.now()),
    random,
    ledger,
    registered(provider, clientId, uri) {
      const client = `${provider} ${clientId}`;
      if (!secrets.has(client)) return 'no client';
      return isRedirectUri(uri) && redirectUris.get(client)?.includes(uri) !== false ? 'yes' : 'no address';
    },
    homeOf: (provider, environment) => homeOf(behaviourOf(provider), environment),
    grant: (code) => grantOfCode(code, ledger, clock.now()),
  });
  const server = createSandboxServer({
    clock,
    ledger,
    faults,
    behaviours,
    consents,
    latencyMs: () => latencyMs,
    client(provider, { clientId, clientSecret }) {
      const known = secrets.get(`${provider} ${clientId}`);
      if (known === undefined) return 'unknown';
      return known.includes(clientSecret) ? 'accepted' : 'wrong';
    },
  });
  return {
    start: async () => {
      const host = options.host ?? '127.0.0.1';
      await new Promise<void>((listening, failed) => {
        server.once('error', failed);
        server.listen(options.port ?? 0, host, listening);
      });
      return { url: new URL(`http://${host}:${(server.address() as AddressInfo).port}`) };
    },
    stop: () =>
      new Promise<void>((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
    clients: {
      setSecrets: (provider, clientId, accepted) => void secrets.set(`${provider} ${clientId}`, accepted),
      setRedirectUris: (provider, clientId, uris) => void redirectUris.set(`${provider} ${clientId}`, uris),
    },
    grants: {
      create(consent) {
        const behaviour = behaviourOf(consent.provider);
        const key = `${consent.provider} ${consent.client.clientId}`;
        if (!secrets.has(key)) secrets.set(key, [consent.client.clientSecret]);
        const grant = ledger.add(
          grantFrom(consent, behaviour, clock.now()),
          consent.refreshedAt ?? consent.consentedAt ?? clock.now(),
        );
        return consented(grant, behaviour, ledger.newAccessToken(grant));
      },
      revoke: (connection) => ledger.end(ledger.grantOf(connection), 'revoked'),
      migrate(connection, place) {
        ledger.grantOf(connection).place = place;
      },
    },
    consents: { expect: consents.expect, accountOf: consents.accountOf, pending: consents.pending },
    faults: { inject: faults.inject },
    oracle: createOracle(ledger, () => clock.now()),
    setLatencyMs(ms) {
      latencyMs = ms;
    },
  };
}

function behaviourOf(provider: string): Behaviour {
  const behaviour = behaviours.find((one) => one.provider === provider);
  if (behaviour === undefined) throw new Error(`the sandbox has no provider ${provider}`);
  return behaviour;
}

function grantFrom(consent: Consent, behaviour: Behaviour, now: number): Omit<Grant, 'tokens' | 'presentations'> {
  const scope = consent.scope ?? '';
  const environment = consent.environment ?? behaviour.home.environment;
  return {
    connection: consent.connection,
    provider: consent.provider,
    environment,
    clientId: consent.client.clientId,
    scope,
    consentedAt: consent.consentedAt ?? now,
    rules: { ...behaviour.rulesFor(scope), ...consent.rules },
    shape: behaviour.shape,
    place: consent.place ?? homeOf(behaviour, environment),
  };
}

/** Where somebody lives who did not say. */
function homeOf(behaviour: Behaviour, environment: string): string {
  return behaviour.provider === 'esignglobal' && environment === 'sandbox' ? 'sml' : behaviour.home.name;
}

/** RFC 6749, 3.1.2: absolute and without a fragment. */
function isRedirectUri(uri: string): boolean {
  return /^https?:\/\//.test(uri) && URL.canParse(uri) && !uri.includes('#');
}

function grantOfCode(code: IssuedCode, ledger: Ledger, now: number): Grant | undefined {
  const behaviour = behaviourOf(code.provider);
  const { scope, environment, place, provider, connection } = code;
  // The secret was checked already, and is no part of a grant.
  const client = { clientId: code.clientId, clientSecret: '' };
  try {
    return ledger.add(grantFrom({ provider, connection, client, scope, environment, place }, behaviour, now), now);
  } catch {
    // The scope brings no refresh token.
    return undefined;
  }
}

function consented(grant: Grant, behaviour: Behaviour, accessToken: string): Consented {
  const first = grant.tokens[0];
  return {
    refreshToken: first?.value ?? '',
    accessToken,
    tokenType: 'Bearer',
    accessTokenLifeMs: grant.rules.accessTokenLifeMs,
    scope: grant.scope,
    environment: grant.environment,
    consentedAt: grant.consentedAt,
    refreshedAt: first?.issuedAt ?? grant.consentedAt,
    ...behaviour.extras(grant.place),
  };
}
