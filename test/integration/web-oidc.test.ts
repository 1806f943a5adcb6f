/** Single sign-on to the operator's pages against a provider that signs real ID tokens: who is let in, and who is not. */
import { createHash, createSign, generateKeyPairSync } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { seededRandom } from '../../src/runtime/random.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { createLogin } from '../../src/web/login.ts';
import { oidcPath } from '../../src/web/login-view.ts';
import { oidcRoutes } from '../../src/web/oidc.ts';
import type { WebRequest } from '../../src/web/ports.ts';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

let provider: Server;
let issuer: string;
/** What the provider says of who signs in; changes of the ID token. */
let claims: Record<string, unknown>;
let exchanges: URLSearchParams[];
let refused: string[];
let now: number;

beforeEach(async () => {
  claims = {};
  exchanges = [];
  refused = [];
  now = Date.now();
  provider = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk;
    response.setHeader('content-type', 'application/json');
    if (request.url?.endsWith('/openid-configuration')) return void response.end(JSON.stringify(metadata()));
    if (request.url === '/jwks')
      return void response.end(
        JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: '1', alg: 'RS256' }] }),
      );
    exchanges.push(new URLSearchParams(body));
    response.end(JSON.stringify({ access_token: 'a', token_type: 'Bearer', expires_in: 60, id_token: idToken() }));
  });
  await new Promise<void>((listening) => provider.listen(0, '127.0.0.1', listening));
  issuer = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`;
});
afterEach(async () => {
  provider.closeAllConnections();
  await new Promise((closed) => provider.close(closed));
});

function metadata() {
  return {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
  };
}

function idToken(): string {
  const at = Math.floor(Date.now() / 1_000);
  const payload = { iss: issuer, aud: 'pages', sub: 'someone', iat: at, exp: at + 60, ...claims };
  const head = `${encoded({ alg: 'RS256', kid: '1' })}.${encoded(payload)}`;
  return `${head}.${createSign('sha256').update(head).sign(privateKey).toString('base64url')}`;
}

const login = createLogin({
  token: new Secret('a-token-of-sixteen-and-more'),
  clock: { now: () => now, monotonic: () => 0 },
  random: seededRandom(1),
  secure: true,
});

function routes(
  change: { readonly claim?: string; readonly allowed?: readonly string[]; readonly issuer?: string } = {},
) {
  const made = oidcRoutes({
    issuer: new URL(change.issuer ?? issuer),
    clientId: 'pages',
    clientSecret: new Secret('oidc-secret-canary'),
    url: 'https://pilotlight.example',
    claim: change.claim ?? 'email',
    allowed: change.allowed ?? ['on-call@example.com'],
    environment: 'test',
    clock: { now: () => now },
    random: seededRandom(2),
    session: () => login.session(),
    onRefused: (why) => void refused.push(why),
  });
  return (path: string, query: Record<string, string>, cookies?: string) => {
    const route = made.find((one) => one.path === path);
    const request = {
      method: 'GET',
      path,
      query: new URLSearchParams(query),
      ...(cookies === undefined ? {} : { cookies }),
    };
    return Promise.resolve(route?.handle(request as WebRequest) ?? Promise.reject(new Error(path)));
  };
}

const callback = `${oidcPath}/callback`;

/** Goes to the provider's page; answers what it was asked and the browser's cookie. */
async function begin(ask: ReturnType<typeof routes>, next = '/incidents') {
  const left = await ask(oidcPath, { next });
  expect(left.status).toBe(303);
  const page = new URL(left.headers?.location ?? '');
  claims.nonce ??= page.searchParams.get('nonce');
  return {
    page,
    cookie: (left.headers?.['set-cookie'] ?? '').split(';')[0] ?? '',
    state: page.searchParams.get('state') ?? '',
  };
}

describe('who signs in at the provider', () => {
  test('comes back with a session where the claim is on the list, by code, PKCE, state and nonce', async () => {
    claims = { email: 'on-call@example.com', email_verified: true };
    const ask = routes();
    const { page, cookie, state } = await begin(ask);
    expect(page.origin + page.pathname).toBe(`${issuer}/authorize`);
    expect(page.searchParams.get('redirect_uri')).toBe('https://pilotlight.example/login/oidc/callback');
    const back = await ask(callback, { code: 'code', state }, cookie);
    expect(back).toMatchObject({ status: 303, headers: { location: '/incidents' } });
    expect(login.check((back.headers?.['set-cookie'] ?? '').split(';')[0])).toBe(true);
    const verifier = exchanges[0]?.get('code_verifier') ?? '';
    const challenge = createHash('sha256').update(verifier).digest('base64url');
    expect([page.searchParams.get('code_challenge_method'), page.searchParams.get('code_challenge')]).toEqual([
      'S256',
      challenge,
    ]);
  });

  test.each<[string, Record<string, unknown>, { claim?: string; allowed?: string[] }, boolean]>([
    ['is not on the list', { email: 'somebody@example.com' }, {}, false],
    ['has an address nobody has proven', { email: 'on-call@example.com', email_verified: false }, {}, false],
    ['has no such claim', {}, {}, false],
    ['is in a group that is', { groups: ['staff', 'on-call'] }, { claim: 'groups', allowed: ['on-call'] }, true],
    ['is in none', { groups: ['staff'] }, { claim: 'groups', allowed: ['on-call'] }, false],
  ])('and %s', async (_, said, change, enters) => {
    claims = said;
    const ask = routes(change);
    const { cookie, state } = await begin(ask);
    const back = await ask(callback, { code: 'code', state }, cookie);
    expect(back.status).toBe(enters ? 303 : 403);
    expect(back.headers?.['set-cookie'] !== undefined).toBe(enters);
    expect(refused).toEqual(enters ? [] : ['not_allowed']);
  });
});

describe('nobody is let in', () => {
  const good = { email: 'on-call@example.com' };

  test.each<[string, Record<string, unknown>]>([
    ['another nonce', { nonce: 'another' }],
    ['another audience', { aud: 'others' }],
    ['another issuer', { iss: 'https://elsewhere.example' }],
    ['a token that is over', { exp: 1_000 }],
  ])('with %s', async (_, change) => {
    claims = { ...good, ...change };
    const ask = routes();
    const { cookie, state } = await begin(ask);
    const back = await ask(callback, { code: 'code', state }, cookie);
    expect(back.status).toBe(403);
    expect(back.headers?.['set-cookie']).toBeUndefined();
    expect(back.body).not.toContain('canary');
    expect(refused).toHaveLength(1);
  });

  test('with another state, without the cookie, with one that was changed, or too late', async () => {
    claims = { ...good };
    const ask = routes();
    const { cookie, state } = await begin(ask);
    const tries = [
      ask(callback, { code: 'code', state: 'forged' }, cookie),
      ask(callback, { code: 'code', state }),
      ask(callback, { code: 'code', state }, `${cookie.slice(0, -2)}xx`),
      ask(callback, { error: 'access_denied', state }, cookie),
    ];
    for (const back of await Promise.all(tries)) expect(back.headers?.['set-cookie']).toBeUndefined();
    now += 600_000;
    expect((await ask(callback, { code: 'code', state }, cookie)).status).toBe(400);
    expect(exchanges).toEqual([]);
  });

  test('while the provider is away: said plainly, and asked again by the next browser', async () => {
    const away = routes({ issuer: 'http://127.0.0.1:9' });
    expect((await away(oidcPath, {})).status).toBe(503);
    expect(refused[0]).toMatch(/^provider /);
  });

  test('and is led to another site', async () => {
    claims = { ...good };
    const ask = routes();
    const { cookie, state } = await begin(ask, 'https://evil.example/');
    expect((await ask(callback, { code: 'code', state }, cookie)).headers?.location).toBe('/');
  });
});
