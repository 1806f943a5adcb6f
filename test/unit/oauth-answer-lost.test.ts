/** Answers that broke off, and those after which nobody knows whether the token was spent. */
import { gzipSync } from 'node:zlib';
import { describe } from 'vitest';
import { check, goodJson, next, type Row, rawAnswer, renewed } from '../support/provider-files.ts';

const unknown = { kind: 'refused', means: 'unknown' };

describe('answers that broke off', () => {
  check([
    [
      '28: cut after the refresh token, which is taken',
      rawAnswer(200, goodJson.slice(0, -14), {}, false),
      { ...renewed, oddities: ['salvaged'] },
    ],
    [
      '28: cut inside the refresh token, which is not',
      rawAnswer(200, goodJson.slice(0, goodJson.indexOf(next) + 9), {}, false),
      { ...unknown, error: 'truncated' },
    ],
    [
      '28: whole although the connection broke',
      rawAnswer(200, goodJson, {}, false),
      { ...renewed, oddities: ['salvaged'] },
    ],
    [
      '29: chunks that stop without an error',
      rawAnswer(200, goodJson.slice(0, 30)),
      { ...unknown, error: 'truncated' },
    ],
    [
      '28: a compressed answer cut behind the token',
      rawAnswer(
        200,
        gzipSync(Buffer.from(`${goodJson.slice(0, -1)},"x":"${'abc'.repeat(3_000)}"}`)).subarray(0, -20),
        { 'content-encoding': 'gzip' },
        false,
      ),
      { refreshToken: next },
    ],
    [
      '28: a cut form with the token whole',
      rawAnswer(200, `refresh_token=${next}&access_token=abc`, {}, false),
      { refreshToken: next, oddities: ['form_encoded', 'salvaged', 'access_token_missing'] },
    ],
    [
      '28: a cut form whose last value may be half a token',
      rawAnswer(200, `access_token=abc&refresh_token=${next}`, {}, false),
      { ...unknown, error: 'truncated' },
    ],
  ]);
});

describe('answers after which nobody knows', () => {
  check([
    [
      '25: 200 with a login page',
      rawAnswer(200, '<!DOCTYPE html><html>log in</html>', { 'content-type': 'text/html' }),
      { ...unknown, error: 'html_success' },
    ],
    [
      '25: 200 with a page larger than anything parsed',
      rawAnswer(200, `<html>${'x'.repeat(200_000)}`),
      { ...unknown, error: 'html_success' },
    ],
    ['26: 200 with nothing', rawAnswer(200, ''), { ...unknown, error: 'empty_success' }],
    ['26: 200 with blanks', rawAnswer(200, ' \r\n'), { ...unknown, error: 'empty_success' }],
    ['26: 204', rawAnswer(204, ''), { ...unknown, error: 'empty_success' }],
    ...[301, 302, 303, 307, 308].map((status): Row => [`43: ${status}`, rawAnswer(status, ''), unknown]),
    ['54: 408', rawAnswer(408, ''), unknown],
    ['54: 425', rawAnswer(425, ''), unknown],
    ['59: 500', rawAnswer(500, ''), unknown],
    [
      '59: internal_server_error with its reference',
      rawAnswer(400, { error: 'internal_server_error', reference_id: '6f1c-22' }),
      { ...unknown, error: 'internal_server_error', requestId: '6f1c-22' },
    ],
    ['59: 500 that names invalid_grant', rawAnswer(500, { error: 'invalid_grant' }), unknown],
    ['60: 502', rawAnswer(502, '<html>bad gateway</html>'), unknown],
    ['60: 504', rawAnswer(504, ''), unknown],
  ]);
});
