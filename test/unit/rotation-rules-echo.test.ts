/** What is left of a provider's words once the client secret is taken out of them. */
import { expect, test } from 'vitest';
import { withoutEcho } from '../../src/rotation/echo.ts';
import { Secret } from '../../src/runtime/secret.ts';

const refused = { kind: 'refused', means: 'client', status: 401 } as const;
const secret = new Secret('plain-word-client-secret');

test.for([
  'bad secret plain-word-client-secret given',
  'expected ...client-secret',
  'got plain-word',
])('words that hold the client secret or a stretch of it are not shown: %s', (description) => {
  expect(withoutEcho({ ...refused, error: 'invalid_client', description }, secret)).toEqual({
    ...refused,
    error: 'invalid_client',
  });
});

test('an error code and a request id are held against it as well', () => {
  expect(withoutEcho({ ...refused, error: 'plain-word-client', requestId: 'client-secret-1' }, secret)).toEqual(
    refused,
  );
});

test('other words stay as they are', () => {
  const said = { ...refused, error: 'invalid_client', description: 'unknown client', requestId: 'r-1' };
  expect(withoutEcho(said, secret)).toEqual(said);
  expect(withoutEcho(said, undefined)).toEqual(said);
});

test('where nobody knows any more which secret was sent, free text is not shown at all', () => {
  const said = { ...refused, error: 'invalid_client', description: 'unknown client', requestId: 'r-1' };
  expect(withoutEcho(said, 'unknown')).toEqual({ ...refused, error: 'invalid_client' });
});
