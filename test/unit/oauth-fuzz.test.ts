/** Properties of the reader that hold for any bytes at all. */
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readAnswer } from '../../src/oauth/answer.ts';
import { readJson } from '../../src/oauth/json.ts';
import type { Answer } from '../../src/rotation/ports.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { providerFile, providerNames } from '../support/provider-files.ts';

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

const cases = token.chain((sent) =>
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

type Case = typeof cases extends fc.Arbitrary<infer T> ? T : never;

function read({ sent, provider, status, headers, body, complete }: Case): Answer {
  return readAnswer(
    provider,
    { status, headers, body, complete, receivedAt: 1_800_000_000_000 },
    { refreshToken: new Secret(sent) },
  );
}

test('reading never throws, and says the same twice', () => {
  fc.assert(
    fc.property(cases, (one) => {
      const answer = read(one);
      expect(answer.kind === 'notUnderstood' && answer.why).not.toBe('reader_failed');
      expect(JSON.stringify(read(one))).toBe(JSON.stringify(answer));
    }),
    { numRuns: 1_500 },
  );
});

test('a token that is read is one a provider could have sent: visible ASCII, nothing replaced', () => {
  fc.assert(
    fc.property(cases, (one) => {
      const answer = read(one);
      if (answer.kind !== 'granted') return;
      for (const secret of [answer.refreshToken, answer.accessToken]) {
        if (secret !== undefined) expect(secret.reveal()).toMatch(/^[\t\r\n\x20-\x7e]+$/);
      }
      expect(answer.accessTokenLifeMs).toBeGreaterThan(0);
      expect(answer.accessTokenLifeMs).toBeLessThanOrEqual(one.provider.accessToken.lifeMax);
      expect(answer.refreshToken !== undefined || answer.accessToken !== undefined).toBe(true);
    }),
    { numRuns: 1_500 },
  );
});

test('nothing that is shown of a refusal holds the token that was sent, or a control character', () => {
  fc.assert(
    fc.property(cases, (one) => {
      const answer = read(one);
      if (answer.kind !== 'refused') return;
      for (const text of [answer.error, answer.description, answer.requestId]) {
        if (text === undefined) continue;
        expect(text).not.toContain(one.sent);
        expect(text).not.toMatch(/\p{C}/u);
        expect(text.length).toBeLessThanOrEqual(200);
      }
      if (answer.retryAfterMs !== undefined)
        expect(answer.retryAfterMs).toSatisfy((ms: number) => ms >= 1_000 && ms <= 21_600_000);
    }),
    { numRuns: 1_500 },
  );
});

test('only an answer that refuses raises a suspicion against a token', () => {
  fc.assert(
    fc.property(cases, (one) => {
      const answer = read(one);
      if (answer.kind !== 'refused' || answer.means !== 'grant') return;
      // 2xx with an error in it is the one exception, and never where a token came with it.
      expect(one.status < 300 ? one.status >= 200 : one.status >= 400 && one.status < 500).toBe(true);
    }),
    { numRuns: 1_500 },
  );
});

test('the JSON reader takes what JSON.parse takes and nothing else', () => {
  const shape = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null || !('kind' in value)) return value;
    const node = value as { kind: string; raw?: string; items?: unknown[]; members?: Map<string, unknown> };
    if (node.kind === 'number') return Number(node.raw);
    if (node.kind === 'array') return node.items?.map(shape);
    return Object.fromEntries([...(node.members ?? [])].map(([name, member]) => [name, shape(member)]));
  };
  const valid = fc.json({ maxDepth: 5 });
  const broken = fc
    .tuple(valid, fc.nat(60), fc.constantFrom('', ',', '"', '}', 'NaN', '\\', ' '))
    .map(([text, at, piece]) => text.slice(0, at) + piece + text.slice(at + 1));
  fc.assert(
    fc.property(fc.oneof(valid, broken), (text) => {
      const ours = readJson(text);
      let theirs: { value: unknown } | undefined;
      try {
        theirs = { value: JSON.parse(text) };
      } catch {}
      expect(ours.ok).toBe(theirs !== undefined);
      if (ours.ok && theirs !== undefined) expect(JSON.stringify(shape(ours.value))).toBe(JSON.stringify(theirs.value));
    }),
    { numRuns: 3_000 },
  );
});
