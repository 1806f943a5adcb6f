/** What must not work on the customer's way: forged, cut, replayed, late and borrowed links, states, forms and browsers. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { consentKeys } from '../../src/reconsent/keys.ts';
import { linkUrl, newLink } from '../../src/reconsent/link.ts';
import { makeState, stateLifeMs } from '../../src/reconsent/state.ts';
import { PilotlightError } from '../../src/runtime/errors.ts';
import { seededRandom } from '../../src/runtime/random.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { get, serve } from '../browser/serve.ts';
import {
  type Browser,
  formOf,
  pathOf,
  publicUrl,
  type ReconsentBench,
  startReconsentBench,
  testKeys,
} from '../support/reconsent-bench.ts';

const dayMs = 86_400_000;
let bench: ReconsentBench;
let link: string;
let browser: Browser;
beforeEach(async () => {
  bench = await startReconsentBench();
  link = bench.flagged();
  browser = bench.browser();
});
afterEach(() => bench.stop());

const outcomes = () => bench.audited.map(({ outcome }) => outcome);
/** Pressed and agreed: the address the provider sends the browser back to. */
const wayBack = async () => bench.authorization.consent(await browser.press(link));
const with_ = (url: URL, change: (back: URL) => void) => {
  const changed = new URL(url);
  change(changed);
  return pathOf(changed);
};

async function expectNothingStored(): Promise<void> {
  expect(bench.authorization.exchanges).toEqual([]);
  expect(bench.aws.double.writes().filter(({ origin }) => origin === 'wire')).toEqual([]);
}

describe('a link', () => {
  test.each<[string, (token: string) => string]>([
    ['cut short', (token) => token.slice(0, -2)],
    ['without its signature', (token) => token.split('.')[0] ?? ''],
    [
      'with another character in it',
      (token) => `${token.slice(0, 20)}${token[20] === 'A' ? 'B' : 'A'}${token.slice(21)}`,
    ],
    [
      'with a last character that decodes alike',
      (token) => token.slice(0, -1) + String.fromCharCode(token.charCodeAt(token.length - 1) + 1),
    ],
    ['with something after it', (token) => `${token}.x`],
    ['with a folder after it', (token) => `${token}/x`],
    ['of nothing', () => ''],
    ['of another language', () => 'constructor'],
    ['far too long', (token) => token + 'A'.repeat(3_000)],
  ])('%s is not believed, whatever it says', async (_, change) => {
    const page = await browser.get(`/reconsent/${change(pathOf(link).split('/')[2] ?? '')}`);
    expect(page.status).toBe(404);
    expect(page.body).toContain('This link is not complete');
    expect(page.body).not.toContain('acme');
    await expectNothingStored();
  });

  test('signed for another install, or with another key, is not believed', async () => {
    const subject = { kind: 'reconsent', connection: 'acme', version: 'v' } as const;
    const made = newLink(subject, { now: bench.clock.now(), random: seededRandom(1) });
    for (const keys of [
      consentKeys(new Secret('k'.repeat(44)), 'other'),
      consentKeys(new Secret('x'.repeat(44)), 'test'),
    ])
      expect((await browser.get(pathOf(linkUrl(publicUrl, made, keys)))).status).toBe(404);
  });

  test('is over after a week, for its button too', async () => {
    const form = formOf((await browser.get(pathOf(link))).body);
    bench.clock.turn(7 * dayMs - 1);
    expect((await browser.get(pathOf(link))).status).toBe(200);
    bench.clock.turn(1);
    expect((await browser.get(pathOf(link))).status).toBe(410);
    expect((await browser.post(pathOf(link), { form })).status).toBe(410);
    expect(bench.states.held.size).toBe(0);
  });

  test('starts nothing when it is looked at, by GET, HEAD or a robot', async () => {
    for (const method of ['GET', 'HEAD', 'GET']) {
      const got = await bench.browser().get(pathOf(link), { method });
      expect(got.status).toBe(200);
      expect(got.headers['x-robots-tag']).toContain('noindex');
    }
    expect([bench.states.held.size, bench.authorization.asked.length, bench.audited.length]).toEqual([0, 0, 0]);
    await expectNothingStored();
  });
});

describe('the button', () => {
  const pressed = async (headers: Record<string, string>, change: (form: string) => string = (form) => form) => {
    const form = formOf((await browser.get(pathOf(link))).body);
    return browser.post(pathOf(link), { form: change(form) }, headers);
  };

  test.each<[string, Record<string, string>]>([
    ['from another site', { 'sec-fetch-site': 'cross-site' }],
    ['from another host of ours', { 'sec-fetch-site': 'same-site' }],
    ['from another origin', { origin: 'https://evil.example' }],
    ['from an origin that hides', { origin: 'null' }],
    ['from a browser without the cookie', { cookie: 'other=1' }],
    ['from another browser', { cookie: `__Host-pilotlight-browser=${'A'.repeat(43)}` }],
    ['from a browser with a cookie of another kind', { cookie: '__Host-pilotlight-browser=short' }],
  ])('%s starts nothing, and shows the page again', async (_, headers) => {
    const got = await pressed(headers);
    expect(got.status).toBe(403);
    expect(got.body).toContain('Please press the button once more');
    expect(got.body).toContain('<button');
    expect([bench.states.held.size, outcomes()]).toEqual([0, ['form_refused']]);
  });

  test.each([
    ['without a token', () => ''],
    ['with a token cut short', (form: string) => form.slice(0, -1)],
    ['with the token of another link', () => formOf(bench.reconsent.formToken('other', 'browser'))],
  ])('%s starts nothing', async (_, change) => {
    expect((await pressed({}, change)).status).toBe(403);
    expect(bench.states.held.size).toBe(0);
  });

  test('sent with neither origin nor fetch site starts nothing', async () => {
    const form = formOf((await browser.get(pathOf(link))).body);
    const sent = { token: form, origin: undefined, fetchSite: undefined, browser: browser.cookie?.split('=')[1] };
    const token = pathOf(link).split('/')[2] ?? '';
    expect(await bench.reconsent.begin(token, sent)).toMatchObject({ end: 'form_refused' });
    expect(await bench.reconsent.begin(token, { ...sent, origin: publicUrl })).toMatchObject({ kind: 'begun' });
  });

  test('takes a small form and nothing else', async () => {
    await browser.get(pathOf(link));
    expect((await browser.post(pathOf(link), { form: 'x'.repeat(5_000) })).status).toBe(413);
    expect((await browser.post(pathOf(link), { form: '' }, { 'content-type': 'application/json' })).status).toBe(415);
    expect((await browser.post(pathOf(link), { form: '' }, { 'content-encoding': 'gzip' })).status).toBe(415);
    const chunked = await browser.post(pathOf(link), { form: 'x'.repeat(5_000) }, { 'transfer-encoding': 'chunked' });
    expect(chunked.status).toBe(413);
    for (const method of ['PUT', 'DELETE', 'OPTIONS']) {
      const got = await browser.get(pathOf(link), { method });
      expect([got.status, got.headers.allow]).toEqual([405, 'GET, HEAD, POST']);
    }
    expect((await browser.post('/oauth/callback/docusign', {})).status).toBe(405);
    expect(bench.states.held.size).toBe(0);
  });

  test('pressed twice begins twice: the way the browser follows ends well, and the other is worth nothing after it', async () => {
    const form = formOf((await browser.get(pathOf(link))).body);
    const [first, second] = await Promise.all([0, 1].map(() => browser.post(pathOf(link), { form })));
    const pages = [first, second].map((got) => new URL(String(got?.headers.location)));
    expect(new Set(pages.map(String)).size).toBe(2);
    const [one, other] = pages.map((page) => pathOf(bench.authorization.consent(page))) as [string, string];
    expect((await browser.get(other)).body).toContain('Done');
    expect((await browser.get(one)).body).toContain('Already done');
    expect(bench.authorization.exchanges).toHaveLength(1);
  });
});

describe('a callback', () => {
  const ends = async (path: string, status: number, outcome: string, who = browser) => {
    const got = await who.get(path);
    expect([got.status, outcomes().at(-1)]).toEqual([status, outcome]);
    expect(got.body).toMatch(/<h1>/);
    return got;
  };

  test('counts once: a second one gets a page and no second exchange', async () => {
    const back = pathOf(await wayBack());
    await ends(back, 200, 'done');
    await ends(back, 409, 'state_used');
    expect(bench.authorization.exchanges).toHaveLength(1);
  });

  test('from several at once is exchanged once', async () => {
    const back = pathOf(await wayBack());
    const got = await Promise.all(Array.from({ length: 8 }, () => browser.get(back)));
    expect(got.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409, 409, 409, 409, 409]);
    expect(bench.authorization.exchanges).toHaveLength(1);
  });

  test('is not taken by HEAD', async () => {
    const back = pathOf(await wayBack());
    expect((await browser.get(back, { method: 'HEAD' })).status).toBe(200);
    expect(bench.states.held.size).toBe(1);
    await ends(back, 200, 'done');
  });

  test('in a browser without the cookie, or another one, is refused before the state is used', async () => {
    const back = pathOf(await wayBack());
    await ends(back, 403, 'other_browser', bench.browser());
    const stranger = bench.browser();
    await stranger.get(pathOf(link));
    await ends(back, 403, 'other_browser', stranger);
    await expectNothingStored();
    await ends(back, 200, 'done');
  });

  test('after ten minutes is too late', async () => {
    const back = pathOf(await wayBack());
    bench.clock.turn(stateLifeMs);
    await ends(back, 410, 'state_expired');
    await expectNothingStored();
  });

  test('at another provider is refused', async () => {
    const back = await wayBack();
    await ends(pathOf(back).replace('docusign', 'esignglobal'), 400, 'other_provider');
    await ends(pathOf(back).replace('docusign', 'constructor'), 400, 'other_provider');
    await ends(pathOf(back).replace('docusign', '..%2f..%2fx'), 400, 'other_provider');
    await expectNothingStored();
  });

  test.each<[string, (back: URL) => void]>([
    ['without a state', (back) => back.searchParams.delete('state')],
    ['with two states', (back) => back.searchParams.append('state', back.searchParams.get('state') ?? '')],
    [
      'with a state cut short',
      (back) => back.searchParams.set('state', (back.searchParams.get('state') ?? '').slice(0, -4)),
    ],
    ['with a state of noise', (back) => back.searchParams.set('state', 'A'.repeat(138))],
    ['with a state far too long', (back) => back.searchParams.set('state', 'A'.repeat(4_000))],
    [
      'with a state that was changed',
      (back) => {
        const state = back.searchParams.get('state') ?? '';
        back.searchParams.set('state', `${state.slice(0, 40)}${state[40] === 'A' ? 'B' : 'A'}${state.slice(41)}`);
      },
    ],
  ])('%s is refused, and says nothing of any connection', async (_, change) => {
    const got = await ends(with_(await wayBack(), change), 400, 'state_forged');
    expect(got.body).not.toContain('acme');
    expect(bench.audited.at(-1)).toEqual({ outcome: 'state_forged' });
    await expectNothingStored();
  });

  test('whose state was made for another connection is refused', async () => {
    const back = await wayBack();
    const [nonce = ''] = bench.states.held.keys();
    const cookie = browser.cookie?.split('=')[1] ?? '';
    const facts = { nonce, issuedAt: bench.clock.now(), provider: 'docusign', browser: cookie };
    const state = makeState({ ...facts, connection: 'other' }, testKeys);
    await ends(
      with_(back, (url) => url.searchParams.set('state', state)),
      400,
      'state_forged',
    );
    await expectNothingStored();
  });

  test.each<[string, (back: URL) => void]>([
    ['without a code', (back) => back.searchParams.delete('code')],
    ['with an empty code', (back) => back.searchParams.set('code', '')],
    ['with two codes', (back) => back.searchParams.append('code', 'other')],
    ['with a code far too long', (back) => back.searchParams.set('code', 'x'.repeat(4_097))],
  ])('%s is exchanged nowhere', async (_, change) => {
    await ends(with_(await wayBack(), change), 502, 'provider_error');
    await expectNothingStored();
  });

  test('with a query beyond all measure is cut off by the server', async () => {
    const back = pathOf(await wayBack());
    expect((await browser.get(`${back}&x=${'x'.repeat(9_000)}`)).status).toBe(431);
    await ends(back, 200, 'done');
  });

  test('finds nothing where the states are lost or out of reach, and says what to do', async () => {
    const back = pathOf(await wayBack());
    bench.states.held.clear();
    await ends(back, 409, 'state_used');
    const again = pathOf(await wayBack());
    bench.states.take = () => Promise.reject(new PilotlightError('redis_unavailable', 'CANARY'));
    expect((await ends(again, 503, 'not_now')).body).not.toContain('CANARY');
    await expectNothingStored();
  });

  test('of a second tab: the first to end is kept, and the other says that it is done', async () => {
    const tabs = [await wayBack(), await wayBack()].map(pathOf) as [string, string];
    expect(browser.cookie).toBeDefined();
    await ends(tabs[1], 200, 'done');
    const kept = bench.document('acme').refresh_token;
    await ends(tabs[0], 200, 'already_done');
    expect(bench.document('acme').refresh_token).toBe(kept);
  });
});

test('a fault of ours is logged by its route, never by the link it happened to', async () => {
  const fail = () => Promise.reject(new Error('CANARY'));
  const { url, lines } = await serve({ routes: [{ path: '/reconsent/', below: true, handle: fail }] });
  const got = await get(url.slice(0, -1) + pathOf(link));
  expect(got.status).toBe(500);
  expect(lines.join('')).toContain('"path":"/reconsent/"');
  expect(got.body + lines.join('')).not.toMatch(new RegExp(`CANARY|${pathOf(link).split('/')[2]?.slice(0, 20)}`));
});

test('nothing answers under a name that is not ours', async () => {
  const evil = { host: 'evil.example', origin: publicUrl, 'sec-fetch-site': 'same-origin' };
  const form = formOf((await browser.get(pathOf(link))).body);
  expect((await browser.post(pathOf(link), { form }, evil)).status).toBe(421);
  expect(bench.states.held.size).toBe(0);
});
