/**
 * Consent from the first address to the new grant, over real HTTP: against the sandbox's five providers with faults in the
 * way, and against a provider written by others.
 */
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Provider } from '../../config/provider.ts';
import { createAuthorization, type OAuthAuthorization } from '../../src/oauth/authorization.ts';
import type { ExchangeRequest } from '../../src/oauth/code-request.ts';
import type { CodeAnswer, NewGrant } from '../../src/reconsent/ports.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { seededRandom, systemRandom } from '../../src/runtime/random.ts';
import { Secret } from '../../src/runtime/secret.ts';
import type { FaultKind } from '../../src/sandbox/providers/faults.ts';
import { createLeakSearch } from '../support/leak-search.ts';
import { type OidcServer, startOidcServer } from '../support/oidc-server.ts';
import { client, startProviderBench } from '../support/provider-bench.ts';
import { providerFile, providerNames } from '../support/provider-files.ts';

const verifier = 'canary-verifier-0123456789-0123456789-0123456789';
const challenge = createHash('sha256').update(verifier).digest('base64url');
const back = 'https://pilotlight.example/consent/back';

/** The template's section, as somebody would write it who has such a server. */
const standard = providerFile('oauth2', {
  authorization: {
    environments: {
      production: {
        authorizationUrl: 'https://authorization-server.invalid/oauth/authorize',
        userinfoUrl: 'https://authorization-server.invalid/oauth/userinfo',
      },
    },
    scope: 'offline_access',
    account: { field: 'sub' },
  },
});
const providers: Record<string, Provider> = {
  ...Object.fromEntries(providerNames.map((name) => [name, providerFile(name)])),
  oauth2: standard,
};

let bench: Awaited<ReturnType<typeof startProviderBench>>;
let authorization: OAuthAuthorization;
beforeEach(async () => {
  bench = await startProviderBench();
  authorization = createAuthorization({
    clock: bench.clock,
    random: seededRandom(5),
    providers,
    connectTo: bench.url,
    limits: { totalMs: 2_000 },
  });
});
afterEach(() => bench.stop());

interface Consenting {
  readonly environment?: string;
  readonly scope?: string;
  readonly account?: string;
  readonly place?: string;
}

/** A customer opens the page and allows it; what the callback brings, ready to be exchanged. */
async function consents(provider: string, how: Consenting = {}): Promise<ExchangeRequest> {
  const { environment = 'production', scope, ...who } = how;
  bench.sandbox.clients.setSecrets(provider, client.clientId, [client.clientSecret]);
  bench.sandbox.consents.expect({ provider, connection: 'c1', ...who });
  const page = authorization.consentPage({
    provider,
    environment,
    clientId: client.clientId,
    redirectUri: back,
    state: 'state-1',
    codeChallenge: challenge,
    ...(scope === undefined ? {} : { scope }),
  });
  if (page === undefined) throw new Error('there is no consent page');
  const pressed = { method: 'POST', body: new URLSearchParams({ decision: 'allow' }), redirect: 'manual' } as const;
  const callback = new URL((await fetch(page, pressed)).headers.get('location') ?? '').searchParams;
  expect(callback.get('state')).toBe('state-1');
  const apiAccessPoint = callback.get('api_access_point');
  return {
    provider,
    environment,
    client: { clientId: client.clientId, clientSecret: new Secret(client.clientSecret) },
    code: new Secret(callback.get('code') ?? ''),
    redirectUri: back,
    codeVerifier: new Secret(verifier),
    ...(apiAccessPoint === null ? {} : { apiAccessPoint }),
  };
}

function grantOf(answer: CodeAnswer): NewGrant {
  if (answer.kind !== 'granted') throw new Error(`no grant: ${JSON.stringify(answer)}`);
  return answer.grant;
}

const liveToken = () => bench.sandbox.oracle.liveToken('c1');

describe('a consent brings a grant that works', () => {
  test.for<[string, Consenting, { dataCenter?: string }, Partial<NewGrant>]>([
    ['docusign', { account: 'guid-1' }, {}, { account: 'guid-1', tokenType: 'Bearer', expiresInMs: 28_800_000 }],
    ['docusign', { environment: 'demo', account: 'guid-2' }, {}, { account: 'guid-2' }],
    [
      'adobe-acrobat-sign',
      { scope: 'agreement_read:account', place: 'eu1' },
      {},
      { apiAccessPoint: 'https://api.eu1.adobesign.com/' },
    ],
    ['adobe-acrobat-sign-gov', {}, {}, { scope: 'offline_access', expiresInMs: 300_000 }],
    ['esignglobal', { place: 'eu1' }, { dataCenter: 'eu1' }, { scope: 'signature' }],
    ['esignglobal', { environment: 'sandbox' }, {}, { scope: 'signature' }],
    ['oauth2', { scope: 'files', account: 'customer-7' }, {}, { scope: 'files offline_access', account: 'customer-7' }],
  ])('at %s, %j', async ([provider, how, place, expected]) => {
    const answer = await authorization.exchange({ ...(await consents(provider, how)), ...place });
    const grant = grantOf(answer);
    expect(grant).toMatchObject(expected);
    expect(grant.refreshToken.reveal()).toBe(liveToken());
    expect(Object.keys(grant).includes('account')).toBe(expected.account !== undefined);
    const leaks = createLeakSearch();
    leaks.plant(grant.refreshToken.reveal(), grant.accessToken?.reveal() ?? '', verifier);
    expect(leaks.find(`${JSON.stringify(answer)}${inspect(answer, { depth: 9 })}`)).toEqual([]);
  });

  test('which the refresh rules of the same file then keep alive', async () => {
    const grant = grantOf(
      await authorization.exchange(await consents('adobe-acrobat-sign', { scope: 'a', place: 'jp1' })),
    );
    const held = { apiAccessPoint: grant.apiAccessPoint ?? '' };
    expect(await bench.refresh('adobe-acrobat-sign', held, grant.refreshToken.reveal())).toMatchObject({
      kind: 'granted',
    });
  });

  test('even where nobody says whose it is', async () => {
    const request = await consents('docusign');
    const body = 'the userinfo page is down';
    // The second request: the first, the exchange itself, is let through.
    const passed = bench.sandbox.faults.inject({ kind: 'slow', ms: 0 }, { times: 1 });
    const fault = bench.sandbox.faults.inject({ kind: 'answer', when: 'before', status: 503, body }, { times: 1 });
    const grant = grantOf(await authorization.exchange(request));
    expect(grant.refreshToken.reveal()).toBe(liveToken());
    expect(grant).not.toHaveProperty('account');
    expect([passed.fired(), fault.fired()]).toEqual([1, 1]);
  });
});

describe('a code that is no longer good', () => {
  test('after its life is the code’s fault', async () => {
    const request = await consents('docusign');
    bench.clock.turn(2 * 60_000);
    expect(await authorization.exchange(request)).toMatchObject({
      kind: 'refused',
      whose: 'code',
      error: 'invalid_grant',
      description: 'expired_client_token',
    });
  });

  test('used twice is refused, and the grant it brought is gone', async () => {
    const request = await consents('oauth2');
    const grant = grantOf(await authorization.exchange(request));
    expect(bench.sandbox.oracle.isLive(grant.refreshToken.reveal())).toBe(true);
    expect(await authorization.exchange(request)).toMatchObject({ kind: 'refused', whose: 'code' });
    expect(bench.sandbox.oracle.isLive(grant.refreshToken.reveal())).toBe(false);
  });

  test.for<[string, Partial<ExchangeRequest>]>([
    ['another verifier', { codeVerifier: new Secret(`${verifier}x`) }],
    ['another redirect URI', { redirectUri: `${back}/` }],
  ])('brought with %s is refused', async ([, more]) => {
    const request = await consents('docusign');
    expect(await authorization.exchange({ ...request, ...more })).toMatchObject({ kind: 'refused', whose: 'code' });
    expect(bench.sandbox.consents.pending('c1')).toHaveLength(1);
  });
});

test('a wrong client secret is the client’s fault, and the code stays good', async () => {
  const request = await consents('oauth2');
  const wrong = { clientId: client.clientId, clientSecret: new Secret('canary-wrong-secret') };
  const answer = await authorization.exchange({ ...request, client: wrong });
  expect(answer).toMatchObject({ kind: 'refused', whose: 'client', error: 'invalid_client' });
  expect(bench.sandbox.consents.pending('c1')).toHaveLength(1);
});

describe('an access point', () => {
  test('of another shard is the host’s fault, and the code stays good', async () => {
    const request = await consents('adobe-acrobat-sign', { scope: 'a', place: 'eu1' });
    const answer = await authorization.exchange({ ...request, apiAccessPoint: 'https://api.na1.adobesign.com/' });
    expect(answer).toMatchObject({ kind: 'refused', whose: 'host', error: 'INVALID_API_ACCESS_POINT' });
    expect(bench.sandbox.consents.pending('c1')).toHaveLength(1);
  });

  test('of a stranger receives nothing', async () => {
    const request = await consents('adobe-acrobat-sign', { scope: 'a' });
    const anything = bench.sandbox.faults.inject({ kind: 'refuse' });
    const answer = await authorization.exchange({
      ...request,
      apiAccessPoint: 'https://api.na1.adobesign.com.evil.example/',
    });
    expect(answer).toMatchObject({ kind: 'refused', whose: 'host', error: 'access_point_refused' });
    expect(anything.fired()).toBe(0);
    anything.lift();
    expect(grantOf(await authorization.exchange(request)).refreshToken.reveal()).toBe(liveToken());
  });

  test('in a callback of a provider that has none changes nothing, and is not kept', async () => {
    const request = { ...(await consents('docusign')), apiAccessPoint: 'https://evil.example/' };
    expect(grantOf(await authorization.exchange(request))).not.toHaveProperty('apiAccessPoint');
  });
});

describe('where no whole answer comes, the code is sent once and its fate is open', () => {
  test.for<[string, FaultKind, string]>([
    ['refused connection', { kind: 'refuse' }, 'connection_reset'],
    ['reset before the exchange', { kind: 'drop', when: 'before' }, 'connection_reset'],
    ['reset after the exchange', { kind: 'drop', when: 'after' }, 'connection_reset'],
    ['silence', { kind: 'hang', when: 'after' }, 'timeout'],
    ['an answer cut short', { kind: 'truncate', keepBytes: 30 }, 'truncated'],
    [
      'a server that fails',
      { kind: 'answer', when: 'before', status: 500, body: { error: 'server_error' } },
      'server_error',
    ],
    ['throttling', { kind: 'throttle', retryAfterMs: 5_000 }, 'HOURLY_APIINVOCATION_LIMIT_EXCEEDED'],
    [
      'a redirect',
      { kind: 'answer', when: 'before', status: 307, headers: { location: 'http://127.0.0.1:9/steal' }, body: '' },
      'http_307',
    ],
  ])('%s', async ([, kind, why]) => {
    const request = await consents('docusign');
    const fault = bench.sandbox.faults.inject(kind);
    expect(await authorization.exchange(request)).toEqual({ kind: 'unanswered', why });
    expect(fault.fired()).toBe(1);
  });
});

describe('a stranger at the userinfo page', () => {
  /** Answers the exchange at /token and the question at /me; counts what came. */
  async function serverAnswering(me: { status: number; headers?: Record<string, string>; body: string }) {
    const paths: string[] = [];
    const server = createServer((request, response) => {
      paths.push(`${request.method} ${request.url}`);
      const tokens = { access_token: 'PLTOKEN-access-1', refresh_token: 'PLTOKEN-refresh-1', token_type: 'Bearer' };
      const { status, headers, body } =
        request.url === '/token' ? { status: 200, headers: {}, body: JSON.stringify(tokens) } : me;
      request
        .resume()
        .on('end', () => response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body));
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const own = providerFile('oauth2', {
      environments: { production: { tokenUrl: `${base}/token` } },
      authorization: {
        environments: { production: { authorizationUrl: `${base}/authorize`, userinfoUrl: `${base}/me` } },
        account: { field: 'sub' },
      },
    });
    const asked = createAuthorization({ clock: systemClock(), random: systemRandom(), providers: { own } });
    const answer = await asked.exchange({
      provider: 'own',
      environment: 'production',
      client: { clientId: 'id', clientSecret: new Secret('secret') },
      code: new Secret('code-1'),
      redirectUri: back,
      codeVerifier: new Secret(verifier),
    });
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
    return { grant: grantOf(answer), paths };
  }

  test('is believed when it names an account', async () => {
    const { grant, paths } = await serverAnswering({ status: 200, body: '{"sub":"user-1"}' });
    expect(grant.account).toBe('user-1');
    expect(paths).toEqual(['POST /token', 'GET /me']);
  });

  test.for([
    { status: 302, headers: { location: '/steal' }, body: '' },
    { status: 200, body: '{"sub":' },
    { status: 200, body: `{"sub":"a","more":"${'x'.repeat(100_000)}"}` },
    { status: 200, body: '{"sub":"PLTOKEN-access-1"}' },
  ])('costs nobody the grant, is asked once and never followed: %#', async (me) => {
    const { grant, paths } = await serverAnswering(me);
    expect(grant.refreshToken.reveal()).toBe('PLTOKEN-refresh-1');
    expect(grant).not.toHaveProperty('account');
    expect(paths).toEqual(['POST /token', 'GET /me']);
  });
});

/** A part of it the other tests have no use for. */
interface WithCodes {
  readonly AuthorizationCode: new (about: Record<string, unknown>) => { save(): Promise<string> };
}

describe('npm oidc-provider', () => {
  let server: OidcServer;
  let asked: OAuthAuthorization;
  const secret = 'canary-client-secret-of-thirty-two-bytes';
  beforeAll(async () => {
    server = await startOidcServer({
      clients: [{ client_id: 'by-header', client_secret: secret, redirect_uris: [back] }],
      features: { devInteractions: { enabled: false } },
    });
    const own = providerFile('oauth2', {
      environments: { production: { tokenUrl: `${server.base}/token` } },
      authorization: {
        environments: { production: { authorizationUrl: `${server.base}/auth`, userinfoUrl: `${server.base}/me` } },
        scope: 'openid offline_access',
        account: { field: 'sub' },
      },
    });
    asked = createAuthorization({ clock: systemClock(), random: systemRandom(), providers: { own } });
  });
  afterAll(() => server.stop());

  /** A code as its consent page would have made it. */
  async function codeOf(proof: string): Promise<ExchangeRequest> {
    const registered = await server.issuer.Client.find('by-header');
    if (registered === undefined) throw new Error('no such client');
    const scope = 'openid offline_access';
    const grant = new server.issuer.Grant({ accountId: 'customer-1', clientId: 'by-header' });
    grant.addOIDCScope(scope);
    const grantId = await grant.save();
    const issued = new (server.issuer as unknown as WithCodes).AuthorizationCode({
      accountId: 'customer-1',
      client: registered,
      codeChallenge: proof,
      codeChallengeMethod: 'S256',
      grantId,
      gty: 'authorization_code',
      redirectUri: back,
      scope,
    });
    return {
      provider: 'own',
      environment: 'production',
      client: { clientId: 'by-header', clientSecret: new Secret(secret) },
      code: new Secret(await issued.save()),
      redirectUri: back,
      codeVerifier: new Secret(verifier),
    };
  }

  test('accepts the exchange with its proof, names the account, and takes a code once', async () => {
    const request = await codeOf(challenge);
    expect(grantOf(await asked.exchange(request))).toMatchObject({ account: 'customer-1', tokenType: 'Bearer' });
    expect(await asked.exchange(request)).toMatchObject({ kind: 'refused', whose: 'code', error: 'invalid_grant' });
  });

  test('refuses a verifier that does not fit, and a secret that is not ours', async () => {
    const other = createHash('sha256').update('another').digest('base64url');
    expect(await asked.exchange(await codeOf(other))).toMatchObject({ kind: 'refused', whose: 'code' });
    const wrong = { clientId: 'by-header', clientSecret: new Secret(`${secret}-not`) };
    const answer = await asked.exchange({ ...(await codeOf(challenge)), client: wrong });
    expect(answer).toMatchObject({ kind: 'refused', whose: 'client', error: 'invalid_client' });
  });

  test('understands the address of its consent page', async () => {
    const page = asked.consentPage({
      provider: 'own',
      environment: 'production',
      clientId: 'by-header',
      redirectUri: back,
      state: 'state-1',
      codeChallenge: challenge,
    });
    // To its own login; anything wrong with the request would have been told to the callback or shown.
    const answer = await fetch(page ?? '', { redirect: 'manual' });
    expect([answer.status, answer.headers.get('location')]).toEqual([303, expect.stringMatching(/\/interaction\//)]);
  });
});
