/** What is true, from the index and what else is known: one condition for one cause. */
import { describe, expect, it } from 'vitest';
import { createGatherer, type Facts } from '../../src/alerts/gather.ts';
import type { MassState } from '../../src/alerts/mass.ts';
import type { IndexEntry } from '../../src/connection/entry.ts';
import type { Urgency } from '../../src/connection/urgency.ts';

const now = 1_800_000_000_000;
const minute = 60_000;
const hour = 60 * minute;
const at = { provider: 'acme-sign', environment: 'production', client: 'main', host: 'acme.test' };
const entry = (id: string, more: Partial<IndexEntry> = {}): IndexEntry => ({
  id,
  at,
  state: 'active',
  reason: 'none',
  since: now - minute,
  seen: '',
  fingerprint: id,
  nextAt: now,
  deadlineAt: now + 86_400_000,
  clock: 'idle',
  estimated: false,
  extendedAt: now - 86_400_000,
  failures: 0,
  ...more,
});
const health = {
  breaker: 'closed',
  breakerReason: '',
  openedAt: null,
  nextProbeAt: null,
  lastSuccessAt: null,
  suspects: 0,
  heldUntil: 0,
  secret: 'current',
} as const;
const quiet: Facts = { clients: [], lamps: [], channels: [], foreign: [], mass: new Map() };

function gathered(entries: readonly IndexEntry[], facts: Partial<Facts> = {}, urgency: Urgency = 'none') {
  const gatherer = createGatherer(now, { install: 'test', urgencyOf: () => urgency }, { ...quiet, ...facts });
  gatherer.add(entries);
  return gatherer.result();
}
const kinds = (...given: Parameters<typeof gathered>) =>
  gathered(...given).conditions.map(({ kind, severity, key }) => `${kind} ${severity} ${key}`);
const many = (count: number, more: Partial<IndexEntry>) =>
  Array.from({ length: count }, (_, n) => entry(`c${n}`, more));

describe('a connection', () => {
  it.each<[string, Partial<IndexEntry>, Urgency, readonly string[]]>([
    ['that is scheduled in time', {}, 'page', []],
    ['that is due and not near its end', { nextAt: now - 2 * hour }, 'warn', []],
    [
      'that nobody refreshes though it is due, near its end',
      { nextAt: now - hour },
      'page',
      ['deadline_near page test/connection/a/refresh'],
    ],
    [
      'that nobody has refreshed, dead',
      { nextAt: now - 19 * 24 * hour },
      'over',
      ['deadline_near page test/connection/a/refresh'],
    ],
    [
      'that needs a consent',
      { state: 'reauth_required', reason: 'invalid_grant' },
      'none',
      ['reauth_required page test/connection/a/consent'],
    ],
    [
      'that cannot be kept, on its first day',
      { state: 'unkeepable', clock: 'absolute' },
      'none',
      ['cannot_be_kept warn test/connection/a/consent'],
    ],
    [
      'that cannot be kept, at its end',
      { state: 'unkeepable', clock: 'absolute' },
      'page',
      ['absolute_limit_near page test/connection/a/consent'],
    ],
    ['whose final limit comes', { clock: 'absolute' }, 'warn', ['absolute_limit_near warn test/connection/a/consent']],
    ['that is refused, with time left', { state: 'suspect', reason: 'invalid_grant' }, 'warn', []],
    [
      'that is refused, with none',
      { state: 'suspect', reason: 'invalid_grant' },
      'page',
      ['refused_near_deadline page test/connection/a/consent'],
    ],
    [
      'whose token is in doubt and not sent again, on its first day',
      { state: 'suspect', reason: 'unknown_outcome', nextAt: null },
      'none',
      ['token_in_doubt warn test/connection/a/consent'],
    ],
    [
      'whose token is in doubt and not sent again, near its end',
      { state: 'suspect', reason: 'unknown_outcome', nextAt: null },
      'page',
      ['token_in_doubt page test/connection/a/consent'],
    ],
    ['that fails, with time left', { state: 'retrying', reason: 'network' }, 'none', []],
    [
      'that fails near its deadline',
      { state: 'retrying', reason: 'network' },
      'warn',
      ['deadline_near warn test/connection/a/refresh'],
    ],
    ['that waits for its client near its deadline', { state: 'blocked', reason: 'client_rejected' }, 'warn', []],
    [
      'that waits for its client and dies',
      { state: 'blocked', reason: 'client_rejected' },
      'over',
      ['deadline_near page test/connection/a/refresh'],
    ],
    [
      'nobody understands',
      { state: 'quarantined', reason: 'answer_not_understood' },
      'none',
      ['quarantined page test/connection/a/answer'],
    ],
    [
      'whose secret is broken',
      { state: 'invalid', reason: 'content_not_json' },
      'none',
      ['secret_invalid warn test/connection/a/secret'],
    ],
  ])('%s', (_, more, urgency, told) => {
    expect(kinds([entry('a', more)], {}, urgency)).toEqual(told);
  });
});

describe('one wrong client secret', () => {
  it('is one condition for all its connections, and says how many', () => {
    const blocked = many(5_000, { state: 'blocked', reason: 'client_rejected' });
    const clients = [
      { at, health: { ...health, breaker: 'open' as const, breakerReason: 'invalid_client', openedAt: now } },
    ];
    const { conditions } = gathered(blocked, { clients });
    expect(conditions).toMatchObject([
      {
        kind: 'client_rejected',
        key: 'test/client/acme-sign/production/main@acme.test',
        hits: { count: 5_000, of: 5_000 },
      },
    ]);
  });
});

describe('a mass of refusals', () => {
  const suspects = (count: number, since = now - minute) =>
    many(count, { state: 'suspect', reason: 'invalid_grant', since });
  const flagged = (count: number) => many(count, { state: 'reauth_required', reason: 'invalid_grant' });

  it('begins above twenty within a quarter of an hour, and above one in twenty where there are many', () => {
    expect(gathered(suspects(20)).mass.size).toBe(0);
    expect(gathered(suspects(21)).mass.get('acme-sign')).toEqual({ since: now - 15 * minute });
    expect(gathered([...suspects(50), ...many(950, {})]).mass.size).toBe(0);
    expect(gathered([...suspects(51), ...many(949, {})]).mass.size).toBe(1);
    expect(gathered(suspects(21, now - 16 * minute)).mass.size).toBe(0);
  });

  it('is told once in place of each, held or confirmed', () => {
    const mass = new Map<string, MassState>([['acme-sign', { since: now - hour }]]);
    expect(kinds(flagged(30), { mass })).toEqual(['mass_revocation page test/mass_revocation/acme-sign']);
    const confirmed = new Map<string, MassState>([['acme-sign', { since: now - hour, confirmedAt: now }]]);
    const { conditions, mass: after } = gathered(flagged(30), { mass: confirmed });
    expect(conditions).toMatchObject([{ kind: 'mass_revocation', hits: { count: 30, of: 30 } }]);
    expect(after.get('acme-sign')?.confirmedAt).toBe(now);
  });

  it('ends when half of what began it is left; those are then told one by one', () => {
    const mass = new Map<string, MassState>([['acme-sign', { since: now - hour }]]);
    const { conditions, mass: after } = gathered([...flagged(10), ...many(90, {})], { mass });
    expect(after.size).toBe(0);
    expect(conditions).toHaveLength(10);
  });
});

describe('what many share', () => {
  const failing = (count: number, reason: IndexEntry['reason'], ms: number) =>
    many(count, { state: 'retrying', reason, since: now - ms });

  it('a provider that answers nobody is told after ten minutes without a success', () => {
    expect(kinds(failing(3, 'network', 10 * minute))).toEqual(['provider_down warn test/provider_down/acme-sign']);
    expect(kinds(failing(2, 'network', 10 * minute))).toEqual([]);
    expect(kinds(failing(3, 'network', 9 * minute))).toEqual([]);
    const clients = [{ at, health: { ...health, lastSuccessAt: now - minute } }];
    expect(kinds(failing(3, 'network', 10 * minute), { clients })).toEqual([]);
  });

  it('a store that denies or throttles is told once, over all providers', () => {
    const other = { ...at, provider: 'other-sign' };
    const hit = [
      ...failing(3, 'store_denied', 0),
      entry('z', { at: other, state: 'retrying', reason: 'store_denied' }),
    ];
    expect(gathered(hit).conditions).toMatchObject([
      { kind: 'store_denied', severity: 'page', hits: { count: 4, of: 4 } },
    ]);
    expect(kinds(failing(1, 'store_throttled', 0))).toEqual(['store_throttled warn test/store_throttled']);
  });

  it('sealed answers warn after five minutes and page after thirty', () => {
    const sealed = (ms: number) => many(2, { state: 'sealed', reason: 'store_unavailable', since: now - ms });
    expect(kinds(sealed(4 * minute))).toEqual(['store_down page test/store_down']);
    expect(kinds(sealed(5 * minute))).toContain('spool_not_empty warn test/spool_not_empty');
    expect(kinds(sealed(30 * minute))).toContain('spool_not_empty page test/spool_not_empty');
  });

  it('a scheduler that missed three runs and a minute is stale, by the clock of who looks', () => {
    const lamp = (unchangedMs: number, lastAt: number | null = 0) => ({
      lamps: [{ name: 'sweep', lastAt, everyMs: 10_000, unchangedMs }],
    });
    expect(kinds([], lamp(90_000))).toEqual(['scheduler_stale page test/scheduler_stale/sweep']);
    expect(kinds([], lamp(89_999))).toEqual([]);
    expect(gathered([], lamp(90_000, null)).conditions).toMatchObject([{ since: now - 90_000, detail: 'sweep' }]);
  });

  it('a foreign refresh stands for a day, and a failing channel as long as it fails', () => {
    const met = (ms: number) => ({ foreign: [{ connection: 'a', provider: 'acme-sign', at: now - ms }] });
    expect(kinds([], met(hour))).toEqual(['foreign_writer warn test/connection/a/writer']);
    expect(kinds([], met(24 * hour))).toEqual([]);
    const channels = [{ name: 'pager', failingSince: now, why: 'HTTP 403' }];
    expect(gathered([], { channels }).conditions).toMatchObject([{ about: { channel: 'pager' }, detail: 'HTTP 403' }]);
  });
});
