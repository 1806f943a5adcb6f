/** 2xx answers nobody understands: sealed and frozen, never a refusal of the token. */
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { check, good, goodJson, next, rawAnswer, read, renewed, success } from '../support/provider-files.ts';

describe('2xx answers that are not understood', () => {
  const held = (why: string, salvageable: boolean) => ({ kind: 'notUnderstood', status: 200, why, salvageable });
  check([
    [
      '7: a numeric refresh token, which a parser would round',
      rawAnswer(200, '{"access_token":"a","refresh_token":12345678901234567890}'),
      held('refresh_token_not_text', true),
    ],
    ['8: an object for a refresh token', success({ refresh_token: { v: 1 } }), held('refresh_token_not_text', false)],
    ['8: a list for a refresh token', success({ refresh_token: [next] }), held('refresh_token_not_text', false)],
    ['8: true for a refresh token', success({ refresh_token: true }), held('refresh_token_not_text', false)],
    [
      '9: a refresh token of more than 8 KB',
      success({ refresh_token: 'x'.repeat(8_193) }),
      held('refresh_token_too_long', true),
    ],
    [
      '10: a NUL in the refresh token',
      success({ refresh_token: 'ab\u0000cd' }),
      held('refresh_token_characters', false),
    ],
    [
      '10: a lone surrogate in the refresh token',
      rawAnswer(200, '{"access_token":"a","refresh_token":"ab\\ud800cd"}'),
      held('refresh_token_characters', false),
    ],
    [
      '10: a letter outside ASCII in the refresh token',
      success({ refresh_token: 'tökén' }),
      held('refresh_token_characters', false),
    ],
    ['18: NaN, which is no JSON', rawAnswer(200, goodJson.replace('28800', 'NaN')), held('not_json', true)],
    ['27: a trailing comma', rawAnswer(200, goodJson.replace('}', ',}')), held('not_json', true)],
    ['27: a comment', rawAnswer(200, `/* hello */${goodJson}`), held('not_json', true)],
    ['30: two documents', rawAnswer(200, goodJson + goodJson), held('not_json', true)],
    [
      '30: two documents with different tokens',
      rawAnswer(200, goodJson + goodJson.replace(next, 'PLTOKEN-third-0123456789')),
      held('not_json', true),
    ],
    ['30: garbage behind the document', rawAnswer(200, `${goodJson}x`), held('not_json', true)],
    [
      '31: two different refresh tokens under one name',
      rawAnswer(200, `{"refresh_token":"one-token-1234",${goodJson.slice(1)}`),
      held('refresh_token_ambiguous', true),
    ],
    ['34: UTF-16', rawAnswer(200, Buffer.from(`\ufeff${goodJson}`, 'utf16le')), held('not_utf8', false)],
    [
      '34: a byte that is no UTF-8',
      rawAnswer(
        200,
        Buffer.concat([
          Buffer.from('{"access_token":"a","refresh_token":"ab'),
          Buffer.from([0xff]),
          Buffer.from('cd"}'),
        ]),
      ),
      held('not_utf8', false),
    ],
    ['37: a bare JWT', rawAnswer(200, 'eyJhbGciOiJub25lIn0.eyJhIjoxfQ.'), held('jwt', false)],
    ['37: XML', rawAnswer(200, '<?xml version="1.0"?><token>a</token>'), held('xml', false)],
    [
      '38: a body of megabytes with the token in front',
      rawAnswer(200, `${goodJson.slice(0, -1)},"x":"${'x'.repeat(900_000)}"}`),
      held('too_large', true),
    ],
    ['38: a body cut at the size limit', rawAnswer(200, 'x'.repeat(1_048_576), {}, false), held('too_large', false)],
    [
      '39: a gzip bomb',
      rawAnswer(200, gzipSync(Buffer.alloc(30_000_000)), { 'content-encoding': 'gzip' }),
      held('too_large', false),
    ],
    [
      '39: a coding nobody knows',
      rawAnswer(200, good, { 'content-encoding': 'pack200' }),
      held('encoding_unknown', true),
    ],
    [
      '39: three layers of compression',
      rawAnswer(200, good, { 'content-encoding': 'gzip, gzip, gzip' }),
      held('encoding_unknown', true),
    ],
    ['40: nesting without end and no token in it', rawAnswer(200, '['.repeat(30_000)), held('json_too_deep', false)],
    ['an empty object', rawAnswer(200, {}), held('no_token', false)],
    ['a list', rawAnswer(200, []), held('not_an_object', false)],
    ['plain words', rawAnswer(200, 'OK'), held('not_json', false)],
    [
      'an access token that is no text, and nothing else',
      rawAnswer(200, { access_token: 5 }),
      held('access_token_unusable', false),
    ],
    [
      'a page with a refresh token in it',
      rawAnswer(200, `<html><script>var a = ${goodJson}</script></html>`),
      held('html', true),
    ],
    [
      'a redirect with a new refresh token in its body',
      rawAnswer(302, good),
      { kind: 'notUnderstood', status: 302, why: 'token_in_refusal' },
    ],
    [
      'a failing server with a new refresh token in its body',
      rawAnswer(500, good),
      { kind: 'notUnderstood', status: 500, why: 'token_in_refusal' },
    ],
  ]);

  test('31: the same refresh token twice is one', () => {
    expect(read(rawAnswer(200, `{"refresh_token":"${next}",${goodJson.slice(1)}`))).toMatchObject({
      ...renewed,
      oddities: [],
    });
  });

  test('40: a refresh token in front of endless nesting is taken', () => {
    const body = `${goodJson.slice(0, -1)},"x":${'['.repeat(20_000)}${']'.repeat(20_000)}}`;
    expect(read(rawAnswer(200, body))).toMatchObject({
      ...renewed,
      oddities: ['content_type_unusual', 'salvaged'].slice(1),
    });
  });
});
