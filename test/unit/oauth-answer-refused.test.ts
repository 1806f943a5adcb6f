/** Refusals and what they mean. Numbers are those of the catalogue of bad inputs. */
import { describe, expect, test } from 'vitest';
import { check, rawAnswer, read } from '../support/provider-files.ts';

describe('refusals', () => {
  const refused = (means: string, more: Record<string, unknown> = {}) => ({ kind: 'refused', means, ...more });
  check([
    [
      '22: invalid_grant in a 200',
      rawAnswer(200, { error: 'invalid_grant' }),
      refused('grant', { status: 200, error: 'invalid_grant' }),
    ],
    [
      '23: a business error in a 200, unknown to the provider file',
      rawAnswer(200, { code: 72000009, message: 'system busy', data: null }),
      refused('unavailable', { error: '72000009', description: 'system busy' }),
      'esignglobal',
    ],
    [
      '23: success:false in a 200',
      rawAnswer(200, { success: false, message: 'no' }),
      refused('unavailable'),
      'esignglobal',
    ],
    ['44: 400 invalid_grant', rawAnswer(400, { error: 'invalid_grant' }), refused('grant', { status: 400 })],
    [
      '45: expired_client_token stays a suspicion against the grant',
      rawAnswer(400, { error: 'invalid_grant', error_description: 'expired_client_token' }),
      refused('grant', { description: 'expired_client_token' }),
    ],
    [
      '45: unauthorized_client under invalid_grant means the client',
      rawAnswer(400, { error: 'invalid_grant', error_description: 'unauthorized_client' }),
      refused('client'),
    ],
    ['46: invalid_request', rawAnswer(400, { error: 'invalid_request' }), refused('request')],
    ['46: unsupported_grant_type', rawAnswer(400, { error: 'unsupported_grant_type' }), refused('request')],
    ['47: invalid_scope', rawAnswer(400, { error: 'invalid_scope' }), refused('request')],
    [
      '48: EXPIRED_TOKEN from Adobe',
      rawAnswer(400, { code: 'EXPIRED_TOKEN', message: 'x' }),
      refused('grant', { error: 'EXPIRED_TOKEN' }),
      'adobe-acrobat-sign',
    ],
    ['48: INVALID_TOKEN from Adobe', rawAnswer(400, { code: 'INVALID_TOKEN' }), refused('grant'), 'adobe-acrobat-sign'],
    [
      '48: INVALID_REQUEST from Adobe, which may be an expired token',
      rawAnswer(400, { error: 'INVALID_REQUEST' }),
      refused('grant'),
      'adobe-acrobat-sign',
    ],
    ['49: 400 with a page', rawAnswer(400, '<html>blocked</html>'), refused('unavailable')],
    ['49: 400 with nothing', rawAnswer(400, ''), refused('unavailable')],
    ['50: 401 invalid_client', rawAnswer(401, { error: 'invalid_client' }), refused('client')],
    ['50: 400 unauthorized_client', rawAnswer(400, { error: 'unauthorized_client' }), refused('client')],
    ['50: 401 with a code nobody knows', rawAnswer(401, { code: 'UNAUTHORIZED' }), refused('client')],
    ['51: 401 with invalid_grant', rawAnswer(401, { error: 'invalid_grant' }), refused('grant')],
    ['51: 401 with invalid_token', rawAnswer(401, { error: 'invalid_token' }), refused('grant')],
    ['52: 403 of a firewall', rawAnswer(403, '<html>denied</html>'), refused('request')],
    ['53: 404', rawAnswer(404, ''), refused('request')],
    ['53: 405', rawAnswer(405, ''), refused('request')],
    [
      '53: INVALID_API_ACCESS_POINT',
      rawAnswer(401, { code: 'INVALID_API_ACCESS_POINT', message: 'moved' }),
      refused('access_point'),
      'adobe-acrobat-sign',
    ],
    ['55: 409', rawAnswer(409, ''), refused('unavailable')],
    ['55: 423', rawAnswer(423, ''), refused('unavailable')],
    ['56: 429 without Retry-After', rawAnswer(429, ''), { kind: 'refused', means: 'throttled' }],
    ['56: 429 whatever its body says', rawAnswer(429, { error: 'invalid_grant' }), refused('throttled')],
    [
      '57: Retry-After in seconds',
      rawAnswer(429, '', { 'retry-after': '120' }),
      refused('throttled', { retryAfterMs: 120_000 }),
    ],
    [
      '57: Retry-After as a date',
      rawAnswer(429, '', { 'retry-after': 'Fri, 20 Nov 2026 08:02:00 GMT' }),
      refused('throttled', { retryAfterMs: 120_000 }),
    ],
    [
      '57: Retry-After as a date of a server whose clock is off',
      rawAnswer(429, '', { 'retry-after': 'Fri, 20 Nov 2026 09:02:00 GMT', date: 'Fri, 20 Nov 2026 09:00:00 GMT' }),
      refused('throttled', { retryAfterMs: 120_000 }),
    ],
    [
      '57: retryAfter in the body alone',
      rawAnswer(429, { code: 'THROTTLING_TOO_MANY_REQUESTS', message: 'x', retryAfter: 75 }),
      refused('throttled', { retryAfterMs: 75_000 }),
      'adobe-acrobat-sign',
    ],
    [
      '58: a negative Retry-After',
      rawAnswer(429, '', { 'retry-after': '-5' }),
      refused('throttled', { retryAfterMs: 1_000 }),
    ],
    [
      '58: Retry-After of 1e9',
      rawAnswer(429, '', { 'retry-after': '1000000000' }),
      refused('throttled', { retryAfterMs: 21_600_000 }),
    ],
    [
      '58: Retry-After of 999999999999',
      rawAnswer(429, '', { 'retry-after': '999999999999' }),
      refused('throttled', { retryAfterMs: 21_600_000 }),
    ],
    [
      '58: Retry-After twice',
      rawAnswer(429, '', { 'retry-after': '120, 120' }),
      refused('throttled', { retryAfterMs: 120_000 }),
    ],
    [
      '58: a Retry-After that is over',
      rawAnswer(429, '', { 'retry-after': 'Fri, 20 Nov 2020 08:02:00 GMT' }),
      refused('throttled', { retryAfterMs: 1_000 }),
    ],
    [
      '61: 503 with Retry-After',
      rawAnswer(503, '<html>maintenance</html>', { 'retry-after': '600' }),
      refused('unavailable', { retryAfterMs: 600_000 }),
    ],
    [
      'a throttling code under another status',
      rawAnswer(400, { errorCode: 'HOURLY_APIINVOCATION_LIMIT_EXCEEDED', message: 'x' }),
      refused('throttled'),
    ],
    [
      'system load at Adobe',
      rawAnswer(429, { code: 'THROTTLING_HIGH_SYSTEM_LOAD', retryAfter: 9 }),
      refused('throttled', { retryAfterMs: 9_000 }),
      'adobe-acrobat-sign',
    ],
    ['temporarily_unavailable', rawAnswer(400, { error: 'temporarily_unavailable' }), refused('unavailable')],
    [
      'invalid_client at Adobe Government, with its 400',
      rawAnswer(400, { error: 'invalid_client', error_description: 'The client credentials are invalid or expired.' }),
      refused('client'),
      'adobe-acrobat-sign-gov',
    ],
    [
      'an error in an object',
      rawAnswer(400, { error: { code: 'invalid_grant', message: 'gone' } }),
      refused('grant', { description: 'gone' }),
      'oauth2',
    ],
    [
      'a form-encoded error',
      rawAnswer(400, 'error=invalid_grant&error_description=gone'),
      refused('grant', { description: 'gone' }),
      'oauth2',
    ],
    [
      'a complaint about a member called refresh_token',
      rawAnswer(400, { error: 'invalid_request', refresh_token: 'must not be empty at all' }),
      refused('request'),
    ],
    [
      'an error code nobody knows',
      rawAnswer(400, { error: 'moon_phase' }),
      refused('unavailable', { error: 'moon_phase' }),
    ],
    [
      'the trace token of DocuSign',
      rawAnswer(400, { error: 'invalid_grant' }, { 'x-docusign-tracetoken': 'abc-123' }),
      refused('grant', { requestId: 'abc-123' }),
    ],
  ]);

  test('58: a Retry-After of garbage is none', () => {
    expect(read(rawAnswer(429, '', { 'retry-after': 'soon' }))).not.toHaveProperty('retryAfterMs');
  });
});
