/** Successes, plain and odd: the refresh token is taken, and what was odd is told. */
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { readAnswer } from '../../src/oauth/answer.ts';
import { Secret } from '../../src/runtime/secret.ts';
import {
  check,
  good,
  goodJson,
  keptOld,
  next,
  providerFile,
  rawAnswer,
  read,
  renewed,
  sentToken,
  success,
} from '../support/provider-files.ts';

describe('successes', () => {
  check([
    [
      '1: a valid answer with a new refresh token',
      rawAnswer(200, good),
      { ...renewed, oddities: [], accessTokenLifeMs: 28_800_000, tokenType: 'Bearer' },
    ],
    [
      '2: no refresh token from Adobe is its normal answer',
      success({ refresh_token: undefined }),
      { ...keptOld, oddities: [] },
      'adobe-acrobat-sign',
    ],
    [
      '2: no refresh token from DocuSign keeps the old one and is told',
      success({ refresh_token: undefined }),
      { ...keptOld, oddities: ['refresh_token_missing'] },
    ],
    [
      '3: a null refresh token keeps the old one',
      success({ refresh_token: null }),
      { ...keptOld, oddities: ['refresh_token_missing'] },
    ],
    [
      '4: an empty refresh token keeps the old one and is told',
      success({ refresh_token: '' }),
      { ...keptOld, oddities: ['refresh_token_empty'] },
    ],
    [
      '4: a blank refresh token keeps the old one and is told',
      success({ refresh_token: ' \n ' }),
      { ...keptOld, oddities: ['refresh_token_empty'] },
    ],
    [
      '5: the refresh token that was sent is no new one',
      success({ refresh_token: sentToken }),
      { ...keptOld, oddities: ['refresh_token_same'] },
    ],
    [
      '6: spaces around a refresh token are kept verbatim and told',
      success({ refresh_token: ` ${next}\n` }),
      { kind: 'granted', refreshToken: ` ${next}\n`, oddities: ['refresh_token_padded'] },
    ],
    [
      '13: a refresh token without access token is kept',
      rawAnswer(200, { refresh_token: next }),
      { kind: 'granted', refreshToken: next, accessToken: undefined, oddities: ['access_token_missing'] },
    ],
    [
      '13: an access token that is no text does not cost the refresh token',
      success({ access_token: 5 }),
      { refreshToken: next, oddities: ['access_token_missing'] },
    ],
    ['14: a missing token type is fine', success({ token_type: undefined }), { ...renewed, oddities: [] }],
    ['14: the token type is compared without case', success({ token_type: 'bearer' }), { ...renewed, oddities: [] }],
    [
      '14: the token type mac is told',
      success({ token_type: 'mac' }),
      { ...renewed, oddities: ['token_type_unusual'] },
    ],
    [
      '15: expires_in as decimal text counts',
      success({ expires_in: '3600' }),
      { accessTokenLifeMs: 3_600_000, oddities: [] },
    ],
    [
      '16: a negative expires_in gives way to the usual life',
      success({ expires_in: -1 }),
      { accessTokenLifeMs: 28_800_000, oddities: ['expires_in_unusable'] },
    ],
    [
      '16: an expires_in of 0 gives way to the usual life',
      success({ expires_in: 0 }),
      { accessTokenLifeMs: 28_800_000, oddities: ['expires_in_unusable'] },
    ],
    [
      '16: a word in expires_in gives way to the usual life',
      success({ expires_in: 'soon' }),
      { accessTokenLifeMs: 28_800_000, oddities: ['expires_in_unusable'] },
    ],
    [
      '17: an infinite expires_in is clamped',
      rawAnswer(200, goodJson.replace('28800', '1e999')),
      { ...renewed, accessTokenLifeMs: 86_400_000, oddities: ['expires_in_unusable'] },
    ],
    [
      '17: an expires_in of 1e15 is clamped',
      rawAnswer(200, goodJson.replace('28800', '1e15')),
      { accessTokenLifeMs: 86_400_000, oddities: ['expires_in_unusable'] },
    ],
    [
      '17: an expires_in in epoch milliseconds is clamped',
      success({ expires_in: '1596346168704' }),
      { accessTokenLifeMs: 86_400_000, oddities: ['expires_in_unusable'] },
    ],
    [
      '20: a new access point on the allow-list is handed on',
      success({ 'api_access_point ': ' https://api.eu1.adobesign.com/' }),
      { apiAccessPoint: 'https://api.eu1.adobesign.com/', oddities: [] },
      'adobe-acrobat-sign',
    ],
    [
      '24: a wrapped success is unwrapped',
      rawAnswer(200, { code: 0, message: 'ok', data: good }),
      renewed,
      'esignglobal',
    ],
    ['24: a flat success of the same provider is read as well', rawAnswer(200, good), renewed, 'esignglobal'],
    [
      '32: names like __proto__ are names and nothing else',
      rawAnswer(200, `{"__proto__":{"refresh_token":"evil"},"constructor":1,${goodJson.slice(1)}`),
      { ...renewed, oddities: [] },
    ],
    ['33: a byte order mark is let pass', rawAnswer(200, `\ufeff${goodJson}`), { ...renewed, oddities: [] }],
    [
      '35: JSON called HTML is read and told',
      rawAnswer(200, goodJson, { 'content-type': 'text/html' }),
      { ...renewed, oddities: ['content_type_unusual'] },
    ],
    [
      '36: a form-encoded answer is read and told',
      rawAnswer(200, new URLSearchParams({ ...good, expires_in: '60' }).toString()),
      { ...renewed, accessTokenLifeMs: 60_000, oddities: ['form_encoded'] },
    ],
    [
      '39: a compressed answer is read although none was asked for',
      rawAnswer(200, gzipSync(goodJson), { 'content-encoding': 'gzip' }),
      renewed,
    ],
    ['39: a compressed answer without its header is read', rawAnswer(200, gzipSync(goodJson)), renewed],
    [
      '39: an answer that only claims to be compressed is read',
      rawAnswer(200, goodJson, { 'content-encoding': 'gzip' }),
      renewed,
    ],
    [
      '67: a clock off by more than five minutes is told',
      rawAnswer(200, good, { date: 'Fri, 20 Nov 2026 08:06:00 GMT' }),
      { ...renewed, oddities: ['clock_skew'] },
    ],
    [
      '67: a clock off by less is not',
      rawAnswer(200, good, { date: 'Fri, 20 Nov 2026 08:04:00 GMT' }),
      { ...renewed, oddities: [] },
    ],
    [
      'a token beside an error counts, and the error is told',
      success({ error: 'warning_of_some_kind' }),
      { ...renewed, oddities: ['error_in_success'] },
    ],
    [
      'a status member of a success is no error',
      success({ status: 'approved', code: 0, error: null }),
      { ...renewed, oddities: [] },
    ],
    [
      'the remaining life of the refresh token is handed on',
      success({ refresh_token_expires_in: 2_592_000 }),
      { refreshTokenLifeMs: 2_592_000_000 },
      'oauth2',
    ],
    ['any 2xx with tokens is a success', rawAnswer(201, good), renewed],
  ]);

  test('19: a narrowed scope is told where the provider reports scopes', () => {
    const answer = success({ scope: 'sign' });
    expect(read(answer, 'oauth2', 'sign send')).toMatchObject({ scope: 'sign', oddities: ['scope_changed'] });
    expect(read(answer, 'oauth2', 'sign')).toMatchObject({ scope: 'sign', oddities: [] });
    expect(read(answer, 'oauth2')).toMatchObject({ oddities: [] });
  });

  test('DocuSign reporting less scope than the consent had changes nothing', () => {
    const answer = read(success({ scope: 'signature' }), 'docusign', 'signature extended');
    expect(answer).toMatchObject({ oddities: [] });
    expect(answer).not.toHaveProperty('scope');
  });

  test.each([
    'http://api.na1.adobesign.com/',
    'https://api.na1.adobesign.com:8443/',
    'https://api.na1.adobesign.com@evil.example/',
    'https://api.na1.adobesign.com.evil.example/',
    'https://api.na1.adobesign.com./',
    'https://evil-adobesign.com/',
    'https://127.0.0.1/',
    'https://api.na1.adobesign.com\\@evil.example/',
    'javascript:alert(1)',
    '',
  ])('21: the access point %j is refused and the token kept', (point) => {
    const answer = read(success({ api_access_point: point }), 'adobe-acrobat-sign');
    expect(answer).toMatchObject({ refreshToken: next, oddities: ['access_point_refused'] });
    expect(answer).not.toHaveProperty('apiAccessPoint');
  });

  test('members the provider file names are copied, and only plain text', () => {
    const provider = providerFile('oauth2', { answer: { keep: ['account', 'missing', 'odd', '__proto__'] } });
    const body = '{"access_token":"a","account":"7","odd":{"x":1},"__proto__":"polluted"}';
    const answer = readAnswer(provider, rawAnswer(200, body), { refreshToken: new Secret(sentToken) });
    expect(answer.kind === 'granted' && { ...answer.kept }).toEqual({ account: '7' });
    expect(Object.hasOwn(Object.prototype, 'account')).toBe(false);
  });
});
