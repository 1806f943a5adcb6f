/** Properties of the reader that hold for any bytes at all. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readAnswer } from '../../src/oauth/answer.ts';
import { readJson } from '../../src/oauth/json.ts';
import type { Answer } from '../../src/rotation/ports.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { type AnswerCase, answerCases } from '../support/answer-arbitraries.ts';

function read({ sent, provider, status, headers, body, complete }: AnswerCase): Answer {
  return readAnswer(
    provider,
    { status, headers, body, complete, receivedAt: 1_800_000_000_000 },
    { refreshToken: new Secret(sent) },
  );
}

test('reading never throws, and says the same twice', () => {
  fc.assert(
    fc.property(answerCases, (one) => {
      const answer = read(one);
      expect(answer.kind === 'notUnderstood' && answer.why).not.toBe('reader_failed');
      expect(JSON.stringify(read(one))).toBe(JSON.stringify(answer));
    }),
    { numRuns: 1_500 },
  );
});

test('a token that is read is one a provider could have sent: visible ASCII, nothing replaced', () => {
  fc.assert(
    fc.property(answerCases, (one) => {
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
    fc.property(answerCases, (one) => {
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
    fc.property(answerCases, (one) => {
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
