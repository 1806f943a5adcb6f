/** Reading a secret's document: what is refused and why, and what is taken from the rest (bad-input rows 70 to 77 and 93). */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ConnectionDocument,
  defaultFieldNames,
  type FieldNames,
  isPlaceholder,
  parseDocument,
} from '../../src/connection/document.ts';

const now = Date.UTC(2026, 10, 20, 8);

function parsed(text: string, names: FieldNames = defaultFieldNames): ConnectionDocument {
  const result = parseDocument(text, names, now);
  if (!result.ok) throw new Error(`refused: ${result.reason}`);
  return result.document;
}

function reasonOf(text: string, names: FieldNames = defaultFieldNames): string {
  const result = parseDocument(text, names, now);
  return result.ok ? 'accepted' : result.reason;
}

describe('a secret that is no document', () => {
  it.each([
    ['', 'content_not_json'],
    ['   ', 'content_not_json'],
    ['refresh_token=abc', 'content_not_json'],
    ['{"refresh_token": "abc"', 'content_not_json'],
    ["{'refresh_token': 'abc'}", 'content_not_json'],
    ['{"a":1,}', 'content_not_json'],
    ['{"a":1} // kept by ops', 'content_not_json'],
    ['{"a":1}\0', 'content_not_json'],
    ['\ufeff\ufeff{}', 'content_not_json'],
    ['"a string"', 'content_not_object'],
    ['["refresh_token"]', 'content_not_object'],
    ['null', 'content_not_object'],
    ['12', 'content_not_object'],
  ])('is refused for what it is: %j', (text, reason) => {
    expect(reasonOf(text)).toBe(reason);
  });

  it('is refused where it nests deeper than any reader should follow, and at no cost', () => {
    const deep = `{"a":${'['.repeat(30_000)}${']'.repeat(30_000)}}`;
    expect(reasonOf(deep)).toBe('content_not_json');
    expect(reasonOf(`{"a":${'['.repeat(63)}${']'.repeat(63)}}`)).toBe('accepted');
    expect(reasonOf(`{"a":${'['.repeat(64)}${']'.repeat(64)}}`)).toBe('content_not_json');
  });

  it('does not take brackets inside text for nesting', () => {
    expect(reasonOf(JSON.stringify({ note: '[{"'.repeat(500) }))).toBe('accepted');
  });

  it.each([
    ['{"a":1,"a":1}', 'duplicate_key'],
    ['{"refresh_token":"x","refresh_\\u0074oken":"y"}', 'duplicate_key'],
    ['{"nested":{"b":[{"c":1,"c":2}]}}', 'duplicate_key'],
    ['{"__proto__":{"refresh_token":"x"}}', 'forbidden_key'],
    ['{"nested":[{"__pr\\u006fto__":1}]}', 'forbidden_key'],
  ])('is refused where readers could disagree about it: %s', (text, reason) => {
    expect(reasonOf(text)).toBe(reason);
  });

  it('is refused where two members could be meant and neither has the name', () => {
    expect(reasonOf('{"refreshToken":"old","RefreshToken":"new"}')).toBe('duplicate_key');
    expect(reasonOf('{"refreshToken":"old","refresh_token":"new"}')).toBe('accepted');
  });

  it('is refused where the place of our own notes is taken by something of the customer', () => {
    expect(reasonOf('{"pilotlight":"yes"}')).toBe('forbidden_key');
    expect(reasonOf('{"pilotlight":null}')).toBe('accepted');
    expect(reasonOf('{"meta":"text"}', { ...defaultFieldNames, own: 'meta.pilotlight' })).toBe('forbidden_key');
  });

  it('never throws, whatever bytes a secret holds, and never quotes them', () => {
    const texts = fc.oneof(fc.string({ unit: 'binary' }), fc.json(), fc.json({ noUnicodeString: false }));
    fc.assert(
      fc.property(texts, (text) => {
        const result = parseDocument(text, defaultFieldNames, now);
        expect(result.ok || /^[a-z_]+$/.test(result.reason)).toBe(true);
      }),
    );
  });
});

describe('reading a document', () => {
  it('takes members of the wrong type as missing', () => {
    const document = parsed(
      '{"provider":1,"client":null,"refresh_token":12345678901234567890,"scope":["a"],"expires_at":{}}',
    );
    expect(document).toMatchObject({ provider: '', client: '', environment: '' });
    expect(document.refreshToken).toBeUndefined();
    expect(document.scope).toBeUndefined();
    expect(document.expiresAt).toBeUndefined();
  });

  it.each([
    '',
    '  ',
    '\t\n',
    'changeme',
    'CHANGE_ME',
    'change-me',
    '<token>',
    '<your refresh token>',
    '{{refresh_token}}',
    '$'.concat('{REFRESH_TOKEN}'),
    'xxx',
    'XXXXXXXX',
    '...',
    '****',
    'TODO',
    'tbd',
    'null',
    'undefined',
    'None',
    'your_refresh_token',
    'your refresh token here',
    'replace-me',
    '[redacted]',
    'placeholder',
    'refresh_token',
  ])('takes the placeholder %j for no token, because posting it would count as a failed authentication', (token) => {
    expect(isPlaceholder(token)).toBe(true);
    expect(parsed(JSON.stringify({ refresh_token: token })).refreshToken).toBeUndefined();
  });

  it.each([
    '3AAABLblqZhB9BF*',
    'eyJ0eXAiOiJNVCJ9.x.y',
    'none-such',
    'xxabc',
    'a',
    ' padded ',
  ])('takes %j for a token, verbatim', (token) => {
    expect(parsed(JSON.stringify({ refresh_token: token })).refreshToken?.reveal()).toBe(token);
  });

  it('finds members in another spelling and in nested objects', () => {
    const names = { ...defaultFieldNames, refreshToken: 'oauth.tokens.refresh_token', client: 'oauth.client' };
    const document = parsed('{"OAuth":{"Tokens":{"refreshToken":"r"},"CLIENT":"c"},"Provider":"p"}', names);
    expect(document.refreshToken?.reveal()).toBe('r');
    expect(document).toMatchObject({ client: 'c', provider: 'p' });
  });

  it('reads its own notes, and passes over what is none', () => {
    const text = JSON.stringify({
      pilotlight: {
        attempt: 'a',
        from: 1,
        token: 't',
        spent: ['x', 2, null, 'y'],
        extended_at: '2026-11-01T00:00:00.000Z',
        foreign_at: 'never',
        first_seen_at: '2026-01-01T00:00:00.000Z',
      },
    });
    expect(parsed(text).own).toEqual({
      attempt: 'a',
      token: 't',
      spent: ['x', 'y'],
      extendedAt: Date.UTC(2026, 10, 1),
      firstSeenAt: Date.UTC(2026, 0, 1),
    });
    expect(parsed('{"pilotlight":{"spent":{"x":"y"}}}').own).toEqual({ spent: [] });
  });

  it('believes no instant from the future and none before OAuth', () => {
    const read = (value: unknown) => parsed(JSON.stringify({ consented_at: value })).consentedAt;
    expect(read('2026-11-19T08:00:00Z')).toBe(now - 86_400_000);
    expect(read('9999-12-31T23:59:59Z')).toBeUndefined();
    expect(read(253_402_300_799)).toBeUndefined();
    expect(read('1999-01-01T00:00:00Z')).toBeUndefined();
    expect(parsed(JSON.stringify({ expires_at: '2020-01-01T00:00:00Z' })).expiresAt).toBe(Date.UTC(2020, 0, 1));
    expect(parsed('{"expires_at":1e999}').expiresAt).toBeUndefined();
  });

  it('prints no token, whatever prints it', () => {
    const document = parsed('{"refresh_token":"canary-4711"}');
    expect(`${JSON.stringify(document)} ${document.refreshToken}`).not.toContain('canary');
  });
});
