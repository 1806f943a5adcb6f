/** The fuzzing suite's own oracles: each is shown a reading that is wrong and says so, and every failure can be seen again. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Answer } from '../../src/rotation/ports.ts';
import { Secret } from '../../src/runtime/secret.ts';
import type { MadeAnswer } from '../faults/fuzz/answer-case.ts';
import { checkAnswer } from '../faults/fuzz/answers.ts';
import { blanked, canariesOf, leaksIn } from '../faults/fuzz/canary.ts';
import { Broken, fuzzPart } from '../faults/fuzz/part.ts';
import { rawMembers } from '../faults/fuzz/raw-members.ts';
import { holdsWhole, truthOf } from '../faults/fuzz/reference.ts';
import { checkDocument } from '../faults/fuzz/rotations.ts';

const canaries = canariesOf(7);
const { sent, fresh, other } = canaries;

function made(text: string, status = 200, complete = true): MadeAnswer {
  const raw = { status, headers: {}, body: Buffer.from(text), complete, receivedAt: 0 };
  return { canaries, raw, text, truth: truthOf(text, sent, complete) };
}

function granted(token?: string): Answer {
  const plain = { kind: 'granted', accessTokenLifeMs: 1_000, kept: {}, oddities: [] } as const;
  return token === undefined ? plain : { ...plain, refreshToken: new Secret(token) };
}
const refused = (means: 'unknown' | 'grant') => ({ kind: 'refused', means, status: 200 }) as const;
const held: Answer = { kind: 'notUnderstood', status: 200, why: 'not_json', salvageable: true };

describe('a reading is found wrong', () => {
  const whole = `{"access_token":"a","refresh_token":"${fresh}"}`;
  it.each<[string, MadeAnswer, Answer]>([
    ['that grants without the token that stands', made(whole), granted()],
    ['that refuses while a token stands', made(whole), refused('grant')],
    ['that calls unknown what holds a token', made(whole, 500), refused('unknown')],
    ['that shortens it', made(whole), granted(fresh.slice(0, -1))],
    ['that takes another', made(whole), granted(other)],
    ['that takes our own for a new one', made(`{"refresh_token":"${sent}"}`), granted(sent)],
    ['that makes text of a number', made('{"refresh_token":12345678901234567890}'), granted('12345678901234567000')],
    ['that forgets a number', made('{"a":"b","refresh_token":12345678901234567890}'), granted()],
    ['of a form', made(`access_token=a&refresh_token=${fresh}&x=y`), granted()],
    ['that condemns by a failing server', made('', 500), refused('grant')],
    ['that failed', made('x'), { ...held, why: 'reader_failed' }],
  ])('%s', (_title, answer, reading) => {
    expect(() => checkAnswer(answer, reading)).toThrow(Broken);
  });

  it('and right where it is: granted to the letter, or held', () => {
    for (const reading of [granted(fresh), held]) expect(() => checkAnswer(made(whole), reading)).not.toThrow();
    expect(() => checkAnswer(made(whole, 400), refused('grant'))).not.toThrow();
    expect(() => checkAnswer(made(whole.slice(0, -5), 200, false), refused('unknown'))).not.toThrow();
  });
});

describe('what stands in a body', () => {
  it('is one whole token, said once or the same twice', () => {
    const member = (token: string) => `"refresh_token":"${token}"`;
    expect(truthOf(`{${member(fresh)}}`, sent, true)).toEqual({ numeric: false, stands: fresh });
    expect(truthOf(`{${member(fresh)},${member(fresh)}`, sent, false)).toMatchObject({ stands: fresh });
    for (const text of [
      `{${member(fresh)},${member(other)}}`,
      `{${member(sent)}}`,
      `{"refresh_token":"${fresh}`,
      `{"refresh_token":["${fresh}"]}`,
      `{"refresh_token":"${fresh}\u00fc"}`,
      `{"x":"{\\"refresh_token\\":\\"${fresh}\\"}"}`,
    ])
      expect(truthOf(text, sent, true).stands, text).toBeUndefined();
    expect(truthOf('{"refresh_token":12345678}', sent, true)).toEqual({ numeric: true });
  });

  it('is held whole with or without escapes, and not in part', () => {
    expect(holdsWhole(`{"a":"${fresh}"}`, fresh)).toBe(true);
    expect(holdsWhole(`{"a":"\\u00${fresh.charCodeAt(0).toString(16)}${fresh.slice(1)}"}`, fresh)).toBe(true);
    expect(holdsWhole(`{"a":"${fresh}x"}`, fresh)).toBe(false);
  });
});

describe('a canary', () => {
  it('is found whole, in part, and encoded, and is blank in what is told', () => {
    for (const text of [
      fresh,
      `x${fresh.slice(3, 20)}y`,
      Buffer.from(`ab${fresh}`).toString('base64'),
      Buffer.from(fresh).toString('hex'),
    ])
      expect(leaksIn(`{"message":"${text}"}`, canaries)).toEqual(['fresh']);
    expect(leaksIn(sent.slice(5, 13), canaries)).toEqual(['sent']);
    expect(leaksIn(`${fresh.slice(0, 15)} ${sent.slice(0, 7)}`, canaries)).toEqual([]);
    expect(leaksIn(blanked(`${fresh} ${sent.slice(2, 20)}`, canaries), canaries)).toEqual([]);
  });
});

describe('a document is found changed', () => {
  const before = '{"a": 1.50, "refresh_token": "old", "b":{"c":[1, 2]}}';
  it.each([
    before.replace('1.50', '1.5'),
    before.replace('[1, 2]', '[1,2]'),
    before.replace('"a": 1.50, ', ''),
    `\ufeff${before}`,
    before.slice(0, -1),
  ])('%s', (after) => expect(() => checkDocument(before, after)).toThrow(Broken));

  it('only where it is the customer’s', () => {
    expect(() =>
      checkDocument(before, `${before.replace('"old"', '"new"').slice(0, -1)},"pilotlight":{}}`),
    ).not.toThrow();
    expect(rawMembers(before)?.map(({ rawValue }) => rawValue)).toEqual(['1.50', '"old"', '{"c":[1, 2]}']);
  });
});

describe('a part', () => {
  const faulty = fuzzPart<number>({
    name: 'faulty',
    share: 1,
    cases: fc.nat(10_000),
    show: (n) => `the number ${n}`,
    attempt(n) {
      if (n > 9_000) throw new TypeError(`${n} is too much`);
      if (n > 7_000) throw new Broken('lostTokens', 'a number was lost');
    },
  });

  it('tells what broke with the smallest input, and shows it again by its replay', async () => {
    const { failure } = await faulty.run({ seed: 1, inputs: 500 }, () => {});
    expect(failure).toMatchObject({ property: 'lostTokens', what: 'a number was lost; input: the number 7001' });
    const [, seed, path = ''] = /faulty@(\d+)@([\d:]+)'/.exec(failure?.replay ?? '') ?? [];
    const again = await faulty.run({ seed: Number(seed), inputs: 1, path }, () => {});
    expect(again.failure?.what).toBe(failure?.what);
  });

  it('tells a crash by its class and place, never by its message', async () => {
    const crashing = fuzzPart<number>({
      name: 'crash',
      share: 1,
      cases: fc.nat(),
      show: String,
      attempt() {
        JSON.parse(`{"${fresh}`);
      },
    });
    const { failure } = await crashing.run({ seed: 1, inputs: 10 }, () => {});
    expect(failure?.what).toContain('threw SyntaxError at test/unit/faults-fuzz.test.ts');
    expect(failure?.what).not.toContain(fresh);
  });

  it('takes an input that never ends in time for a failure', async () => {
    const slow = fuzzPart<number>({
      name: 'slow',
      share: 1,
      cases: fc.constant(1),
      show: String,
      budgetMs: 5,
      attempt() {
        for (const until = performance.now() + 10; performance.now() < until; );
      },
    });
    expect((await slow.run({ seed: 1, inputs: 3 }, () => {})).failure?.what).toMatch(/^took \d+ ms/);
  });
});
