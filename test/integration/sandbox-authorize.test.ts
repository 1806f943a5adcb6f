/** The sandbox's consent pages, as a browser meets them, and its codes, as anybody meets them who has one. */
import { createHash } from 'node:crypto';
import { request } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { tokenMark } from '../../src/sandbox/providers/mint.ts';
import { client, startProviderBench } from '../support/provider-bench.ts';

let bench: Awaited<ReturnType<typeof startProviderBench>>;
beforeEach(async () => {
  bench = await startProviderBench();
});
afterEach(() => bench.stop());

const back = 'https://pilotlight.example/consent/back?tenant=1';
const verifier = 'verifier-0123456789-0123456789-0123456789-0123456789';
const challenge = createHash('sha256').update(verifier).digest('base64url');
const proof = { code_challenge: challenge, code_challenge_method: 'S256' };

interface Page {
  readonly host: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
}

const standard = { response_type: 'code', client_id: client.clientId, redirect_uri: back, state: 's-1' };
const docusign: Page = {
  host: 'account.docusign.com',
  path: '/oauth/auth',
  query: { ...standard, scope: 'signature extended', ...proof },
};
const adobe: Page = {
  host: 'secure.adobesign.com',
  path: '/public/oauth/v2',
  query: { ...standard, scope: 'agreement_read:account' },
};
const gov: Page = {
  host: 'secure.na1.adobesign.us',
  path: '/api/gateway/adobesignauthservice/api/v1/authorize',
  query: { ...standard, scope: 'offline_access' },
};
const esignglobal: Page = {
  host: 'account-sml.esignglobal.com',
  path: '/oauth',
  query: { response_type: 'code', clientId: client.clientId, redirectUri: back, state: 's-1', scope: 'signature' },
};
const oauth2: Page = {
  host: 'authorization-server.invalid',
  path: '/oauth/authorize',
  query: { ...standard, scope: 'offline_access', ...proof },
};

const addressOf = ({ host, path, query }: Page, more: Readonly<Record<string, string>> = {}) =>
  `${bench.url.origin}/authorize-at/${host}${path}?${new URLSearchParams({ ...query, ...more })}`;

const open = (page: Page, more?: Readonly<Record<string, string>>) =>
  fetch(addressOf(page, more), { redirect: 'manual' });

/** Presses a button of the page. */
function press(page: Page, decision: string, more?: Readonly<Record<string, string>>, as?: string): Promise<Response> {
  const body = new URLSearchParams({ decision, ...(as === undefined ? {} : { as }) });
  return fetch(addressOf(page, more), { method: 'POST', body, redirect: 'manual' });
}

async function allowed(page: Page, more?: Readonly<Record<string, string>>, as?: string): Promise<URLSearchParams> {
  const answer = await press(page, 'allow', more, as);
  expect(answer.status).toBe(302);
  return new URL(answer.headers.get('location') ?? '').searchParams;
}

/** Posts a code to a token endpoint of DocuSign or of the strict server. */
async function exchange(
  code: string | null,
  more: Readonly<Record<string, string>> = {},
  host = docusign.host,
): Promise<{ status: number; refresh_token?: string }> {
  const parameters = {
    grant_type: 'authorization_code',
    code: code ?? '',
    redirect_uri: back,
    code_verifier: verifier,
  };
  const { status, body } = await post(host, '/oauth/token', { ...parameters, ...more });
  return { ...JSON.parse(body), status };
}

function post(host: string, path: string, parameters: Readonly<Record<string, string>>) {
  const { clientId, clientSecret } = client;
  return new Promise<{ status: number; body: string }>((settle, fail) => {
    const outgoing = request(new URL(path, bench.url), {
      method: 'POST',
      agent: false,
      headers: {
        host,
        'content-type': 'application/x-www-form-urlencoded',
        authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`,
      },
    });
    outgoing.on('error', fail);
    outgoing.on('response', (incoming) => {
      let body = '';
      incoming.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      incoming.on('end', () => settle({ status: incoming.statusCode ?? 0, body }));
    });
    outgoing.end(new URLSearchParams(parameters).toString());
  });
}

describe('a consent page', () => {
  test.for([
    ['docusign', docusign],
    ['adobe-acrobat-sign', adobe],
    ['adobe-acrobat-sign-gov', gov],
    ['esignglobal', esignglobal],
    ['oauth2', oauth2],
  ] as const)('of %s is plain HTML with two buttons, and Allow leads back with code and state', async ([
    provider,
    page,
  ]) => {
    bench.sandbox.clients.setSecrets(provider, client.clientId, [client.clientSecret]);
    bench.sandbox.consents.expect({ provider, connection: 'c1' });
    const shown = await open(page);
    const text = await shown.text();
    expect([shown.status, shown.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(text.match(/<button type="submit"/g)).toHaveLength(2);
    expect(text).toMatch(/<form method="post">/);
    expect(text).not.toMatch(/<script/);
    const callback = await allowed(page);
    expect(callback.get('tenant')).toBe('1');
    expect(callback.get('state')).toBe('s-1');
    expect(callback.get('code')).toContain(tokenMark);
    expect(bench.sandbox.consents.pending('c1').map(({ code }) => code)).toEqual([callback.get('code')]);
  });

  test('of Adobe names the account’s shard, encoded', async () => {
    bench.consent('adobe-acrobat-sign', { place: 'eu1' });
    const callback = await allowed(adobe);
    expect(callback.get('api_access_point')).toBe('https://api.eu1.adobesign.com/');
    expect(callback.get('web_access_point')).toBe('https://secure.eu1.adobesign.com/');
  });

  test('is the same at the host itself', async () => {
    bench.consent('docusign');
    const status = await new Promise((settle) =>
      request(new URL(`/oauth/auth?${new URLSearchParams(docusign.query)}`, bench.url), {
        headers: { host: docusign.host },
        agent: false,
      })
        .on('response', (incoming) => settle(incoming.resume().statusCode))
        .end(),
    );
    expect(status).toBe(200);
  });

  test('says no in the provider’s own word', async () => {
    bench.consent('docusign');
    bench.consent('adobe-acrobat-sign', { connection: 'c2' });
    const at = async (page: Page) => (await press(page, 'deny')).headers.get('location');
    expect(await at(docusign)).toBe(`${back}&error=access_denied&state=s-1`);
    expect(await at(adobe)).toBe(`${back}&error=ACCESS_DENIED&state=s-1`);
    expect(bench.sandbox.consents.pending()).toEqual([]);
  });

  test.for<[string, Readonly<Record<string, string>>, string]>([
    ['another response type', { response_type: 'token' }, 'unsupported_response_type'],
    ['a plain challenge', { code_challenge_method: 'plain' }, 'invalid_request'],
    ['a challenge of the wrong length', { code_challenge: 'abc' }, 'invalid_request'],
  ])('sends back an error for %s', async ([, more, error]) => {
    bench.consent('docusign');
    const answer = await open(docusign, more);
    expect([answer.status, answer.headers.get('location')]).toEqual([302, `${back}&error=${error}&state=s-1`]);
  });

  test.for<[string, Readonly<Record<string, string>>]>([
    ['an unknown client', { client_id: 'nobody' }],
    ['an address that was not registered', { redirect_uri: `${back}&more=1` }],
    ['an address that is none', { redirect_uri: 'javascript:alert(1)' }],
  ])('sends nobody anywhere for %s', async ([, more]) => {
    bench.consent('docusign');
    bench.sandbox.clients.setRedirectUris('docusign', client.clientId, [back, 'javascript:alert(1)']);
    for (const answer of [await open(docusign, more), await press(docusign, 'allow', more)]) {
      expect([answer.status, answer.headers.get('location')]).toEqual([400, null]);
      expect(await answer.text()).not.toMatch(/javascript:|nobody/);
    }
  });

  test('escapes what it was told', async () => {
    bench.consent('docusign', { connection: '<b>"c1"</b>' });
    const text = await (await open(docusign, { scope: '<script>alert(1)</script>' })).text();
    expect(text).not.toMatch(/<b>|<script>/);
    expect(text).toContain('&#60;script&#62;');
  });

  test('of a host that has none is not found', async () => {
    for (const path of ['account.docusign.com/oauth/token', 'evil.example/oauth/auth', 'constructor/oauth/auth'])
      expect((await fetch(`${bench.url.origin}/authorize-at/${path}`)).status).toBe(404);
  });
});

describe('who consents', () => {
  test('is whoever is expected; then the customers of this client, by choice', async () => {
    bench.consent('docusign', { connection: 'c1' });
    bench.consent('docusign', { connection: 'c2' });
    bench.consent('docusign', { connection: 'c3', client: { ...client, clientId: 'another' } });
    bench.sandbox.consents.expect({ provider: 'docusign', connection: 'c2', account: 'other-account' });
    const text = await (await open(docusign)).text();
    expect([...text.matchAll(/value="(c\d)"( checked)?/g)].map(([, name, checked]) => [name, checked])).toEqual([
      ['c2', ' checked'],
      ['c1', undefined],
    ]);
    await allowed(docusign);
    expect(bench.sandbox.consents.pending()).toMatchObject([{ connection: 'c2', account: 'other-account' }]);
    await allowed(docusign);
    await allowed(docusign, {}, 'c2');
    expect(bench.sandbox.consents.pending().map(({ connection }) => connection)).toEqual(['c2', 'c1', 'c2']);
    expect((await press(docusign, 'allow', {}, 'c3')).status).toBe(400);
  });

  test('is nobody where nobody is known', async () => {
    bench.sandbox.clients.setSecrets('docusign', client.clientId, [client.clientSecret]);
    expect((await open(docusign)).status).toBe(400);
  });
});

describe('a code', () => {
  test('brings a grant that lives by its scope, and userinfo names the account', async () => {
    bench.consent('docusign', { scope: 'signature' });
    const tokens = await exchange((await allowed(docusign)).get('code'));
    expect(tokens).toMatchObject({ status: 200, token_type: 'Bearer', expires_in: 28_800, scope: 'signature' });
    expect(bench.sandbox.oracle.liveToken('c1')).toBe(tokens.refresh_token);
    expect(bench.sandbox.oracle.diesAt('c1')).toBe(bench.clock.now() + 30 * 86_400_000);
    expect((await bench.refresh('docusign', {}, String(tokens.refresh_token))).kind).toBe('granted');
    expect(bench.sandbox.consents.pending()).toEqual([]);
  });

  test('brings no refresh token without the scope that asks for one', async () => {
    bench.sandbox.clients.setSecrets('adobe-acrobat-sign-gov', client.clientId, [client.clientSecret]);
    bench.sandbox.consents.expect({ provider: 'adobe-acrobat-sign-gov', connection: 'c1' });
    const code = (await allowed(gov, { scope: 'email' })).get('code') ?? '';
    const { body } = await post(gov.host, gov.path.replace('authorize', 'token'), {
      grant_type: 'authorization_code',
      code,
      redirect_uri: back,
      client_id: client.clientId,
      client_secret: client.clientSecret,
    });
    expect(JSON.parse(body)).toEqual({
      access_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: 300,
      scope: 'email',
    });
  });

  test('is dead after its life, not before', async () => {
    bench.consent('docusign');
    const [first, second] = [(await allowed(docusign)).get('code'), (await allowed(docusign)).get('code')];
    bench.clock.turn(2 * 60_000 - 1);
    expect((await exchange(first)).status).toBe(200);
    bench.clock.turn(1);
    expect(bench.sandbox.consents.pending()).toEqual([]);
    expect(await exchange(second)).toEqual({
      status: 400,
      error: 'invalid_grant',
      error_description: 'expired_client_token',
    });
  });

  test('shown twice costs the grant it brought, and no other', async () => {
    bench.consent('docusign');
    const before = bench.consent('docusign').refreshToken;
    const code = (await allowed(docusign)).get('code');
    const tokens = await exchange(code);
    expect(bench.sandbox.oracle.isLive(String(tokens.refresh_token))).toBe(true);
    expect(await exchange(code)).toMatchObject({ status: 400, error: 'invalid_grant' });
    expect(bench.sandbox.oracle.isLive(String(tokens.refresh_token))).toBe(false);
    expect(bench.sandbox.oracle.death('c1')?.why).toBe('revoked');
    expect(bench.sandbox.oracle.isLive(before)).toBe(true);
  });

  test.for<[string, Readonly<Record<string, string>>]>([
    ['another address', { redirect_uri: `${back}&x` }],
    ['another verifier', { code_verifier: `${verifier}x` }],
    ['another code', { code: 'PLTOKEN-no-code' }],
  ])('is not taken with %s, and stays what it was', async ([, more]) => {
    bench.consent('docusign');
    const code = (await allowed(docusign)).get('code');
    expect(await exchange(code, more)).toMatchObject({ status: 400, error: 'invalid_grant' });
    expect(bench.sandbox.consents.pending()).toHaveLength(1);
    expect((await exchange(code)).status).toBe(200);
  });

  test('is of one environment, one provider and one client', async () => {
    bench.consent('docusign');
    bench.consent('oauth2', { connection: 'c2' });
    bench.sandbox.clients.setSecrets('docusign', 'another', [client.clientSecret]);
    const code = (await allowed(docusign)).get('code');
    for (const host of ['account-d.docusign.com', oauth2.host])
      expect(await exchange(code, {}, host), host).toMatchObject({ status: 400, error: 'invalid_grant' });
    expect((await exchange(code)).status).toBe(200);
  });

  test('asked for without a challenge is not proven by a verifier that came later', async () => {
    bench.consent('docusign');
    const page = { ...docusign, query: { ...standard, scope: 'signature' } };
    const code = (await allowed(page)).get('code');
    expect((await exchange(code)).status).toBe(400);
  });
});
