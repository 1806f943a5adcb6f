/**
 * A provider written by others: npm oidc-provider with rotation on, where a refresh token shown twice revokes the whole
 * grant. It is reached by configuration alone, over plain HTTP on this machine.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTokenEndpoint, type OAuthEndpoint } from '../../src/oauth/token-endpoint.ts';
import type { Answer } from '../../src/rotation/ports.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { systemRandom } from '../../src/runtime/random.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { type OidcServer, startOidcServer } from '../support/oidc-server.ts';
import { newTokenOf } from '../support/provider-bench.ts';
import { providerFile } from '../support/provider-files.ts';

const secret = 'canary-client-secret-of-thirty-two-bytes';
const clients = [
  { client_id: 'by-header', client_secret: secret, token_endpoint_auth_method: 'client_secret_basic' },
  { client_id: 'by-body', client_secret: secret, token_endpoint_auth_method: 'client_secret_post' },
];

let server: OidcServer;
let endpoint: OAuthEndpoint;

beforeAll(async () => {
  server = await startOidcServer({
    clients: clients.map((one) => ({ ...one, redirect_uris: ['https://app.example/back'] })),
    features: { revocation: { enabled: true }, devInteractions: { enabled: false } },
  });
  endpoint = createTokenEndpoint({ clock: systemClock(), random: systemRandom(), userAgent: 'Pilotlight/test' });
});
afterAll(() => server.stop());

/** What the authorization-code flow would have left behind. */
async function consent(clientId: string): Promise<{ refreshToken: string; revoke(): Promise<void> }> {
  const client = await server.issuer.Client.find(clientId);
  if (client === undefined) throw new Error('no such client');
  const scope = 'openid offline_access';
  const grant = new server.issuer.Grant({ accountId: 'customer-1', clientId });
  grant.addOIDCScope(scope);
  const grantId = await grant.save();
  const about = { accountId: 'customer-1', authTime: 1, client, grantId, gty: 'authorization_code', scope };
  const token = new server.issuer.RefreshToken(about);
  return { refreshToken: await token.save(), revoke: () => grant.destroy() };
}

function file(clientAuth: 'basic' | 'body') {
  return providerFile('oauth2', {
    environments: {
      production: { tokenUrl: `${server.base}/token`, revocationUrl: `${server.base}/token/revocation` },
    },
    request: { clientAuth, body: 'form' },
    answer: { newRefreshToken: 'always' },
    revocation: { clientAuth, parameters: { token_type_hint: 'refresh_token' } },
  });
}

async function refresh(clientAuth: 'basic' | 'body', refreshToken: string, clientSecret = secret): Promise<Answer> {
  const subject = { provider: file(clientAuth), environment: 'production', refreshToken: new Secret(refreshToken) };
  const clientId = clientAuth === 'basic' ? 'by-header' : 'by-body';
  const exchange = await endpoint.send(endpoint.prepare(subject, { clientId, clientSecret: new Secret(clientSecret) }));
  if (exchange.kind !== 'answered') throw new Error(`${exchange.kind} ${exchange.label}`);
  return endpoint.read(subject.provider, exchange.answer, { ...subject, scope: 'openid offline_access' });
}

test.each([
  ['basic', 'by-header'],
  ['body', 'by-body'],
] as const)('several generations of refreshes with %s authentication, then a withdrawn consent', async (clientAuth, clientId) => {
  const held = await consent(clientId);
  const seen = new Set([held.refreshToken]);
  let token = held.refreshToken;
  for (let generation = 0; generation < 5; generation++) {
    const answer = await refresh(clientAuth, token);
    expect(answer).toMatchObject({ kind: 'granted', tokenType: 'Bearer', accessTokenLifeMs: 3_600_000, oddities: [] });
    token = newTokenOf(answer);
    seen.add(token);
  }
  expect(seen.size).toBe(6);
  await held.revoke();
  expect(await refresh(clientAuth, token)).toMatchObject({
    kind: 'refused',
    means: 'grant',
    status: 400,
    error: 'invalid_grant',
  });
});

test('a token shown twice ends the family, which is why it never is', async () => {
  const held = await consent('by-header');
  const token = newTokenOf(await refresh('basic', held.refreshToken));
  expect(await refresh('basic', held.refreshToken)).toMatchObject({ means: 'grant' });
  expect(await refresh('basic', token)).toMatchObject({ means: 'grant' });
});

test('a wrong client secret means the client and harms no token', async () => {
  const held = await consent('by-header');
  expect(await refresh('basic', held.refreshToken, 'wrong')).toMatchObject({
    kind: 'refused',
    means: 'client',
    status: 401,
    error: 'invalid_client',
  });
  expect(await refresh('basic', held.refreshToken)).toMatchObject({ kind: 'granted' });
});

test('a revoked token is refused', async () => {
  const held = await consent('by-header');
  const token = newTokenOf(await refresh('basic', held.refreshToken));
  const subject = { provider: file('basic'), environment: 'production', token: new Secret(token) };
  expect(await endpoint.revoke(subject, { clientId: 'by-header', clientSecret: new Secret(secret) })).toEqual({
    kind: 'revoked',
  });
  expect(await refresh('basic', token)).toMatchObject({ means: 'grant' });
});
