/** Errors of the SDK that no double can provoke, and the signer's hash. */
import { createHash, createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { PilotlightError } from '../../src/runtime/errors.ts';
import { storeError } from '../../src/secrets/aws-errors.ts';
import { Sha256 } from '../../src/secrets/aws-sha256.ts';
import { isManaged } from '../../src/secrets/find.ts';
import { printed } from '../support/store-fixture.ts';

const get = { operation: 'GetSecretValue', secret: 'customers/a' };

describe('an error of the SDK', () => {
  test.each([
    [
      { name: 'CredentialsProviderError', message: 'Could not load credentials from any providers' },
      'store_denied',
      /credentials/,
    ],
    [new Error('Region is missing'), 'store_invalid', /AWS_REGION/],
    [Object.assign(new Error('x'), { code: 'ENOTFOUND' }), 'store_unavailable', /ENOTFOUND/],
    [Object.assign(new Error('x'), { code: 'ECONNRESET' }), 'store_unavailable', /ECONNRESET/],
    [{ name: 'InvalidSignatureException', $metadata: { httpStatusCode: 400 } }, 'store_denied', /credentials/],
    [{ name: 'InvalidSignatureException', $metadata: { clockSkewCorrected: true } }, 'store_unavailable', /clock/],
    [{ name: 'KMSAccessDeniedException', $metadata: {} }, 'store_denied', /kms:Decrypt/],
    [{ name: 'KMSThrottlingException', $metadata: {} }, 'store_throttled', /KMS/],
    [{ name: 'Error', $metadata: { httpStatusCode: 429 } }, 'store_throttled', /429/],
    [{ name: 'Error', $metadata: { httpStatusCode: 403 } }, 'store_denied', /403/],
    [{ name: 'Error', $metadata: { httpStatusCode: 503 } }, 'store_unavailable', /503/],
    [
      {
        name: 'InvalidRequestException',
        message: 'You tried to perform the operation on a secret that is currently marked deleted.',
      },
      'store_deleted',
      /deletion/,
    ],
    [{ name: 'InvalidParameterException' }, 'store_invalid', /InvalidParameterException/],
    ['a thrown text: canary', 'store_unavailable', /unknown error/],
    [undefined, 'store_unavailable', /unknown error/],
    [null, 'store_unavailable', /unknown error/],
  ])('%o becomes a store code', (error, code, words) => {
    const made = storeError(get, error);
    expect(made.code).toBe(code);
    expect(made.message).toMatch(words);
    expect(made.message).toContain('customers/a');
  });

  test('names the action that AWS says is missing, and the request', () => {
    const message = 'User: arn:aws:sts::1:role is not authorized to perform: kms:Decrypt on resource: canary';
    const $metadata = { httpStatusCode: 400, requestId: '1b2c-3d' };
    const made = storeError(get, { name: 'AccessDeniedException', message, $metadata });
    expect(made.message).toMatch(/AccessDeniedException, HTTP 400, request 1b2c-3d/);
    expect(made.message).toContain('allow kms:Decrypt on it');
    expect(printed(made)).not.toMatch(/canary/);
  });

  test('passes nothing on that could carry a value', () => {
    const error = Object.assign(new SyntaxError('Unexpected token in "canary"'), {
      name: 'canary"value',
      code: 'canary',
    });
    expect(printed(storeError(get, error))).not.toMatch(/canary/);
    expect(printed(storeError(get, { name: 'X', $metadata: { requestId: 'canary with blanks' } }))).not.toMatch(
      /canary/,
    );
  });

  test('that is ours already stays as it is', () => {
    const ours = new PilotlightError('store_limit', 'x');
    expect(storeError(get, ours)).toBe(ours);
  });
});

describe('the signer’s hash', () => {
  const parts = ['one', Buffer.from('two'), new Uint8Array([1, 2, 3]).buffer];

  test('is SHA-256 over all parts, and starts anew after a reset', async () => {
    const hash = new Sha256();
    hash.update('forgotten');
    hash.reset();
    for (const part of parts) hash.update(part);
    const whole = Buffer.concat([Buffer.from('onetwo'), Buffer.from([1, 2, 3])]);
    expect(Buffer.from(await hash.digest())).toEqual(createHash('sha256').update(whole).digest());
  });

  test.each([
    'text key',
    Buffer.from('bytes key'),
    new Uint8Array([9, 9]).buffer,
  ])('is HMAC with a key, twice the same', async (key) => {
    const keyBytes = typeof key === 'string' ? key : Buffer.from(key as Uint8Array);
    for (let i = 0; i < 2; i++) {
      const hmac = new Sha256(key);
      hmac.update('data');
      expect(Buffer.from(await hmac.digest())).toEqual(createHmac('sha256', keyBytes).update('data').digest());
    }
  });
});

test('a tag must match in key and value, a prefix from the start', () => {
  const find = { tagKey: 'pilotlight:managed', tagValue: 'true' };
  expect(isManaged(find, 'x', { 'pilotlight:managed': 'true' })).toBe(true);
  expect(isManaged(find, 'x', { 'pilotlight:managed': 'TRUE' })).toBe(false);
  expect(isManaged(find, 'x', { 'pilotlight:managed-by': 'true', other: 'true' })).toBe(false);
  expect(isManaged({ tagKey: 'constructor', tagValue: 'x' }, 'x', {})).toBe(false);
  expect(isManaged({ namePrefix: 'team/' }, 'team/a', {})).toBe(true);
  expect(isManaged({ namePrefix: 'team/' }, 'other/team/a', {})).toBe(false);
});
