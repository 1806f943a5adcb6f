/** When the demo's calendar waits for the service, and what it does not wait for. */
import { expect, test } from 'vitest';
import type { IndexEntry } from '../../src/connection/entry.ts';
import { dayMs } from '../../src/sandbox/demo/calendar.ts';
import { isBehind, type Waiting } from '../../src/sandbox/demo/patience.ts';

const now = 100 * dayMs;
const entry = (change: Partial<IndexEntry>, client = 'main'): IndexEntry => ({
  id: 'a',
  at: { provider: 'p', environment: 'production', client, host: 'h' },
  state: 'active',
  reason: 'none',
  since: 0,
  seen: '',
  fingerprint: '',
  nextAt: now + dayMs,
  deadlineAt: null,
  clock: null,
  estimated: false,
  extendedAt: null,
  failures: 0,
  ...change,
});
const waiting = (change: Partial<Waiting>): Waiting => ({
  now,
  entries: [entry({})],
  busySince: new Map(),
  inventoryAt: now,
  blockedClient: 'north',
  ...change,
});
const longAgo = now - 2 * dayMs;
const lately = now - dayMs;

test.for<[what: string, behind: boolean, change: Partial<Waiting>]>([
  ['nothing is due', false, {}],
  ['a connection fell due within the day', false, { entries: [entry({ nextAt: lately })] }],
  ['a connection has been due for two days', true, { entries: [entry({}), entry({ nextAt: longAgo })] }],
  ['a retry has been due for two days', true, { entries: [entry({ state: 'retrying', nextAt: longAgo })] }],
  ['a client is blocked and its connections wait', false, { entries: [entry({ nextAt: longAgo }, 'north')] }],
  ['a connection waits for nothing', false, { entries: [entry({ nextAt: null })] }],
  ['an unusable secret is looked at seldom', false, { entries: [entry({ state: 'invalid', nextAt: longAgo })] }],
  ['no lease was given for two days', true, { busySince: new Map([['a', longAgo]]) }],
  ['a lease was held within the day', false, { busySince: new Map([['a', lately]]) }],
  ['the store was not looked at for two days', true, { inventoryAt: longAgo }],
])('%s: %s', ([, behind, change]) => expect(isBehind(waiting(change))).toBe(behind));
