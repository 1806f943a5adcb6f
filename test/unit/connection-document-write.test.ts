/** Writing a document back: what we do not mean to change stays byte for byte, and any retry makes the same bytes. */
import fc from 'fast-check';
import { findNodeAtLocation, type Node, parseTree } from 'jsonc-parser';
import { describe, expect, it } from 'vitest';
import {
  type ConnectionDocument,
  changeDocument,
  type DocumentChange,
  defaultFieldNames,
  type FieldNames,
  parseDocument,
} from '../../src/connection/document.ts';
import { textOf } from '../../src/connection/standing.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { documents } from '../support/document-arbitraries.ts';

const now = Date.UTC(2026, 10, 20, 8);
const at = Date.UTC(2026, 10, 20, 9, 30, 15, 250);
const own = { attempt: 'v2', from: 'v1', token: '0123456789ab', spent: ['ba9876543210'] };

function parsed(text: string, names: FieldNames = defaultFieldNames): ConnectionDocument {
  const result = parseDocument(text, names, now);
  if (!result.ok) throw new Error(`refused: ${result.reason}`);
  return result.document;
}

function change(text: string, changes: Partial<DocumentChange> = {}, names = defaultFieldNames): string {
  return changeDocument(parsed(text, names), { own: { spent: [] }, ...changes }, names);
}

/** Raw text of a top-level member's value. */
function rawOf(text: string, ...path: string[]): string | undefined {
  const json = text.replace(/^\ufeff/, '');
  const root = parseTree(json);
  const node = root === undefined ? undefined : findNodeAtLocation(root, path);
  return node === undefined ? undefined : json.slice(node.offset, node.offset + node.length);
}

describe('writing a document back', () => {
  it('changes the values it has to and nothing else', () => {
    const text =
      '{ "refresh_token":"old","note" : "keep me", "big":12345678901234567890, "e":1.50e+3,"u":"\\u00e9\\/" }';
    const changed = change(text, { refreshToken: new Secret('new') });
    expect(changed).toBe(
      '{ "refresh_token":"new","note" : "keep me", "big":12345678901234567890, "e":1.50e+3,"u":"\\u00e9\\/","pilotlight":{"spent":[]} }',
    );
  });

  it('keeps a byte order mark, CRLF, tabs and the trailing newline', () => {
    const text = '\ufeff{\r\n\t"refresh_token": "old",\r\n\t"note": {"a": [1,\t2]}\r\n}\r\n';
    expect(change(text, { refreshToken: new Secret('new'), own })).toBe(
      '\ufeff{\r\n\t"refresh_token": "new",\r\n\t"note": {"a": [1,\t2]},\r\n\t"pilotlight": {\r\n\t\t"attempt": "v2",' +
        '\r\n\t\t"from": "v1",\r\n\t\t"token": "0123456789ab",\r\n\t\t"spent": [\r\n\t\t\t"ba9876543210"\r\n\t\t]\r\n\t}\r\n}\r\n',
    );
  });

  it('lays new members out like the ones before them', () => {
    const wide = '{\n    "refresh_token" : "old"\n}';
    expect(change(wide, { tokenType: 'Bearer' })).toBe(
      '{\n    "refresh_token" : "old",\n    "token_type" : "Bearer",\n    "pilotlight" : {\n        "spent": []\n    }\n}',
    );
    const mixed = '{ "provider": "p", "meta": {"a":1,"b":[1,2]}\n}';
    expect(change(mixed)).toBe('{ "provider": "p", "meta": {"a":1,"b":[1,2]}, "pilotlight": {"spent":[]}\n}');
  });

  it.each([
    'refreshToken',
    'RefreshToken',
    'REFRESH_TOKEN',
    'refresh-token',
  ])('writes the token back under the spelling %s it was found under', (key) => {
    const changed = change(`{"${key}":"old"}`, { refreshToken: new Secret('new') });
    expect(changed).toBe(`{"${key}":"new","pilotlight":{"spent":[]}}`);
  });

  it('writes nested members where they are, and makes the objects that are missing', () => {
    const names = { ...defaultFieldNames, refreshToken: 'auth.refresh', accessToken: 'auth.access.value' };
    const changed = change(
      '{"auth":{"refresh":"old","x":1}}',
      { refreshToken: new Secret('new'), accessToken: new Secret('at') },
      names,
    );
    expect(changed).toBe('{"auth":{"refresh":"new","x":1,"access":{"value":"at"}},"pilotlight":{"spent":[]}}');
    expect(change('{"auth":{}}', { accessToken: new Secret('at') }, names)).toContain(
      '{"auth":{"access":{"value":"at"}}',
    );
    expect(change('{"auth":null}', { accessToken: new Secret('at') }, names)).toContain(
      '{"auth":{"access":{"value":"at"}}',
    );
  });

  it('never overwrites a customer’s value that stands in the way, and never fails on it after the token is spent', () => {
    const names = { ...defaultFieldNames, accessToken: 'auth.access' };
    for (const inTheWay of ['"text"', '[1]', '7', 'true']) {
      const changed = change(`{"auth":${inTheWay}}`, { accessToken: new Secret('at') }, names);
      expect(changed).toBe(`{"auth":${inTheWay},"pilotlight":{"spent":[]}}`);
    }
  });

  it.each([
    ['1763712000', String(Math.floor(at / 1_000))],
    ['1763712000.5', String(Math.floor(at / 1_000))],
    ['1763712000000', String(at)],
    ['"1763712000"', `"${Math.floor(at / 1_000)}"`],
    ['"1763712000000"', `"${at}"`],
    ['"2026-11-20T08:00:00.000Z"', '"2026-11-20T09:30:15.250Z"'],
    ['"2026-11-20T08:00:00Z"', '"2026-11-20T09:30:15Z"'],
    ['"2026-11-20T08:00:00+00:00"', '"2026-11-20T09:30:15+00:00"'],
    ['"2026-11-20T08:00:00.123456+00:00"', '"2026-11-20T09:30:15.250000+00:00"'],
    ['"2026-11-20T10:00:00+0200"', '"2026-11-20T11:30:15+0200"'],
    ['"2026-11-20 08:00:00"', '"2026-11-20 09:30:15"'],
    ['null', '"2026-11-20T09:30:15.250Z"'],
    ['"soon"', '"2026-11-20T09:30:15.250Z"'],
  ])('writes an instant in the form found: %s becomes %s', (before, after) => {
    const text = `{"expires_at":${before},"refreshed_at":${before}}`;
    const changed = change(text, { expiresAt: at, refreshedAt: at });
    expect(rawOf(changed, 'expires_at')).toBe(after);
    expect(rawOf(changed, 'refreshed_at')).toBe(after);
    const read = parsed(changed).refreshedAt ?? 0;
    expect(read).toBeLessThanOrEqual(at);
    expect(read).toBeGreaterThan(at - 1_000);
  });

  it('remembers the newest spent tokens only, and no token itself', () => {
    const spent = Array.from({ length: 12 }, (_, n) => `f${n}`);
    const changed = change('{"refresh_token":"old"}', { refreshToken: new Secret('new'), own: { spent } });
    expect(parsed(changed).own.spent).toEqual(spent.slice(-8));
    expect(changed).not.toContain('"old"');
  });

  it('gives bytes back where bytes were found', () => {
    const bytes = Buffer.from('\ufeff{"refresh_token":"ö"}', 'utf8');
    const text = textOf({ binary: bytes });
    expect(text).toBe('\ufeff{"refresh_token":"ö"}');
    expect(Buffer.from(text ?? '', 'utf8')).toEqual(bytes);
    expect(textOf({ binary: Buffer.from([0x7b, 0xff, 0x7d]) })).toBeUndefined();
  });
});

describe('for any document', () => {
  const changes: DocumentChange = {
    refreshToken: new Secret('new "quoted" \\ token'),
    accessToken: new Secret('a2'),
    tokenType: 'Bearer',
    expiresAt: at,
    refreshedAt: at,
    own: { ...own, extendedAt: at },
  };

  it('a change keeps every other member’s text byte for byte, its order, its frame, and stays a document', () => {
    fc.assert(
      fc.property(documents, ({ others, text }) => {
        const changed = changeDocument(parsed(text), changes, defaultFieldNames);
        for (const key of [...others, 'last']) expect(rawOf(changed, key)).toBe(rawOf(text, key));
        expect(changed.startsWith('\ufeff')).toBe(text.startsWith('\ufeff'));
        expect(/\s*$/.exec(changed)?.[0]).toBe(/\s*$/.exec(text)?.[0]);
        const keys = (source: string) =>
          (parseTree(source.replace(/^\ufeff/, ''))?.children ?? []).map((node: Node) => node.children?.[0]?.value);
        expect(keys(changed).slice(0, keys(text).length)).toEqual(keys(text));
        const again = parsed(changed);
        expect(again.refreshToken?.reveal()).toBe('new "quoted" \\ token');
        expect(again.own).toMatchObject({ attempt: 'v2', extendedAt: at });
      }),
      { numRuns: 300 },
    );
  });

  it('the same change made twice gives the same bytes, so that anyone’s retry does', () => {
    fc.assert(
      fc.property(documents, ({ text }) => {
        const once = changeDocument(parsed(text), changes, defaultFieldNames);
        expect(changeDocument(parsed(text), changes, defaultFieldNames)).toBe(once);
        expect(changeDocument(parsed(once), changes, defaultFieldNames)).toBe(once);
      }),
      { numRuns: 300 },
    );
  });
});
