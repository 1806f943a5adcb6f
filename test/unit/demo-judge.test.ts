/** The verdict: everything planted is found, and only a flawless run passes. */
import { expect, test } from 'vitest';
import type { Facts, MemberFacts } from '../../src/sandbox/demo/facts.ts';
import { judge } from '../../src/sandbox/demo/judge.ts';
import { createPaint } from '../../src/sandbox/demo/paint.ts';
import { resultJson, summaryLines } from '../../src/sandbox/demo/result.ts';

const member = (change: Partial<MemberFacts>): MemberFacts => ({
  connection: 'docusign/acme',
  provider: 'docusign',
  part: 'consent with extended',
  fate: 'lives',
  alive: true,
  liveTokenStored: true,
  sealed: false,
  state: 'active',
  refreshes: 5,
  presented: 5,
  customersFieldsKept: true,
  ...change,
});
const dead = { alive: false, liveTokenStored: false };
const flagged = (connection: string, reason: 'expired' | 'invalid_grant', cleared = false) => ({
  connection,
  provider: 'docusign',
  reason,
  at: 0,
  cleared,
});

const good: Facts = {
  members: [
    member({}),
    member({
      connection: 'ends',
      fate: 'expires',
      ...dead,
      death: { why: 'expired_absolute', at: 0 },
      told: 'shown as unkeepable',
      flag: 'expired',
    }),
    member({
      connection: 'left',
      fate: 'refused',
      ...dead,
      death: { why: 'revoked', at: 0 },
      told: 'x',
      flag: 'invalid_grant',
    }),
    member({ connection: 'back', fate: 'returns' }),
  ],
  flagged: [flagged('ends', 'expired'), flagged('left', 'invalid_grant'), flagged('back', 'invalid_grant', true)],
  wronglyFlagged: [],
  unnoticed: [],
  doubleSpends: [],
  crossedSpends: 0,
  secondTries: 1,
  applicationRefreshes: 3,
  refreshed: { docusign: 20 },
  breakersOpened: 1,
  met: { 'a throttled request waited': 2 },
  struck: [{ name: 'FLUSHALL of Redis', times: 1 }],
};

/** The facts with the first member changed. */
const planted = (change: Partial<MemberFacts>): Facts => ({
  ...good,
  members: [member(change), ...good.members.slice(1)],
});

test('a flawless run holds', () =>
  expect(judge(good)).toMatchObject({ held: true, lostTokens: [], diedUnnoticed: [] }));

test.for<[what: string, facts: Facts]>([
  ['a lost token', planted({ liveTokenStored: false })],
  ['a silent death', planted({ ...dead, death: { why: 'expired_idle', at: 0 } })],
  ['a death seen too late', { ...good, unnoticed: ['docusign/acme'] }],
  ['a token spent twice', { ...good, doubleSpends: ['docusign/acme'] }],
  ['a wrong flag', { ...good, wronglyFlagged: ['docusign/acme'] }],
  ['a token still sealed', planted({ liveTokenStored: false, sealed: true })],
  ['a connection never refreshed', planted({ refreshes: 0 })],
  ['a member of the customer’s own lost', planted({ customersFieldsKept: false })],
  ['a fault that never struck', { ...good, struck: [{ name: 'FLUSHALL of Redis', times: 0 }] }],
  ['an outcome never met', { ...good, met: { 'a throttled request waited': 0 } }],
  ['a breaker that stayed closed', { ...good, breakersOpened: 0 }],
  ['an end that was told only after it', planted({ ...good.members[1], told: 'flagged expired' })],
  ['a refused connection without its flag', planted({ ...good.members[2], flag: undefined } as never)],
  ['one that lives and was flagged for a while', { ...good, flagged: [flagged('docusign/acme', 'expired', true)] }],
  ['a deleted secret still in the index', planted({ fate: 'gone' })],
  ['broken content that was posted', planted({ fate: 'unusable', state: 'invalid', presented: 1 })],
])('%s breaks it', ([, facts]) => {
  const verdict = judge(facts);
  expect(verdict.held).toBe(false);
  expect(verdict.invariants.some(({ held, broken }) => !held && broken.length > 0)).toBe(true);
});

const run = {
  seed: 7,
  days: 60,
  startAt: 0,
  tookMs: 61_000,
  storeWrites: 40,
  storeThrottled: 0,
  incidents: { opened: 3, ended: 2 },
};

test('the JSON summary says all that was asked for, in numbers', () => {
  expect(resultJson(run, good, judge(good))).toMatchObject({
    seed: 7,
    days: 60,
    held: true,
    refreshed: { docusign: 20 },
    flagged: [{ connection: 'ends', reason: 'expired' }, { reason: 'invalid_grant' }, { reconsented: true }],
    wronglyFlagged: 0,
    lostTokens: 0,
    doubleSpends: 0,
    diedUnnoticed: 0,
  });
});

test('the text summary names what broke, and has no colour where none is wanted', () => {
  const bad = planted({ liveTokenStored: false });
  const text = summaryLines(run, bad, judge(bad), createPaint(false)).join('\n');
  expect(text).toContain('BROKEN  no token lost');
  expect(text).toContain('Not every invariant held.');
  expect(text).not.toContain('\u001b');
  expect(summaryLines(run, good, judge(good), createPaint(true)).join('')).toContain('\u001b[32m');
});
