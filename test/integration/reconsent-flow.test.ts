/** The customer's way over real sockets: from the link to the stored grant, and every other end it can take. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CodeAnswer } from '../../src/reconsent/ports.ts';
import { stateLifeMs } from '../../src/reconsent/state.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { createLeakSearch } from '../support/leak-search.ts';
import {
  clientSecret,
  deadToken,
  fingerprint,
  formOf,
  pathOf,
  type ReconsentBench,
  startReconsentBench,
  storedDocument,
} from '../support/reconsent-bench.ts';

let bench: ReconsentBench;
beforeEach(async () => {
  bench = await startReconsentBench();
});
afterEach(async () => {
  expect(bench.aws.double.faults.unfired()).toEqual([]);
  // Whatever a test did: neither log nor audit hold a token, code, state, verifier or cookie.
  const leaks = createLeakSearch();
  leaks.plant(deadToken, clientSecret, ...bench.authorization.given);
  for (const { state, codeChallenge } of bench.authorization.asked) leaks.plant(state, codeChallenge);
  for (const { codeVerifier } of bench.authorization.exchanges) leaks.plant(codeVerifier.reveal());
  expect(leaks.find(bench.logText() + JSON.stringify(bench.audited))).toEqual([]);
  await bench.stop();
});

const outcomes = () => bench.audited.map(({ outcome }) => outcome);

describe('a customer who authorises again', () => {
  test('brings the connection back: new grant stored, own members kept, flag gone, audited and looked at', async () => {
    const link = bench.flagged();
    const before = bench.aws.double.secrets.current('acme')?.versionId;
    const page = await bench.browser().authorise(link);
    expect(page.status).toBe(200);
    expect(page.body).toContain('Done: you are connected');
    const now = new Date(bench.clock.now());
    const current = bench.aws.double.secrets.current('acme');
    expect(bench.document('acme')).toEqual({
      ...storedDocument,
      refresh_token: bench.authorization.given[1],
      access_token: bench.authorization.given[2],
      token_type: 'Bearer',
      expires_at: new Date(bench.clock.now() + 28_800_000).toISOString(),
      // Without a fraction, as the customer wrote them.
      consented_at: now.toISOString().replace('.000', ''),
      refreshed_at: now.toISOString().replace('.000', ''),
      pilotlight: {
        attempt: current?.versionId,
        from: before,
        token: fingerprint(new Secret(bench.authorization.given[1] ?? '')),
        spent: ['aaaaaaaaaaaa', fingerprint(new Secret(deadToken))],
        extended_at: now.toISOString(),
        first_seen_at: now.toISOString(),
      },
    });
    expect(bench.aws.double.secrets.tags('acme')).toEqual({
      'pilotlight:managed': 'true',
      'pilotlight:owner': 'Acme Corp',
    });
    expect(bench.changed).toEqual(['acme']);
    const about = { connection: 'acme', provider: 'docusign' };
    expect(bench.audited).toEqual([
      { ...about, outcome: 'started' },
      { ...about, outcome: 'done', account: 'same', versionOld: before, versionNew: current?.versionId },
    ]);
  });

  test('finds on the page whose connection it is, where it leads and what happens next', async () => {
    const page = await bench.browser().get(pathOf(bench.flagged()));
    expect(page.status).toBe(200);
    for (const words of ['Reconnect DocuSign eSignature', 'acme', 'Acme Corp', 'What happens next', 'demo'])
      expect(page.body).toContain(words);
    expect(page.body.match(/<button/g)).toHaveLength(1);
    expect(page.headers).toMatchObject({
      'cache-control': 'no-store',
      'x-robots-tag': 'noindex, nofollow',
      'referrer-policy': 'same-origin',
    });
    expect(page.headers['content-security-policy']).toContain("form-action 'self' https:;");
    expect(String(page.headers['set-cookie'])).toMatch(
      /^__Host-pilotlight-browser=[\w-]{43}; Path=\/; Max-Age=86400; HttpOnly; SameSite=Lax; Secure$/,
    );
    const style = /href="(\/reconsent\/style[^"]+)"/.exec(page.body)?.[1] ?? '';
    expect((await bench.browser().get(style)).headers['content-type']).toContain('text/css');
    expect((await bench.browser().get('/reconsent/icon.svg')).status).toBe(200);
  });

  test('asks for the scope the connection had, with a challenge, a signed state and the registered address', async () => {
    await bench.browser().press(bench.flagged());
    expect(bench.authorization.asked).toMatchObject([
      {
        provider: 'docusign',
        environment: 'demo',
        clientId: 'rig-client',
        redirectUri: 'https://connect.example/oauth/callback/docusign',
        scope: 'signature extended',
      },
    ]);
    const [held] = [...bench.states.held.values()];
    expect(held?.ms).toBe(stateLifeMs);
    expect(held?.started.codeVerifier).toMatch(/^[\w-]{43}$/);
  });

  test('finds the link done afterwards, and the button starts nothing any more', async () => {
    const link = bench.flagged();
    const browser = bench.browser();
    const form = formOf((await browser.get(pathOf(link))).body);
    await browser.authorise(link);
    expect((await browser.get(pathOf(link))).body).toContain('Already done');
    const pressed = await browser.post(pathOf(link), { form });
    expect([pressed.status, pressed.body]).toEqual([200, expect.stringContaining('Already done')]);
    expect(bench.states.held.size).toBe(0);
  });

  test('can still use the link where the application only saved another field', async () => {
    const link = bench.flagged();
    bench.aws.double.secrets.put('acme', JSON.stringify({ ...storedDocument, note: 'saved' }));
    expect((await bench.browser().authorise(link)).status).toBe(200);
    expect(bench.document('acme')).toMatchObject({ note: 'saved', refresh_token: bench.authorization.given[1] });
  });

  test('may bring the same token as before, which is then not held for spent', async () => {
    bench.authorization.more = { refreshToken: new Secret(deadToken) };
    expect((await bench.browser().authorise(bench.flagged())).status).toBe(200);
    expect(bench.document('acme')).toMatchObject({ refresh_token: deadToken, pilotlight: { spent: ['aaaaaaaaaaaa'] } });
  });

  test('makes a new connection with a link that says so, once', async () => {
    const subject = { provider: 'docusign', environment: 'demo', client: 'rig' };
    const link = bench.reconsent.linkFor({ kind: 'connect', connection: 'fresh', ...subject });
    const browser = bench.browser();
    expect((await browser.get(pathOf(link))).body).toContain('Connect DocuSign eSignature');
    expect((await browser.authorise(link)).status).toBe(200);
    expect(bench.document('fresh')).toMatchObject({
      ...subject,
      refresh_token: bench.authorization.given[1],
      scope: 'signature extended',
      account_id: 'account-1',
      consented_at: new Date(bench.clock.now()).toISOString(),
    });
    expect(bench.aws.double.secrets.tags('fresh')).toEqual({ 'pilotlight:managed': 'true' });
    expect((await browser.get(pathOf(link))).body).toContain('Already done');
  });
});

describe('an account other than the connection had', () => {
  test('is refused, and the connection stays as it was', async () => {
    const link = bench.flagged();
    const before = bench.document('acme');
    const page = await bench.browser().authorise(link, 'somebody-else');
    expect([page.status, page.body]).toEqual([422, expect.stringContaining('That was another account')]);
    expect(page.body).not.toContain('somebody-else');
    expect(bench.document('acme')).toEqual(before);
    expect(bench.audited.at(-1)).toMatchObject({ outcome: 'wrong_account', account: 'changed' });
    expect(bench.changed).toEqual([]);
  });

  test('is taken where the operator allowed it with a tag, which is used up by it', async () => {
    const link = bench.flagged('acme', {}, { 'pilotlight:allow-account-change': 'true' });
    expect((await bench.browser().authorise(link, 'somebody-else')).status).toBe(200);
    expect(bench.document('acme').account_id).toBe('somebody-else');
    expect(bench.aws.double.secrets.tags('acme')).not.toHaveProperty('pilotlight:allow-account-change');
    expect(bench.audited.at(-1)).toMatchObject({ outcome: 'done', account: 'changed' });
  });

  test('is noted where the document named none', async () => {
    const link = bench.flagged('acme', { account_id: undefined });
    expect((await bench.browser().authorise(link, 'first')).status).toBe(200);
    expect(bench.document('acme').account_id).toBe('first');
    expect(bench.audited.at(-1)).toMatchObject({ outcome: 'done', account: 'unknown' });
  });
});

describe('a provider that gives no grant', () => {
  const refused = (whose: Extract<CodeAnswer, { kind: 'refused' }>['whose']): CodeAnswer => ({
    kind: 'refused',
    whose,
    error: 'invalid_grant',
  });
  test.each<[string, CodeAnswer, number, string]>([
    ['an expired code', refused('code'), 422, 'code_refused'],
    ['our registration', refused('client'), 502, 'client_refused'],
    ['a foreign access point', refused('host'), 502, 'host_refused'],
    ['an answer nobody understands', refused('answer'), 502, 'answer_refused'],
    ['no answer', { kind: 'unanswered', why: 'timeout' }, 504, 'unanswered'],
  ])('shows its own page for %s, and leaves the connection as it was', async (_, answer, status, outcome) => {
    const link = bench.flagged();
    const before = bench.document('acme');
    bench.authorization.answer = answer;
    const page = await bench.browser().authorise(link);
    expect(page.status).toBe(status);
    expect(page.body).toMatch(/<h1>[^<]{10,}<\/h1>/);
    expect(outcomes()).toEqual(['started', outcome]);
    expect(bench.document('acme')).toEqual(before);
    expect(bench.aws.double.secrets.tags('acme')).toHaveProperty('pilotlight:state');
  });

  test.each([
    ['access_denied', 403, 'denied', 'access_denied'],
    ['server_error', 502, 'provider_error', 'server_error'],
    ['<script>alert(1)</script>', 502, 'provider_error', 'unreadable'],
  ])('shows a page for error=%s and exchanges nothing', async (error, status, outcome, told) => {
    const browser = bench.browser();
    const back = bench.authorization.consent(await browser.press(bench.flagged()));
    back.searchParams.delete('code');
    back.searchParams.set('error', error);
    back.searchParams.set('error_description', '"><img src=x onerror=alert(1)>');
    const page = await browser.get(pathOf(back));
    expect(page.status).toBe(status);
    expect(page.body).toContain('&lt;img src=x');
    expect(page.body).not.toMatch(/<img|<script/);
    expect(bench.audited.at(-1)).toMatchObject({ outcome, error: told });
    expect(bench.logText()).not.toContain('onerror');
    expect(bench.authorization.exchanges).toEqual([]);
  });

  test('and names no consent page: says so and starts nothing', async () => {
    bench.authorization.withoutPage = true;
    const browser = bench.browser();
    const link = bench.flagged();
    const form = formOf((await browser.get(pathOf(link))).body);
    expect((await browser.post(pathOf(link), { form })).status).toBe(501);
    expect(bench.states.held.size).toBe(0);
    expect(outcomes()).toEqual(['not_offered']);
  });
});

test.each<[string, number, () => void]>([
  ['that is gone', 410, () => bench.aws.double.secrets.delete('acme', { force: true })],
  ['that waits for its deletion', 410, () => bench.aws.double.secrets.delete('acme')],
  ['whose secret is no JSON', 409, () => void bench.aws.double.secrets.put('acme', 'not json')],
  [
    'that belongs to another install',
    409,
    () => bench.aws.double.secrets.tag('acme', { 'pilotlight:environment': 'staging' }),
  ],
])('a connection %s has a page that says so', async (_, status, spoil) => {
  const link = bench.flagged();
  spoil();
  const page = await bench.browser().get(pathOf(link));
  expect(page.status).toBe(status);
  expect(page.body).not.toContain('<button');
});
