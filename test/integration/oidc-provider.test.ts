/**
 * The generic provider `oauth2` against a server written by others, through the whole protocol: npm oidc-provider with
 * rotation and reuse detection on, reached by configuration alone. A first grant comes from its real authorization-code flow.
 */
import { createHash, randomBytes } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { provider as providerSchema } from '../../config/provider.ts';
import { type OidcServer, startOidcServer } from '../support/oidc-server.ts';
import { day, hour, minute, type RotationBench, startRotationBench } from '../support/rotation-bench.ts';

const clientSecret = 'PLTOKEN-oidc-client-secret-of-thirty-two-bytes';
const redirectUri = 'http://127.0.0.1:9/back';
const scope = 'openid offline_access';

let server: OidcServer;
let bench: RotationBench;
/** Refresh requests the server received, by token. */
let posted: string[];

beforeEach(async () => {
  posted = [];
  server = await startOidcServer({
    clients: [
      {
        client_id: 'pilot',
        client_secret: clientSecret,
        redirect_uris: [redirectUri],
        token_endpoint_auth_method: 'client_secret_basic',
        application_type: 'native',
      },
    ],
    features: { devInteractions: { enabled: true } },
    ttl: { Interaction: 3_600, Session: 86_400, AuthorizationCode: 60 },
    watch(request) {
      const body: Buffer[] = [];
      request.on('data', (part: Buffer) => body.push(part));
      request.on('end', () => {
        const form = new URLSearchParams(Buffer.concat(body).toString());
        if (form.get('grant_type') === 'refresh_token') posted.push(form.get('refresh_token') ?? '');
      });
    },
  });
  bench = await startRotationBench({
    change({ sandbox: _, ...config }) {
      const { oauth2 } = config.providers;
      if (oauth2 === undefined) throw new Error('there is no provider oauth2');
      const own = providerSchema.parse({
        name: 'oauth2',
        title: 'Their OAuth server',
        environments: { production: { tokenUrl: `${server.base}/token` } },
        request: { clientAuth: 'basic', body: 'form' },
        answer: { newRefreshToken: 'always' },
        lifetimes: [{ idle: '30d' }],
      });
      return { ...config, providers: { oauth2: { ...oauth2, ...own } } };
    },
  });
  bench.double.secrets.put('clients/rig', JSON.stringify({ client_id: 'pilot', client_secret: clientSecret }));
});
afterEach(async () => {
  await bench.stop();
  await server.stop();
});

/** A browser as far as this needs one: cookies by name, and no redirect followed by itself. */
function browser() {
  const cookies = new Map<string, string>();
  return async (url: string, form?: Record<string, string>): Promise<Response> => {
    const response = await fetch(new URL(url, server.base), {
      redirect: 'manual',
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }),
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '') cookies.delete(name);
      else cookies.set(name, value);
    }
    return response;
  };
}

/** The customer signs in and consents; the application exchanges the code, as it would. */
async function consent(): Promise<Record<string, unknown>> {
  const visit = browser();
  const verifier = randomBytes(32).toString('base64url');
  const challenge = createHash('sha256').update(verifier).digest('base64url');
  const ask = new URLSearchParams({
    client_id: 'pilot',
    redirect_uri: redirectUri,
    response_type: 'code',
    scope,
    prompt: 'consent',
    code_challenge: challenge,
    code_challenge_method: 'S256',
  });
  const answers: Record<string, string>[] = [
    { prompt: 'login', login: 'customer-1', password: 'any' },
    { prompt: 'consent' },
  ];
  let response = await visit(`/auth?${ask}`);
  let code: string | null = null;
  for (let steps = 0; code === null && steps < 12; steps++) {
    const location = response.headers.get('location');
    if (location?.startsWith(redirectUri)) code = new URL(location).searchParams.get('code');
    else if (location?.includes('/interaction/')) response = await visit(location, answers.shift());
    else if (location !== null) response = await visit(location);
    else throw new Error(`the sign-in ended with ${response.status}`);
  }
  const exchanged = await fetch(`${server.base}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`pilot:${clientSecret}`).toString('base64')}` },
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code: code ?? '',
      redirect_uri: redirectUri,
      code_verifier: verifier,
    }),
  });
  expect(exchanged.status).toBe(200);
  return (await exchanged.json()) as Record<string, unknown>;
}

async function connect(connection: string): Promise<string> {
  const { refresh_token, access_token } = await consent();
  const at = new Date(bench.clock.now()).toISOString();
  const document = {
    provider: 'oauth2',
    client: 'rig',
    refresh_token,
    access_token,
    scope,
    consented_at: at,
    refreshed_at: at,
  };
  bench.double.secrets.create(connection, JSON.stringify(document), { 'pilotlight:managed': 'true' });
  await bench.inventory();
  return String(refresh_token);
}

interface Stored {
  readonly grantId: string;
  readonly isValid: boolean;
  destroy(): Promise<void>;
}

/** What the server itself holds under an id. */
async function stored(kind: unknown, id: string): Promise<Stored | undefined> {
  return (kind as { find(id: string): Promise<Stored | undefined> }).find(id);
}

const tokenOf = (connection: string) => String(bench.document(connection).refresh_token);

test('several generations of refreshes, then a revoked grant: suspected, and confirmed only after a success of the client', async () => {
  const seen = new Set([await connect('acme'), await connect('canary')]);
  for (let generation = 1; generation <= 5; generation++) {
    bench.clock.turn(12 * day);
    for (const id of ['acme', 'canary']) {
      expect(await bench.rotate(id)).toMatchObject({
        outcome: 'rotated',
        status: 200,
        // Their clock is the machine's, ours the calendar the test turns.
        oddities: ['clock_skew'],
      });
      seen.add(tokenOf(id));
    }
    expect(seen.size).toBe(2 + 2 * generation);
  }
  expect(posted).toHaveLength(10);
  expect(new Set(posted).size).toBe(10);

  const held = await stored(server.issuer.RefreshToken, tokenOf('acme'));
  await (await stored(server.issuer.Grant, held?.grantId ?? ''))?.destroy();
  bench.clock.turn(12 * day);
  expect(await bench.rotate('acme')).toMatchObject({
    outcome: 'suspect',
    reason: 'invalid_grant',
    status: 400,
    error: 'invalid_grant',
  });
  bench.clock.turn(15 * minute);
  expect(await bench.rotate('acme')).toMatchObject({ outcome: 'suspect', reason: 'invalid_grant' });
  expect(bench.double.secrets.tags('acme')).toEqual({ 'pilotlight:managed': 'true' });
  bench.clock.turn(hour);
  expect(await bench.rotate('canary', 'canary')).toMatchObject({ outcome: 'rotated' });
  expect(await bench.rotate('acme')).toMatchObject({ outcome: 'needsConsent', reason: 'invalid_grant' });
  expect(bench.double.secrets.tags('acme')).toMatchObject({ 'pilotlight:state': 'reauth_required' });

  const { refresh_token } = await consent();
  bench.save('acme', { refresh_token, consented_at: new Date(bench.clock.now()).toISOString() });
  await bench.inventory();
  expect(await bench.entry('acme')).toMatchObject({ state: 'active' });
  bench.clock.turn(12 * day);
  expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
  expect(await bench.spoolFiles()).toEqual([]);
});

test('crashes and duplicate jobs never show a spent token, so reuse detection never ends the family', async () => {
  await connect('acme');
  for (const step of ['sealed', 'put', 'swapped', 'removing'] as const) {
    bench.clock.turn(12 * day);
    await bench.crash('acme', step);
    await Promise.all([bench.rotate('acme'), bench.rotate('acme', 'manual'), bench.recover()]);
    await bench.recover();
    expect(await bench.spoolFiles()).toEqual([]);
  }
  bench.clock.turn(12 * day);
  const [one, two] = await Promise.all([bench.rotate('acme'), bench.rotate('acme')]);
  expect([one.outcome, two.outcome].sort()).toEqual(['busy', 'rotated']);
  expect(new Set(posted).size).toBe(posted.length);
  expect(await stored(server.issuer.RefreshToken, tokenOf('acme'))).toMatchObject({ isValid: true });
});

test('a wrong client secret is told as such, and no grant suffers', async () => {
  await connect('acme');
  bench.clock.turn(12 * day);
  bench.double.secrets.put('clients/rig', JSON.stringify({ client_id: 'pilot', client_secret: 'wrong' }));
  expect(await bench.rotate('acme')).toMatchObject({
    outcome: 'misconfigured',
    reason: 'client_rejected',
    status: 401,
  });
  bench.double.secrets.put('clients/rig', JSON.stringify({ client_id: 'pilot', client_secret: clientSecret }));
  expect(await bench.rotate('acme', 'probe')).toMatchObject({ outcome: 'rotated' });
});
