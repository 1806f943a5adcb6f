/** Where a customer is sent to consent, what is asked for, and what the answer to a code means. No request leaves here. */
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { Provider } from '../../config/provider.ts';
import { createAuthorization } from '../../src/oauth/authorization.ts';
import { accountIn } from '../../src/oauth/authorization-account.ts';
import { readCodeAnswer } from '../../src/oauth/code-answer.ts';
import { codeRequest, type ExchangeRequest } from '../../src/oauth/code-request.ts';
import type { AuthorizationRequest, CodeAnswer } from '../../src/reconsent/ports.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { seededRandom } from '../../src/runtime/random.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { access, next, rawAnswer } from '../support/provider-files.ts';
import { type ProviderName, providerFile, providerNames } from '../support/shipped-providers.ts';

const providers: Record<string, Provider> = Object.fromEntries(providerNames.map((name) => [name, providerFile(name)]));
const code = 'PLTOKEN-code-2b84e06b7f3a9c51d';
const verifier = 'canary-verifier-0123456789-0123456789-0123456789';
const secret = 'canary-secret-key-9f8e7d6c5b4a';
const random = seededRandom(3);

/** Fails the test as soon as anything looks a name up, which is the first step of sending. */
const looked: string[] = [];
const authorizationOf = (connectTo?: URL, named = providers) =>
  createAuthorization({
    clock: systemClock(),
    random,
    providers: named,
    resolve: (name) => void looked.push(name),
    ...(connectTo === undefined ? {} : { connectTo }),
  });

const asking = (provider: string, more: Partial<AuthorizationRequest> = {}): AuthorizationRequest => ({
  provider,
  environment: 'production',
  clientId: 'key-1',
  redirectUri: 'https://pilotlight.example/consent/back?x=1&y=2',
  state: 'st.ate_1-2',
  codeChallenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
  ...more,
});

const bringing = (provider: string, more: Partial<ExchangeRequest> = {}): ExchangeRequest => ({
  provider,
  environment: 'production',
  client: { clientId: 'key-1', clientSecret: new Secret(secret) },
  code: new Secret(code),
  redirectUri: 'https://pilotlight.example/consent/back',
  codeVerifier: new Secret(verifier),
  ...more,
});

describe('the consent page', () => {
  test('of DocuSign carries the request, spaces as %20, and a challenge', () => {
    expect(authorizationOf().consentPage(asking('docusign', { environment: 'demo' }))?.href).toBe(
      'https://account-d.docusign.com/oauth/auth?response_type=code&client_id=key-1' +
        '&redirect_uri=https%3A%2F%2Fpilotlight.example%2Fconsent%2Fback%3Fx%3D1%26y%3D2' +
        '&scope=signature%20extended&state=st.ate_1-2' +
        '&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256',
    );
  });

  test.for([
    ['adobe-acrobat-sign', 'https://secure.adobesign.com/public/oauth/v2'],
    ['adobe-acrobat-sign-gov', 'https://secure.na1.adobesign.us/api/gateway/adobesignauthservice/api/v1/authorize'],
    ['esignglobal', 'https://account.esignglobal.com/oauth'],
  ])('of %s has no challenge, because nothing there would check it', ([name = '', address]) => {
    const page = authorizationOf().consentPage(asking(name));
    expect(`${page?.origin}${page?.pathname}`).toBe(address);
    expect(page?.search).toContain('state=st.ate_1-2');
    expect(page?.search).not.toContain('code_challenge');
  });

  test('calls parameters as the provider does', () => {
    const query = authorizationOf().consentPage(asking('esignglobal'))?.searchParams;
    expect([query?.get('clientId'), query?.get('redirectUri')?.slice(0, 8)]).toEqual(['key-1', 'https://']);
    expect(query?.has('client_id') === false && query.has('redirect_uri') === false).toBe(true);
  });

  test('leaves the scope out where there is none to ask for', () => {
    expect(authorizationOf().consentPage(asking('adobe-acrobat-sign'))?.searchParams.has('scope')).toBe(false);
  });

  test('keeps what the file has in its query, and adds its parameters', () => {
    const authorization = {
      environments: { production: { authorizationUrl: 'https://a.example/authorize?tenant=t1' } },
      parameters: { prompt: 'consent' },
    };
    const named = { own: providerFile('oauth2', { authorization }) };
    expect(authorizationOf(undefined, named).consentPage(asking('own'))?.search).toMatch(
      /^\?tenant=t1&prompt=consent&response_type=code&/,
    );
  });

  test('is the sandbox’s own where everything else goes there, with the real host in its path', () => {
    const page = authorizationOf(new URL('http://127.0.0.1:9911')).consentPage(asking('docusign'));
    expect(page?.href).toMatch(/^http:\/\/127\.0\.0\.1:9911\/authorize-at\/account\.docusign\.com\/oauth\/auth\?resp/);
  });

  test.for([
    ['a provider without the section', asking('oauth2')],
    ['a provider nobody configured', asking('constructor')],
    ['an environment without one', asking('docusign', { environment: 'staging' })],
    ['an environment that is a member of every object', asking('docusign', { environment: 'constructor' })],
  ] as const)('does not exist for %s', ([, request]) => {
    expect(authorizationOf().consentPage(request)).toBeUndefined();
  });

  test('on the account’s own shard is at a shard of the provider or does not exist', () => {
    const authorization = { environments: { production: { authorizationUrl: '{api_access_point}public/oauth/v2' } } };
    const named = { own: providerFile('adobe-acrobat-sign', { authorization }) };
    const at = (apiAccessPoint: string) =>
      authorizationOf(undefined, named).consentPage(asking('own', { apiAccessPoint }));
    expect(at('https://secure.eu1.adobesign.com/')?.origin).toBe('https://secure.eu1.adobesign.com');
    for (const point of ['https://evil.example/', 'https://secure.eu1.adobesign.com:8443/', 'javascript:alert(1)', ''])
      expect(at(point)).toBeUndefined();
  });

  test('survives an id with a lone surrogate', () => {
    expect(authorizationOf().consentPage(asking('docusign', { clientId: 'a\ud800' }))?.search).toContain('a%EF%BF%BD');
  });
});

describe('the scope asked for', () => {
  test.for([
    ['docusign', undefined, 'signature extended'],
    ['docusign', 'signature', 'signature extended'],
    ['docusign', 'extended  click.manage\tsignature extended', 'extended click.manage signature'],
    ['adobe-acrobat-sign', 'agreement_read:account', 'agreement_read:account'],
    ['adobe-acrobat-sign', undefined, ''],
    ['adobe-acrobat-sign-gov', 'email', 'email offline_access'],
    ['nobody', 'a', 'a'],
  ] as const)('of %s where it was %j is %j', ([name, before, expected]) => {
    expect(authorizationOf().scopeAsked(name, before)).toBe(expected);
  });
});

describe('nothing is sent', () => {
  test.for([
    'https://evil.example/',
    'http://api.na1.adobesign.com/',
    'https://api.na1.adobesign.com:8443/',
    'https://api.na1.adobesign.com@evil.example/',
    'https://user:pw@api.na1.adobesign.com/',
    'https://api.na1.adobesign.com.evil.example/',
    'https://api.na1.adobesign.com%2eevil.example/',
    'https://evil.example/api.na1.adobesign.com/',
    'https://evil.example\\.adobesign.com',
    'https://evil.example#.adobesign.com',
    'https://аpi.na1.adobesign.com/',
    'https://xn--pi-6kc.na1.adobesign.com/',
    'https://api.na1.adobesign.com./',
    'https://api.na1.adobesign.com/\r\nHost: evil.example',
    'https://127.0.0.1/',
    'https://169.254.169.254/latest',
    '{api_access_point}',
    '',
  ])('to the access point %j of a callback', async (apiAccessPoint) => {
    const answer = await authorizationOf().exchange(bringing('adobe-acrobat-sign', { apiAccessPoint }));
    expect(answer).toMatchObject({ kind: 'refused', whose: 'host', error: 'access_point_refused' });
    expect(JSON.stringify(answer)).not.toMatch(/evil|169\.254/);
  });

  test.for([
    ['no access point where one is needed', bringing('adobe-acrobat-sign'), 'host'],
    ['no data centre where one is needed', bringing('esignglobal'), 'host'],
    ['a data centre that is none', bringing('esignglobal', { dataCenter: 'evil.example/' }), 'host'],
    ['a provider that offers no consent', bringing('oauth2'), 'client'],
    ['a provider nobody configured', bringing('__proto__'), 'client'],
    ['an unknown environment', bringing('docusign', { environment: 'toString' }), 'client'],
    ['an empty code', bringing('docusign', { code: new Secret('') }), 'code'],
    ['a code with a line end', bringing('docusign', { code: new Secret('a\r\nb') }), 'code'],
    ['a code without end', bringing('docusign', { code: new Secret('a'.repeat(5_000)) }), 'code'],
    [
      'an empty client secret',
      bringing('docusign', { client: { clientId: 'key-1', clientSecret: new Secret('') } }),
      'client',
    ],
  ] as const)('with %s', async ([, request, whose]) => {
    expect(await authorizationOf().exchange(request)).toMatchObject({ kind: 'refused', whose });
  });

  test('by any of the above: no name was looked up', () => expect(looked).toEqual([]));

  test('to a sandbox that is not on this machine', () => {
    expect(() => authorizationOf(new URL('http://sandbox.example'))).toThrow(
      expect.objectContaining({ code: 'config_invalid' }),
    );
  });
});

describe('the request', () => {
  const building = { random, userAgent: 'Pilotlight/test' };
  const built = (name: ProviderName, more: Partial<ExchangeRequest> = {}) => {
    const request = codeRequest(providerFile(name), bringing(name, more), building);
    const { authorization } = request.headers;
    return {
      ...request,
      url: request.url.reveal(),
      body: request.body.reveal(),
      authorization,
      printed: inspect(request),
    };
  };

  test('to DocuSign authenticates in the header and proves itself in the body', () => {
    const { url, body, authorization } = built('docusign');
    expect(url).toBe('https://account.docusign.com/oauth/token');
    expect(Object.fromEntries(new URLSearchParams(body))).toEqual({
      grant_type: 'authorization_code',
      redirect_uri: 'https://pilotlight.example/consent/back',
      code_verifier: verifier,
      code,
    });
    expect((authorization as Secret).reveal()).toBe(`Basic ${Buffer.from(`key-1:${secret}`).toString('base64')}`);
  });

  test('to Adobe goes to the callback’s shard, without a verifier nobody asked for', () => {
    const { url, body } = built('adobe-acrobat-sign', { apiAccessPoint: 'https://api.eu1.adobesign.com/' });
    expect(url).toBe('https://api.eu1.adobesign.com/oauth/v2/token');
    expect(new URLSearchParams(body).has('code_verifier')).toBe(false);
    expect(new URLSearchParams(body).get('client_secret')).toBe(secret);
  });

  test('to eSignGlobal is multipart, at the data centre, without redirect_uri', () => {
    const { url, body, headers } = built('esignglobal', { dataCenter: 'eu1' });
    expect(url).toBe('https://openapi-eu1.esignglobal.com/esignglobal/v1/oauth2/accessToken');
    expect(headers['content-type']).toMatch(/^multipart\/form-data; boundary=/);
    expect(body).toContain('name="code"');
    expect(body).not.toContain('redirect');
  });

  test('prints neither code nor verifier nor secret', () => {
    expect(built('docusign').printed).not.toMatch(/PLTOKEN|canary/);
  });
});

const judged = (name: ProviderName, answer: Parameters<typeof rawAnswer>, accessPoint?: string): CodeAnswer =>
  readCodeAnswer(providerFile(name), { kind: 'answered', answer: rawAnswer(...answer) }, bringing(name), accessPoint);
const tokens = { access_token: access, refresh_token: next, token_type: 'Bearer', expires_in: 28_800 };

describe('an answer', () => {
  test('with both tokens is a grant; a scope that is not to be believed is left out', () => {
    const answer = judged('docusign', [200, { ...tokens, scope: 'signature' }]);
    expect(answer.kind === 'granted' && answer.grant.refreshToken.reveal()).toBe(next);
    expect(answer.kind === 'granted' && answer.grant.accessToken?.reveal()).toBe(access);
    expect(answer).toMatchObject({ grant: { tokenType: 'Bearer', expiresInMs: 28_800_000 } });
    expect(answer.kind === 'granted' && Object.keys(answer.grant)).not.toContain('scope');
    expect(`${inspect(answer, { depth: 9 })}${JSON.stringify(answer)}`).not.toMatch(/PLTOKEN|canary/);
  });

  test('with a believed scope keeps it', () => {
    expect(judged('oauth2', [200, { ...tokens, scope: 'a offline_access' }])).toMatchObject({
      grant: { scope: 'a offline_access' },
    });
  });

  test('of Adobe names the shard itself, in its documentation’s own spelling; else the callback’s counts', () => {
    const callback = 'https://api.na1.adobesign.com/';
    const spelled = { ...tokens, 'api_access_point ': ' https://api.eu2.adobesign.com/' };
    expect(judged('adobe-acrobat-sign', [200, spelled], callback)).toMatchObject({
      grant: { apiAccessPoint: 'https://api.eu2.adobesign.com/' },
    });
    for (const point of [undefined, 'https://evil.example/', 7])
      expect(judged('adobe-acrobat-sign', [200, { ...tokens, api_access_point: point }], callback)).toMatchObject({
        grant: { apiAccessPoint: callback },
      });
  });

  test.for<[string, unknown]>([
    ['refresh_token_missing', { ...tokens, refresh_token: undefined }],
    ['refresh_token_missing', { ...tokens, refresh_token: '' }],
    ['refresh_token_missing', { ...tokens, refresh_token: code }],
    ['refresh_token_not_text', { ...tokens, refresh_token: 12_345 }],
    ['refresh_token_not_text', { ...tokens, refresh_token: [next] }],
    ['refresh_token_too_long', { ...tokens, refresh_token: `PLTOKEN${'x'.repeat(9_000)}` }],
    ['refresh_token_characters', { ...tokens, refresh_token: 'PLTOKEN-\u0007-token' }],
    ['refresh_token_elsewhere', { result: { refresh_token: next } }],
    ['no_token', { hello: 'world' }],
  ])('that is no grant is told as %s', ([error, body]) => {
    const answer = judged('docusign', [200, body]);
    expect(answer).toEqual({ kind: 'refused', whose: 'answer', error });
  });

  test.for<[ProviderName, number, unknown, Partial<Extract<CodeAnswer, { kind: 'refused' }>>]>([
    [
      'docusign',
      400,
      { error: 'invalid_grant', error_description: 'expired_client_token' },
      { whose: 'code', description: 'expired_client_token' },
    ],
    ['docusign', 400, { error: 'invalid_grant', error_description: 'unauthorized_client' }, { whose: 'client' }],
    ['oauth2', 401, { error: 'invalid_client' }, { whose: 'client', error: 'invalid_client' }],
    ['oauth2', 400, { error: 'unauthorized_client' }, { whose: 'client' }],
    ['oauth2', 401, '<html><p>who are you?</p></html>', { whose: 'client', error: 'http_401' }],
    ['oauth2', 401, { error: 'nobody_knows' }, { whose: 'client', error: 'nobody_knows' }],
    ['oauth2', 400, { error: 'invalid_request', request_id: 'r-7' }, { whose: 'client', requestId: 'r-7' }],
    ['oauth2', 404, 'nothing here', { whose: 'client', error: 'http_404' }],
    ['adobe-acrobat-sign', 401, { code: 'INVALID_API_ACCESS_POINT', message: 'x' }, { whose: 'host' }],
    ['adobe-acrobat-sign', 400, { error: 'invalid_request' }, { whose: 'code' }],
    [
      'esignglobal',
      200,
      { code: 1_400_001, message: 'client_id is required', data: null },
      { whose: 'answer', error: '1400001' },
    ],
  ])('of %s with %i %j is refused', ([name, status, body, expected]) => {
    expect(judged(name, [status, body])).toMatchObject({ kind: 'refused', ...expected });
  });

  test.for<[Parameters<typeof rawAnswer>, string]>([
    [[500, { error: 'server_error' }], 'server_error'],
    [[503, ''], 'http_503'],
    [[429, ''], 'http_429'],
    [[307, '', { location: 'https://evil.example/' }], 'http_307'],
    [[204, ''], 'empty_success'],
    [[200, '<html><p>portal</p></html>', { 'content-type': 'text/html' }], 'html_success'],
    [[200, '{"access_token":"PLTOKEN-a', {}, false], 'truncated'],
  ])('%j leaves the code’s fate open', ([answer, why]) => {
    expect(judged('oauth2', answer)).toEqual({ kind: 'unanswered', why });
  });

  test('that never came is told by its label', () => {
    const exchange = { kind: 'notSent', label: 'dns_failed' } as const;
    expect(readCodeAnswer(providerFile('oauth2'), exchange, bringing('oauth2'), undefined)).toEqual({
      kind: 'unanswered',
      why: 'dns_failed',
    });
  });

  test.for([
    code,
    verifier,
    secret,
    Buffer.from(`key-1:${secret}`).toString('base64'),
  ])('that echoes %s back shows no piece of it', (echoed) => {
    for (const said of [echoed, echoed.slice(4, 20), `bad "${echoed}"!`]) {
      const body = { error: said, error_description: `no ${said} here`, request_id: said.slice(0, 20) };
      const shown = JSON.stringify(judged('oauth2', [400, body]));
      for (let at = 0; at + 12 <= echoed.length; at++) expect(shown).not.toContain(echoed.slice(at, at + 12));
    }
  });
});

describe('the account that consented', () => {
  const token = new Secret(access);
  const of = (
    body: unknown,
    account: unknown = { field: 'accounts.account_id', chosenBy: 'is_default' },
    status = 200,
  ) => {
    const authorization = { ...providerFile('docusign').authorization, codeLife: '2m', account };
    return accountIn(providerFile('docusign', { authorization }), rawAnswer(status, body), token);
  };
  const two = [
    { account_id: 'a-1', is_default: false },
    { account_id: 'a-2', is_default: true },
  ];

  test.for<[unknown, unknown, string | undefined]>([
    [{ accounts: two }, undefined, 'a-2'],
    [{ accounts: [{ account_id: 'a-1' }] }, undefined, 'a-1'],
    [{ accounts: two.map((one) => ({ ...one, is_default: true })) }, undefined, undefined],
    [{ accounts: [] }, undefined, undefined],
    [{ accounts: two }, { field: 'accounts.account_id' }, undefined],
    [{ sub: 'user-1' }, { field: 'sub' }, 'user-1'],
    [{ sub: 12_345_678_901_234_567_890n.toString() }, { field: 'sub' }, '12345678901234567890'],
    [{ sub: 4_711 }, { field: 'sub' }, '4711'],
    [{ sub: true }, { field: 'sub' }, undefined],
    [{ sub: 'a\nb' }, { field: 'sub' }, undefined],
    [{ sub: 'x'.repeat(200) }, { field: 'sub' }, undefined],
    [{ sub: access }, { field: 'sub' }, undefined],
    [{ sub: access.slice(2, 20) }, { field: 'sub' }, undefined],
    ['{"sub":"a","sub":"b"}', { field: 'sub' }, undefined],
    ['<html></html>', { field: 'sub' }, undefined],
    [{ sub: 'user-1' }, 'none', undefined],
  ])('in %j by %j is %j', ([body, account, expected]) => expect(of(body, account)).toBe(expected));

  test.for([
    ['a-1', 'a-1'],
    [' A-1 ', 'a-1'],
    ['a-3', 'a-2'],
    ['', 'a-2'],
  ])('where the connection had %j of several is %j', ([had, expected]) => {
    expect(accountIn(providerFile('docusign'), rawAnswer(200, { accounts: two }), token, had)).toBe(expected);
  });

  test('is not read from a refusal', () => expect(of({ sub: 'user-1' }, { field: 'sub' }, 401)).toBeUndefined());
});
