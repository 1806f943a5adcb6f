/** What may lie in the spool when the soak's world has come to rest, and what may not. */
import { describe, expect, test } from 'vitest';
import { kindsOf, type LeftRecord, needless } from '../soak/left.ts';

const day = 86_400_000;
const now = 100 * day;

function record(change: Partial<LeftRecord> = {}): LeftRecord {
  return {
    connection: 'acme',
    state: 'intent',
    where: 'both',
    unanswered: 0,
    startedAt: now - 2 * day,
    stands: 'retrying',
    reason: 'unknown_outcome',
    nextAt: now + day / 2,
    sameToken: true,
    ...change,
  };
}

describe('may be left:', () => {
  test.for<[what: string, record: LeftRecord, isCustomer: boolean]>([
    ['a request without an answer, until its next try', record(), true],
    ['one that a person has to look at', record({ stands: 'suspect', nextAt: null }), true],
    [
      'an answer kept for a person',
      record({ state: 'answered', stands: 'quarantined', reason: 'token_replayed' }),
      true,
    ],
    [
      'a token of a customer who has just left',
      record({ state: 'answered', stands: 'unknown', reason: 'unknown' }),
      false,
    ],
  ])('%s', ([, left, isCustomer]) => expect(needless(left, isCustomer, now)).toBeUndefined());
});

describe('may not be left:', () => {
  test.for<[what: string, record: LeftRecord, isCustomer: boolean]>([
    ['a record of a connection that is well', record({ stands: 'active', reason: 'none' }), true],
    ['one that asks about a token replaced since', record({ sameToken: false }), true],
    ['one whose next try is long overdue', record({ nextAt: now - 2 * day }), true],
    [
      'a sealed token whose store is back',
      record({ state: 'answered', stands: 'sealed', reason: 'store_unavailable' }),
      true,
    ],
    ['one nobody knows of any more', record({ stands: 'unknown', reason: 'unknown' }), true],
    [
      'one that cannot be opened',
      record({ state: 'unreadable', stands: 'quarantined', reason: 'record_unreadable' }),
      true,
    ],
    ['what a customer left long ago', record({ stands: 'unknown', startedAt: now - 41 * day }), false],
  ])('%s', ([, left, isCustomer]) => expect(needless(left, isCustomer, now)).toMatch(/^a record of acme is left/));
});

test('what is left is counted by what it is', () =>
  expect(kindsOf([record(), record(), record({ state: 'answered', stands: 'unknown', reason: 'unknown' })])).toEqual({
    'intent, retrying, unknown_outcome': 2,
    'answered, connection gone': 1,
  }));
