/** How each provider in the sandbox refuses, and what the reader makes of it. */
import { request } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Secret } from '../../src/runtime/secret.ts';
import { client, dayMs, startProviderBench } from '../support/provider-bench.ts';
import { type ProviderName, providerFile, providerNames } from '../support/provider-files.ts';

let bench: Awaited<ReturnType<typeof startProviderBench>>;
beforeEach(async () => {
  bench = await startProviderBench();
});
afterEach(() => bench.stop());

const scope = 'signature extended offline_access';

test.each(providerNames)('%s: consent withdrawn by the customer raises a suspicion against the token', async (name) => {
  const held = bench.consent(name, { scope });
  bench.sandbox.grants.revoke('c1');
  expect(await bench.refresh(name, held, held.refreshToken)).toMatchObject({ kind: 'refused', means: 'grant' });
  expect(bench.sandbox.oracle.death('c1')).toEqual({ why: 'revoked', at: bench.clock.now() });
});

test.each<[ProviderName, string]>([
  ['docusign', 'grant'],
  ['adobe-acrobat-sign', 'client'],
  ['adobe-acrobat-sign-gov', 'client'],
  ['esignglobal', 'client'],
  ['oauth2', 'client'],
])('%s: a wrong client secret means %s and costs no token', async (name, means) => {
  const held = bench.consent(name, { scope });
  expect(await bench.refresh(name, held, held.refreshToken, 'not the secret')).toMatchObject({
    kind: 'refused',
    means,
  });
  const window = bench.sandbox.faults.inject(
    { kind: 'wrongSecret' },
    { provider: name, until: bench.clock.now() + dayMs },
  );
  expect(await bench.refresh(name, held, held.refreshToken)).toMatchObject({ kind: 'refused', means });
  expect(window.fired()).toBe(1);
  bench.clock.turn(dayMs);
  expect(await bench.refresh(name, held, held.refreshToken)).toMatchObject({ kind: 'granted' });
  expect(bench.sandbox.oracle.doubleSpends()).toEqual([]);
  expect(bench.sandbox.oracle.secondTries()).toEqual([]);
});

test.each(
  providerNames,
)('%s: current and previous client secret are both taken while the operator changes it', async (name) => {
  const held = bench.consent(name, { scope, connection: 'a' });
  const other = bench.consent(name, { scope, connection: 'b' });
  bench.sandbox.clients.setSecrets(name, client.clientId, ['new', client.clientSecret]);
  expect(await bench.refresh(name, held, held.refreshToken, 'new')).toMatchObject({ kind: 'granted' });
  expect(await bench.refresh(name, other, other.refreshToken)).toMatchObject({ kind: 'granted' });
});

test.each(providerNames)('%s: throttling names the time to wait', async (name) => {
  const held = bench.consent(name, { scope });
  const throttle = bench.sandbox.faults.inject(
    { kind: 'throttle', retryAfterMs: 90_000 },
    { provider: name, times: 1 },
  );
  expect(await bench.refresh(name, held, held.refreshToken)).toMatchObject({
    means: 'throttled',
    retryAfterMs: 90_000,
  });
  expect(throttle.fired()).toBe(1);
  expect(await bench.refresh(name, held, held.refreshToken)).toMatchObject({ kind: 'granted' });
});

test('DocuSign: an integration key nobody knows means the client', async () => {
  const held = bench.consent('docusign');
  bench.sandbox.clients.setSecrets('docusign', 'other', ['x']);
  const subject = {
    provider: providerFile('docusign'),
    environment: 'production',
    refreshToken: new Secret(held.refreshToken),
  };
  const prepared = bench.endpoint.prepare(subject, { clientId: 'nobody', clientSecret: new Secret('x') });
  const exchange = await bench.endpoint.send(prepared);
  if (exchange.kind !== 'answered') throw new Error(exchange.label);
  const answer = bench.endpoint.read(subject.provider, exchange.answer, subject);
  expect(answer).toMatchObject({ means: 'client', error: 'invalid_grant', description: 'unauthorized_client' });
});

test('DocuSign: a token of another client is refused like a dead one', async () => {
  const held = bench.consent('docusign', { client: { clientId: 'other', clientSecret: 'x' } });
  bench.consent('docusign', { connection: 'c2' });
  expect(await bench.refresh('docusign', held, held.refreshToken)).toMatchObject({ means: 'grant' });
  expect(bench.sandbox.oracle.isLive(held.refreshToken)).toBe(true);
});

describe('requests that are not as documented', () => {
  function post(host: string, path: string, headers: Record<string, string>, body: string) {
    return new Promise<{ status: number; text: string }>((answered, failed) => {
      const outgoing = request({
        host: bench.url.hostname,
        port: bench.url.port,
        path,
        method: 'POST',
        headers: { host, ...headers },
      });
      outgoing.on('error', failed);
      outgoing.on('response', async (incoming) => {
        const chunks: Buffer[] = [];
        for await (const chunk of incoming) chunks.push(chunk);
        answered({ status: incoming.statusCode ?? 0, text: Buffer.concat(chunks).toString() });
      });
      outgoing.end(body);
    });
  }
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const basic = {
    authorization: `Basic ${Buffer.from(`${client.clientId}:${client.clientSecret}`).toString('base64')}`,
  };
  const esignPath = '/esignglobal/v1/oauth2/accessToken';

  test.each([
    [
      'DocuSign: JSON',
      'account.docusign.com',
      '/oauth/token',
      { ...basic, 'content-type': 'application/json' },
      '{}',
      400,
      'invalid_grant',
    ],
    [
      'DocuSign: no Basic header',
      'account.docusign.com',
      '/oauth/token',
      form,
      'grant_type=refresh_token&refresh_token=x',
      400,
      'unauthorized_client',
    ],
    [
      'DocuSign: a scope',
      'account.docusign.com',
      '/oauth/token',
      { ...form, ...basic },
      'grant_type=refresh_token&refresh_token=x&scope=a',
      400,
      'invalid_request',
    ],
    [
      'DocuSign: the secret in the body too',
      'account.docusign.com',
      '/oauth/token',
      { ...form, ...basic },
      'grant_type=refresh_token&refresh_token=x&client_secret=a',
      400,
      'invalid_grant',
    ],
    ['DocuSign: another path', 'account.docusign.com', '/oauth/v2/token', form, '', 404, '<html>'],
    [
      'Adobe: parameters in the query',
      'api.na1.adobesign.com',
      '/oauth/v2/refresh?grant_type=refresh_token',
      form,
      '',
      400,
      'invalid_request',
    ],
    ['Adobe: revoking nothing', 'api.na1.adobesign.com', '/oauth/v2/revoke', form, '', 400, 'INVALID_REQUEST'],
    [
      'Adobe Government: no grant type',
      'secure.na1.adobesign.us',
      '/api/gateway/adobesignauthservice/api/v1/token',
      form,
      'a=b',
      400,
      'grant_type is missing',
    ],
    [
      'eSignGlobal: a form instead of multipart',
      'openapi-as1.esignglobal.com',
      esignPath,
      form,
      `grant_type=refresh_token&client_id=${client.clientId}`,
      200,
      '"data":null',
    ],
    [
      'OAuth 2.0: no client',
      'authorization-server.invalid',
      '/oauth/token',
      form,
      'grant_type=refresh_token&refresh_token=x',
      401,
      'invalid_client',
    ],
    [
      'OAuth 2.0: a parameter twice',
      'authorization-server.invalid',
      '/oauth/token',
      { ...form, ...basic },
      'grant_type=a&grant_type=b',
      400,
      'invalid_request',
    ],
    ['a host of nobody', 'evil.example', '/oauth/token', form, '', 421, '<html>'],
  ])('%s', async (_title, host, path, headers, body, status, text) => {
    for (const name of providerNames) bench.consent(name, { scope, connection: name });
    expect(await post(host, path, headers as Record<string, string>, body)).toEqual({
      status,
      text: expect.stringContaining(text),
    });
  });

  test('eSignGlobal: client_credentials brings an access token and nothing to keep alive', async () => {
    bench.consent('esignglobal');
    const parts = { client_id: client.clientId, client_secret: client.clientSecret, grant_type: 'client_credentials' };
    const body = Object.entries(parts).map(
      ([name, value]) => `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
    );
    const type = { 'content-type': 'multipart/form-data; boundary=b' };
    const { text } = await post('openapi-as1.esignglobal.com', esignPath, type, `${body.join('')}--b--\r\n`);
    expect(JSON.parse(text)).toEqual({
      access_token: expect.stringContaining('PLTOKEN'),
      expires_in: 86_398,
      scope: 'read-write',
      token_type: 'bearer',
    });
  });
});
