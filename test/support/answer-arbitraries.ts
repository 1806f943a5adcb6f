/** Answers of a token endpoint out of nothing: the members that matter, with values of every kind. */
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { providerFile, providerNames } from './shipped-providers.ts';

const providers = providerNames.map((name) => providerFile(name));
const names = [
  'access_token',
  'refresh_token',
  'token_type',
  'expires_in',
  'scope',
  'error',
  'error_description',
  'code',
  'message',
  'data',
  '__proto__',
  'api_access_point',
  'retryAfter',
];
const token = fc.stringMatching(/^[A-Za-z0-9._~+/=-]{8,60}$/);

/** Objects with the names that matter, and values of every kind, the sent token among them. */
function bodies(sent: string) {
  const value = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constant(sent),
    fc.constant(`xx ${sent} yy`),
    fc.jsonValue(),
    fc.double().map(String),
    token,
  );
  const object = fc.dictionary(fc.constantFrom(...names), value).map((found) => JSON.stringify(found));
  const cut = fc.tuple(object, fc.nat(200)).map(([text, at]) => text.slice(0, at));
  const doubled = fc.tuple(object, object).map(([a, b]) => `${a.slice(0, -1)},${b.slice(1)}`);
  const text = fc.oneof(
    object,
    cut,
    doubled,
    fc.string({ unit: 'binary' }),
    fc.constant(`refresh_token=${sent}&error=x`),
  );
  return fc.oneof(
    text.map((body) => Buffer.from(body)),
    text.map((body) => gzipSync(body)),
    fc.uint8Array({ maxLength: 300 }).map((body) => Buffer.from(body)),
  );
}

/** An answer, the provider it is from and the token that was sent. */
export const answerCases = token.chain((sent) =>
  fc.record({
    sent: fc.constant(sent),
    provider: fc.constantFrom(...providers),
    status: fc.oneof(
      fc.constantFrom(200, 200, 201, 204, 302, 400, 401, 403, 429, 500, 503),
      fc.integer({ min: 0, max: 999 }),
    ),
    headers: fc.dictionary(
      fc.constantFrom('content-type', 'content-encoding', 'retry-after', 'date', 'x-request-id'),
      fc.oneof(fc.string(), fc.constant(sent), fc.constantFrom('gzip', 'br', '120', '-1', 'text/html')),
    ),
    body: bodies(sent),
    complete: fc.boolean(),
  }),
);

export type AnswerCase = typeof answerCases extends fc.Arbitrary<infer T> ? T : never;
