/** The operator's login: one token, a cookie nobody can make or lengthen, few tries, and no secret in anything it says. */
import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hasCode } from '../../src/runtime/errors.ts';
import { seededRandom } from '../../src/runtime/random.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { createLogin, type LoginOptions, pathWithin } from '../../src/web/login.ts';
import { loginRoutes } from '../../src/web/login-routes.ts';
import { guardRoutes, loginPage } from '../../src/web/login-view.ts';
import { ask, fakeOperator, hostile } from '../browser/fake-operator.ts';
import { fakeNow } from '../browser/fake-status.ts';

const right = 'correct-horse-battery-staple';
const hourMs = 3_600_000;

function loggingIn(over: Partial<LoginOptions> = {}) {
  const time = { now: fakeNow, monotonic: 5_000 };
  const login = createLogin({
    token: new Secret(right),
    clock: { now: () => time.now, monotonic: () => time.monotonic },
    random: seededRandom(7),
    secure: true,
    ...over,
  });
  return { login, time };
}

/** What a browser sends back of a Set-Cookie. */
function cookieOf(entered: ReturnType<ReturnType<typeof createLogin>['enter']>): string {
  if (entered.kind !== 'entered') throw new Error('not entered');
  return entered.setCookie.split(';')[0] ?? '';
}

describe('createLogin', () => {
  it('opens a session for the token and keeps it to its end, not a millisecond longer', () => {
    const { login, time } = loggingIn();
    const cookie = cookieOf(login.enter(` ${right}\n`));
    expect(login.check(`theme=dark; ${cookie}; other=1`)).toBe(true);
    time.now += 12 * hourMs - 1;
    expect(login.check(cookie)).toBe(true);
    time.now += 1;
    expect(login.check(cookie)).toBe(false);
  });

  it('sets a cookie no script reads, that goes over HTTPS to this host alone', () => {
    const entered = loggingIn().login.enter(right);
    expect(entered).toMatchObject({
      setCookie: expect.stringMatching(
        /^__Host-pilotlight=\d+\.[\w-]{43}; Max-Age=43200; Path=\/; HttpOnly; SameSite=Lax; Secure$/,
      ),
    });
    const plain = loggingIn({ secure: false }).login;
    expect(cookieOf(plain.enter(right))).toMatch(/^pilotlight=/);
    expect(plain.leave()).toBe('pilotlight=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax');
  });

  it.each([
    undefined,
    '',
    'pilotlight=1',
    '__Host-pilotlight=',
    '__Host-pilotlight=..',
    `__Host-pilotlight=${right}`,
    `__Host-pilotlight=${fakeNow + 1_000}.${'A'.repeat(43)}`,
    `__Host-pilotlight=${'9'.repeat(400)}.${'A'.repeat(43)}`,
    `x=1${'; __Host-pilotlight=1.2'.repeat(500)}`,
  ])('takes nothing for a session that is none: %s', (header) => {
    expect(loggingIn().login.check(header)).toBe(false);
  });

  it('takes no cookie with anything changed in it', () => {
    const { login } = loggingIn();
    const cookie = cookieOf(login.enter(right));
    const start = cookie.indexOf('=') + 1;
    // The last character of 43 carries bits that decode to nothing; even those must match.
    for (let i = start; i < cookie.length; i += 1) {
      for (const other of ['0', 'A', '_', '9']) {
        if (cookie[i] === other) continue;
        expect(login.check(`${cookie.slice(0, i)}${other}${cookie.slice(i + 1)}`), `${i} ${other}`).toBe(false);
      }
    }
    expect(login.check(cookie)).toBe(true);
  });

  it('ends every session with another token or another key, and shares them with the same', () => {
    const key = new Secret('key of the install');
    const cookie = cookieOf(loggingIn({ key }).login.enter(right));
    expect(loggingIn({ key, random: seededRandom(8) }).login.check(cookie)).toBe(true);
    expect(loggingIn({ key: new Secret('another key') }).login.check(cookie)).toBe(false);
    expect(loggingIn({ key, token: new Secret(`${right}2`) }).login.check(cookie)).toBe(false);
    expect(loggingIn().login.check(cookie)).toBe(false);
  });

  it('takes no session given under a calendar that was turned back since', () => {
    const { login, time } = loggingIn();
    const cookie = cookieOf(login.enter(right));
    time.now -= 1;
    expect(login.check(cookie)).toBe(false);
  });

  it('compares ten wrong tries a minute; then not even the right token, until the first of them is a minute old', () => {
    const { login, time } = loggingIn();
    const session = cookieOf(login.enter(right));
    for (let i = 0; i < 10; i += 1) {
      time.monotonic += 1_000;
      expect(login.enter(`wrong ${i}`)).toEqual({ kind: 'refused', why: 'wrong' });
    }
    expect(login.enter(right)).toEqual({ kind: 'refused', why: 'tooMany', retryAfterMs: 51_000 });
    expect(login.check(session)).toBe(true);
    // Being refused unread does not lengthen the wait.
    time.monotonic += 51_000;
    expect(login.enter(right).kind).toBe('entered');
  });

  it('does not count what was right', () => {
    const { login } = loggingIn();
    for (let i = 0; i < 50; i += 1) expect(login.enter(right).kind).toBe('entered');
  });

  it('refuses everything but the token', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
        expect(loggingIn().login.enter(text)).toEqual({ kind: 'refused', why: 'wrong' });
      }),
      { numRuns: 50 },
    );
    for (const text of ['', right.slice(1), `${right}x`, right.toUpperCase(), right.padEnd(2_000)])
      expect(loggingIn().login.enter(text).kind).toBe('refused');
  });

  it('refuses a token that can be guessed, without quoting it', () => {
    let thrown: unknown;
    try {
      loggingIn({ token: new Secret('short-CANARY   ') });
    } catch (error) {
      thrown = error;
    }
    expect(hasCode(thrown, 'config_invalid')).toBe(true);
    expect(inspect(thrown)).not.toContain('CANARY');
  });

  it('has the token in nothing it gives or is', () => {
    const { login } = loggingIn();
    expect(inspect([login, login.enter(right), login.enter('wrong'), login.leave()], { depth: 9 })).not.toContain(
      right,
    );
  });
});

describe('pathWithin', () => {
  it.each([
    ['/incidents', '/incidents'],
    ['/connection?id=a%2Fb', '/connection?id=a%2Fb'],
    ['/../..//x', '/'],
    ['//evil.example', '/'],
    ['/\\evil.example', '/'],
    ['/\t/evil.example/x', '/'],
    ['/.//evil.example', '/'],
    ['https://evil.example/', '/'],
    ['javascript:alert(1)', '/'],
    ['', '/'],
    [null, '/'],
    [`/${'x'.repeat(3_000)}`, '/'],
  ])('leads from %j to %s', (next, to) => {
    expect(pathWithin(next)).toBe(to);
  });

  it('never leads to another host', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('/', '\\', '.', '\t', '\n', '@', ':', 'e', '?', '#', '%2f')), (parts) => {
        const to = pathWithin(parts.join(''));
        expect(new URL(to, 'https://pilotlight.internal/').host).toBe('pilotlight.internal');
      }),
    );
  });
});

describe('loginPage', () => {
  it('asks for the token in a labelled password field, and posts to itself', () => {
    const page = loginPage({ environment: 'production', next: '/incidents', hidden: { form: 'abc' } });
    expect(page).toContain('<form class="login" method="post" action="/login">');
    expect(page).toMatch(/<label>Access token<input type="password" name="token" required/);
    expect(page).toContain('<input type="hidden" name="form" value="abc">');
    expect(page).toContain('<input type="hidden" name="next" value="/incidents">');
    expect(page).not.toMatch(/role="alert"|http-equiv="refresh"|<script|aria-label="Main"/);
  });

  it('says what was wrong, or how long to wait, and shows nothing of what was typed', () => {
    const wrong = loginPage({ environment: 'e', refused: { kind: 'refused', why: 'wrong' } });
    expect(wrong).toMatch(/role="alert">That is not the token\./);
    expect(wrong).toContain('aria-describedby="problem"');
    expect(
      loginPage({ environment: 'e', refused: { kind: 'refused', why: 'tooMany', retryAfterMs: 51_000 } }),
    ).toContain('Try again in 51 seconds.');
  });

  it('escapes what it is given', () => {
    const page = loginPage({
      environment: hostile.markup,
      next: `/x"${hostile.markup}`,
      hidden: { [hostile.attribute]: hostile.markup },
    });
    expect(page).not.toMatch(/<script|<img/);
  });
});

describe('signing out', () => {
  it.each([
    '/',
    '/connection?id=customers/acme',
    '/providers',
    '/incidents',
  ])('is offered by a form on %s where there is a login, and nowhere else', async (place) => {
    const form = '<form class="out" method="post" action="/logout">';
    expect((await ask(fakeOperator({ signedIn: true }).routes, place)).body).toContain(form);
    expect((await ask(fakeOperator().routes, place)).body).not.toContain(form);
  });
});

describe('guardRoutes', () => {
  const { routes } = fakeOperator();

  it('sends who is not signed in to the login and back to what was asked for', async () => {
    const guarded = guardRoutes(routes, () => false);
    const answer = await ask(guarded, '/connection?id=customers/acme');
    expect(answer).toMatchObject({
      status: 303,
      headers: { location: '/login?next=%2Fconnection%3Fid%3Dcustomers%252Facme' },
    });
    const next = new URL(answer.headers?.location ?? '', 'http://localhost').searchParams.get('next');
    expect(pathWithin(next)).toBe('/connection?id=customers%2Facme');
  });

  it('shows nothing of any page, and refuses programs instead of sending them on', async () => {
    const guarded = guardRoutes(routes, () => false);
    for (const { path } of routes.filter(({ path }) => path !== '/style.css' && path !== '/favicon.svg')) {
      const { status, body } = await ask(guarded, path);
      expect(status).toBe(path === '/status.json' ? 401 : 303);
      expect(body).not.toMatch(/customers|docusign|production/);
    }
  });

  it('leaves the sheet and the icon to everybody, and everything to who is signed in', async () => {
    expect(
      (
        await ask(
          guardRoutes(routes, () => false),
          '/style.css',
        )
      ).status,
    ).toBe(200);
    const guarded = guardRoutes(routes, ({ path }) => path === '/incidents');
    expect((await ask(guarded, '/incidents')).status).toBe(200);
  });
});

describe('loginRoutes', () => {
  function signingIn() {
    const refusals: string[] = [];
    const { login, time } = loggingIn();
    const routes = loginRoutes({ login, environment: 'production', onRefused: (why) => refusals.push(why) });
    const post = (form: Record<string, string>, over: object = {}) =>
      ask(routes, '/login', { method: 'POST', form: new URLSearchParams(form), ...over });
    return { login, time, routes, refusals, post };
  }

  it('gives the session for the token and leads back to what was asked for, which then needs no login', async () => {
    const { login, routes, post, refusals } = signingIn();
    const answer = await post({ token: right, next: '/incidents' }, { fetchSite: 'same-origin' });
    expect(answer).toMatchObject({ status: 303, headers: { location: '/incidents' } });
    const cookies = answer.headers?.['set-cookie']?.split(';')[0];
    expect(login.check(cookies)).toBe(true);
    expect(
      await ask(routes, '/login?next=/providers', { ...(cookies === undefined ? {} : { cookies }) }),
    ).toMatchObject({
      status: 303,
      headers: { location: '/providers' },
    });
    expect(refusals).toEqual([]);
  });

  it('never leads to another host, whatever the form says', async () => {
    for (const next of ['//evil.example', 'https://evil.example/', '/\\evil.example'])
      expect(await signingIn().post({ token: right, next })).toMatchObject({ headers: { location: '/' } });
  });

  it('shows the form again for a wrong token, with nothing of it and without a cookie', async () => {
    const { post, refusals } = signingIn();
    const answer = await post({ token: 'CANARY-typed', next: '/incidents' });
    expect(answer.status).toBe(403);
    expect(answer.headers).toBeUndefined();
    expect(answer.body).toContain('That is not the token.');
    expect(answer.body).toContain('value="/incidents"');
    expect(answer.body + refusals.join()).not.toContain('CANARY');
    expect(refusals).toEqual(['wrong']);
  });

  it('says when to try again once there were too many', async () => {
    const { post, refusals } = signingIn();
    for (let i = 0; i < 10; i += 1) await post({ token: 'wrong' });
    expect(await post({ token: right })).toMatchObject({ status: 429, headers: { 'retry-after': '60' } });
    expect(refusals.at(-1)).toBe('tooMany');
  });

  it('lets no other site use up the tries, or end a session', async () => {
    const { post, routes, refusals } = signingIn();
    for (const fetchSite of ['cross-site', 'same-site', 'none'])
      for (let i = 0; i < 10; i += 1) expect((await post({ token: 'wrong' }, { fetchSite })).status).toBe(403);
    expect(new Set(refusals)).toEqual(new Set(['foreign']));
    expect((await post({ token: right })).status).toBe(303);
    const kept = await ask(routes, '/logout', { method: 'POST', fetchSite: 'cross-site' });
    expect(kept.headers).toEqual({ location: '/' });
    expect((await ask(routes, '/logout')).headers).toEqual({ location: '/' });
  });

  it('ends the session in this browser', async () => {
    const answer = await ask(signingIn().routes, '/logout', { method: 'POST', fetchSite: 'same-origin' });
    expect(answer).toMatchObject({
      status: 303,
      headers: { location: '/login', 'set-cookie': expect.stringContaining('Max-Age=0') },
    });
  });
});
