/** Links, states, cookies and forms as pure functions: what is signed comes back, and nothing else is believed. */
import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { browserIn, cookieHeader, cookieName, formToken, isOurForm, newBrowser } from '../../src/reconsent/browser.ts';
import { consentKeys } from '../../src/reconsent/keys.ts';
import { type LinkSubject, linkToken, linkUrl, newLink, readLink } from '../../src/reconsent/link.ts';
import { makeState, readState, stateLifeMs } from '../../src/reconsent/state.ts';
import { hasCode } from '../../src/runtime/errors.ts';
import { seededRandom } from '../../src/runtime/random.ts';
import { Secret } from '../../src/runtime/secret.ts';

const now = Date.parse('2026-11-20T08:00:00Z');
const file = new Secret('PLTOKEN-key-file-0123456789abcdef0123456789');
const keys = consentKeys(file, 'production');
const random = seededRandom(3);
const subject: LinkSubject = { kind: 'reconsent', connection: 'acme/esign', version: 'v1' };
const id = fc.string({ unit: 'binary', maxLength: 200 });

describe('keys', () => {
  test('differ by purpose and by install, and are never printed', () => {
    const others = consentKeys(file, 'staging');
    const link = newLink(subject, { now, random });
    expect(readLink(linkToken(link, others), keys, now)).toEqual({ kind: 'forged' });
    expect(readLink(linkToken(link, { ...keys, link: keys.form }), keys, now)).toEqual({ kind: 'forged' });
    expect(inspect(keys, { depth: 5 })).not.toContain('PLTOKEN');
  });

  test('are not made of a short text', () => {
    const make = () => consentKeys(new Secret('too short'), 'production');
    expect(make).toThrow(expect.toSatisfy((error) => hasCode(error, 'config_invalid')));
  });
});

describe('a link', () => {
  test('says what it was made for, whatever the ids are, in characters every address can hold', () => {
    fc.assert(
      fc.property(id, id, fc.boolean(), (connection, other, connects) => {
        const about: LinkSubject = connects
          ? { kind: 'connect', connection, provider: 'docusign', environment: 'demo', client: other }
          : { kind: 'reconsent', connection, version: other };
        const link = newLink(about, { now, random });
        const token = linkToken(link, keys);
        expect(token).toMatch(/^[\w-]+\.[\w-]{43}$/);
        // What is no well-formed text is no secret's name either.
        if (connection.isWellFormed() && other.isWellFormed())
          expect(readLink(token, keys, now)).toEqual({ kind: 'valid', link });
      }),
    );
  });

  test('lives seven days unless said otherwise, to the millisecond', () => {
    const life = (lifeMs?: number) => newLink(subject, { now, random, ...(lifeMs === undefined ? {} : { lifeMs }) });
    expect(life().expiresAt - now).toBe(7 * 86_400_000);
    const token = linkToken(life(1_000), keys);
    expect(readLink(token, keys, now + 999).kind).toBe('valid');
    expect(readLink(token, keys, now + 1_000)).toMatchObject({ kind: 'expired', link: { connection: 'acme/esign' } });
  });

  test('is never made twice alike, and begins with the public address', () => {
    const made = () => linkUrl('https://connect.example/', newLink(subject, { now, random }), keys);
    expect(made()).not.toBe(made());
    expect(made()).toMatch(/^https:\/\/connect\.example\/reconsent\/[^/]+$/);
  });

  test('is not made for an id that no address could hold', () => {
    const link = newLink({ ...subject, connection: 'x'.repeat(2_000) }, { now, random });
    expect(() => linkToken(link, keys)).toThrow(expect.toSatisfy((error) => hasCode(error, 'refused')));
  });

  test('is not believed after any change of any one character', () => {
    const token = linkToken(newLink(subject, { now, random }), keys);
    for (let at = 0; at < token.length; at++) {
      const changed = `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`;
      expect(readLink(changed, keys, now)).toEqual({ kind: 'forged' });
    }
  });

  test('is not read out of any text that is none, and nothing throws', () => {
    fc.assert(fc.property(id, (text) => readLink(text, keys, now).kind === 'forged'));
  });
});

describe('a state', () => {
  const nonce = random.bytes(16).toString('base64url');
  const facts = { nonce, issuedAt: now, connection: 'acme', provider: 'docusign', browser: 'b' };
  const here = { provider: 'docusign', browser: 'b', now };
  const state = makeState(facts, keys);

  test('comes back as it was made, names nobody and is as long for every connection', () => {
    const read = readState(state, here, keys);
    if (read.kind !== 'valid') throw new Error(read.kind);
    expect([read.nonce, read.isFor('acme'), read.isFor('acmf')]).toEqual([nonce, true, false]);
    expect(makeState({ ...facts, connection: 'x'.repeat(500) }, keys)).toHaveLength(state.length);
    expect(Buffer.from(state, 'base64url').toString('latin1')).not.toContain('acme');
  });

  test.each([
    [{ ...here, now: now + stateLifeMs - 1 }, 'valid'],
    [{ ...here, now: now + stateLifeMs }, 'state_expired'],
    [{ ...here, provider: 'other' }, 'other_provider'],
    [{ ...here, browser: undefined }, 'other_browser'],
    [{ ...here, browser: 'c' }, 'other_browser'],
  ])('is judged against where it came back: %j', (where, kind) => {
    expect(readState(state, where, keys).kind).toBe(kind);
  });

  test('is not believed after any change, cut or lengthening', () => {
    for (let at = 0; at < state.length; at++) {
      const changed = `${state.slice(0, at)}${state[at] === 'A' ? 'B' : 'A'}${state.slice(at + 1)}`;
      expect(readState(changed, here, keys).kind).toBe('state_forged');
      expect(readState(state.slice(0, at), here, keys).kind).toBe('state_forged');
    }
    expect(readState(`${state}A`, here, keys).kind).toBe('state_forged');
    expect(readState(makeState(facts, { ...keys, state: keys.link }), here, keys).kind).toBe('state_forged');
  });
});

describe('a browser', () => {
  const browser = newBrowser(random);
  const url = 'https://connect.example';

  test('is known again by its cookie among others, and by no other', () => {
    const set = cookieHeader(url, browser).split(';')[0] ?? '';
    expect(browserIn(`a=1; ${set}; b=2`, url)).toBe(browser);
    expect(browserIn(`x${set}`, url)).toBeUndefined();
    expect(browserIn(undefined, url)).toBeUndefined();
    expect(browserIn(`${cookieName(url)}=${browser}x`, url)).toBeUndefined();
    expect(browserIn(`${cookieName(url)}="><script>`, url)).toBeUndefined();
  });

  test('gets a cookie that is secure except on loopback, where none could be', () => {
    expect(cookieHeader(url, browser)).toMatch(/^__Host-.*; Path=\/; .*HttpOnly; SameSite=Lax; Secure$/);
    expect(cookieHeader('http://localhost:8080', browser)).toMatch(/^pilotlight-browser=.*SameSite=Lax$/);
  });

  test('sends a form that is ours only with its own token for this very link', () => {
    const token = formToken(keys, 'link', browser);
    const sent = { token, origin: url, fetchSite: 'same-origin', browser };
    expect(isOurForm(keys, url, 'link', sent)).toBe(true);
    expect(isOurForm(keys, `${url}/base/`, 'link', { ...sent, fetchSite: undefined })).toBe(true);
    expect(isOurForm(keys, url, 'link', { ...sent, origin: undefined })).toBe(true);
    for (const wrong of [
      { ...sent, origin: undefined, fetchSite: undefined },
      { ...sent, origin: 'https://connect.example.evil' },
      { ...sent, fetchSite: 'none' },
      { ...sent, browser: newBrowser(random) },
      { ...sent, browser: undefined },
      { ...sent, token: undefined },
    ])
      expect(isOurForm(keys, url, 'link', wrong)).toBe(false);
    expect(isOurForm(keys, url, 'other', sent)).toBe(false);
  });
});
