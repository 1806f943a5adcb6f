/** The demo's cast and plan: every case the demo promises is in it, for every seed and length. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../src/runtime/random.ts';
import { dayMs } from '../../src/sandbox/demo/calendar.ts';
import { type Member, makeCast } from '../../src/sandbox/demo/cast.ts';
import { daysMin, makePlan } from '../../src/sandbox/demo/plan.ts';
import { lifeOf } from '../support/demo-bench.ts';

const membersOf = (seed: number, days = 60) => makeCast(makePlan(days), seededRandom(seed)).members;
const anyRun = fc.record({ seed: fc.nat(), days: fc.integer({ min: daysMin, max: 120 }) });

test('the same seed makes the same cast, another seed another one', () => {
  expect(membersOf(7)).toEqual(membersOf(7));
  expect(membersOf(7).map(({ id }) => id)).not.toEqual(membersOf(8).map(({ id }) => id));
});

test('a run too short for the story is refused', () => {
  expect(() => makePlan(daysMin - 1)).toThrow(RangeError);
  expect(() => makePlan(Number.NaN)).toThrow(RangeError);
});

describe('covers', () => {
  const of = (part: RegExp, provider?: string) =>
    membersOf(7).filter((one) => part.test(one.part) && (provider ?? one.provider) === one.provider);

  test.for<[what: string, part: RegExp, least: number, holds?: (member: Member) => boolean]>([
    ['consent with extended', /with extended/, 8, ({ scope }) => scope === 'signature extended'],
    [
      'consent without extended',
      /without extended/,
      2,
      ({ scope, fate }) => scope === 'signature' && fate === 'expires',
    ],
    ['unknown extended', /unknown whether extended/, 2, ({ scopeKnown }) => !scopeKnown],
    ['both environments', /demo environment/, 2, ({ environment }) => environment === 'demo'],
    ['withdrawn consent', /withdraws/, 2, ({ client }) => client === 'docusign-main'],
    [
      'a wrong client secret, on a client of its own',
      /wrong client secret/,
      4,
      ({ client }) => client === 'docusign-north',
    ],
    ['an outage', /down for two days/, 5, ({ provider }) => provider === 'adobe-acrobat-sign-gov'],
    ['an application that refreshes', /refreshes by itself/, 1],
    ['an answer that never comes', /never comes/, 1],
    ['an application that saves another field', /saves another field/, 1],
    ['broken content', /broken content/, 1, ({ fate }) => fate === 'unusable'],
    ['a deleted secret', /deleted/, 1, ({ fate }) => fate === 'gone'],
    ['eSignGlobal in the middle of its 30 days', /middle of its 30 days/, 5],
  ])('%s', ([, part, least, holds = () => true]) => {
    expect(of(part).length).toBeGreaterThanOrEqual(least);
    expect(of(part).every(holds)).toBe(true);
  });

  test('Adobe on several shards', () => {
    const shards = new Set(of(/shard/, 'adobe-acrobat-sign').map(({ place }) => place));
    expect(shards.size).toBeGreaterThanOrEqual(4);
  });

  test('eSignGlobal consented some 330 days ago', () => {
    const plan = makePlan(60);
    const [old] = of(/365 days/);
    const age = (plan.startAt - (old?.consentedAt ?? 0)) / dayMs;
    expect(age).toBeGreaterThan(325);
    expect(age).toBeLessThan(335);
  });
});

test('whatever the seed: some forty connections, each with a name of its own, none born dead or in the future', () => {
  fc.assert(
    fc.property(anyRun, ({ seed, days }) => {
      const { startAt } = makePlan(days);
      const members = membersOf(seed, days);
      expect(new Set(members.map(({ id }) => id)).size).toBe(members.length);
      expect(members.length).toBeGreaterThanOrEqual(38);
      for (const member of members) {
        expect(member.consentedAt).toBeLessThanOrEqual(member.refreshedAt);
        expect(member.refreshedAt).toBeLessThanOrEqual(startAt);
        const { deadlineAt, estimated } = lifeOf(member, startAt);
        if (!estimated) expect(deadlineAt).toBeGreaterThan(startAt + dayMs);
      }
    }),
    { numRuns: 40 },
  );
});

test('whatever the seed: somebody falls due when Adobe begins to throttle', () => {
  fc.assert(
    fc.property(anyRun, ({ seed, days }) => {
      const { throttleFrom, startAt } = makePlan(days);
      const after = membersOf(seed, days).filter((member) => {
        const { dueAt } = lifeOf(member, startAt);
        return member.provider === 'adobe-acrobat-sign' && dueAt !== null && dueAt >= throttleFrom;
      });
      expect(after.length).toBeGreaterThanOrEqual(2);
    }),
    { numRuns: 40 },
  );
});

test('whatever the seed: those who must meet an outage or a wrong secret fall due while it lasts', () => {
  fc.assert(
    fc.property(anyRun, ({ seed, days }) => {
      const plan = makePlan(days);
      for (const member of membersOf(seed, days)) {
        const window = { 'adobe-gov': plan.outage, 'docusign-north': plan.wrongSecret }[member.client];
        if (window === undefined) continue;
        const { dueAt } = lifeOf(member, plan.startAt);
        expect(dueAt).toBeGreaterThanOrEqual(window.from);
        expect(dueAt).toBeLessThan(window.until - dayMs);
      }
    }),
    { numRuns: 40 },
  );
});
