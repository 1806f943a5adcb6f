/** From what is true to what is told: once, worse, over, and never lost. */
import { describe, expect, it } from 'vitest';
import type { Condition } from '../../src/alerts/condition.ts';
import { digestOf } from '../../src/alerts/digest.ts';
import { type Incident, type Orders, reconcile } from '../../src/alerts/incident.ts';
import { channelsFor, isSettled, owedTo } from '../../src/alerts/routes.ts';

const minute = 60_000;
const hour = 60 * minute;
const t0 = 1_800_000_000_000;
const policy = { flapGuardMs: 10 * minute, remindMs: 24 * hour };
const nobody: Orders = { resolve: new Set(), snooze: new Map() };

const condition = (more: Partial<Condition> = {}): Condition => ({
  key: 'production/client/acme',
  kind: 'client_rejected',
  severity: 'page',
  about: { provider: 'acme', client: 'main' },
  since: t0,
  ...more,
});

/** Looks at the given instants; what was true at each. */
function looks(steps: readonly (readonly [at: number, conditions: readonly Condition[], orders?: Orders])[]) {
  let known = new Map<string, Incident>();
  return steps.map(([at, conditions, orders = nobody]) => {
    const next = reconcile(known, conditions, orders, t0 + at, policy);
    known = new Map(next.map((one) => [one.key, one]));
    return next.map(({ event, sequence, severity, endedAt }) => ({
      event,
      sequence,
      severity,
      over: endedAt !== undefined,
    }));
  });
}

const open = { event: 'opened', sequence: 1, severity: 'page', over: false };

describe('an incident', () => {
  it('is told once, however often it is looked at', () => {
    expect(looks([0, 15_000, 30_000, hour].map((at) => [at, [condition()]]))).toEqual([[open], [open], [open], [open]]);
  });

  it('is told again where it got worse, is called otherwise, or hits twice as many', () => {
    const sequences = looks([
      [0, [condition({ severity: 'warn', hits: { count: 8, of: 100 } })]],
      [1, [condition({ severity: 'warn', hits: { count: 11, of: 100 } })]],
      [2, [condition({ severity: 'page', hits: { count: 11, of: 100 } })]],
      [3, [condition({ severity: 'page', hits: { count: 22, of: 100 } })]],
      [4, [condition({ severity: 'warn', hits: { count: 22, of: 100 } })]],
      [5, [condition({ severity: 'warn', kind: 'provider_down', hits: { count: 22, of: 100 } })]],
    ]).map(([one]) => one?.sequence);
    expect(sequences).toEqual([1, 1, 2, 3, 3, 4]);
  });

  it('that pages is told again after a day; one that warns is not', () => {
    const [, , page] = looks([0, 23 * hour, 24 * hour].map((at) => [at, [condition()]]));
    expect(page).toEqual([{ ...open, event: 'reminder', sequence: 2 }]);
    const [, warned] = looks([0, 24 * hour].map((at) => [at, [condition({ severity: 'warn' })]]));
    expect(warned).toEqual([{ ...open, severity: 'warn' }]);
  });

  it('is over when it was gone for the guard’s time, and not when it was gone for less', () => {
    expect(
      looks([
        [0, [condition()]],
        [minute, []],
        [10 * minute, []],
        [10.5 * minute, [condition()]],
        [11 * minute, []],
        [21 * minute, []],
        [22 * minute, []],
      ]),
    ).toEqual([
      [open],
      [open],
      [open],
      [open],
      [open],
      [{ ...open, event: 'resolved', sequence: 2, over: true }],
      [{ ...open, event: 'resolved', sequence: 2, over: true }],
    ]);
  });

  it('of a consent is over at once: a new grant cannot flap', () => {
    const needs = condition({ kind: 'reauth_required', key: 'production/connection/a/consent' });
    expect(
      looks([
        [0, [needs]],
        [1, []],
      ])[1],
    ).toEqual([{ ...open, event: 'resolved', sequence: 2, over: true }]);
  });

  it('that comes back after its end is a new one; within the guard’s time it is nothing', () => {
    const needs = condition({ kind: 'reauth_required' });
    const all = looks([
      [0, [needs]],
      [minute, []],
      [2 * minute, [needs]],
      [12 * minute, [needs]],
    ]);
    expect(all[2]?.[0]).toMatchObject({ event: 'resolved', over: true });
    // It counts on: whoever heard the end is behind again.
    expect(all[3]?.[0]).toMatchObject({ event: 'opened', sequence: 3, over: false });
  });

  it('is closed and put off by a person, and put off is not told', () => {
    const orders = { resolve: new Set(['production/client/acme']), snooze: new Map() };
    expect(
      looks([
        [0, [condition()]],
        [1, [condition()], orders],
      ])[1]?.[0],
    ).toMatchObject({ over: true });
    const until = { until: t0 + 48 * hour, reason: 'known' };
    const put = { resolve: new Set<string>(), snooze: new Map([['production/client/acme', until]]) };
    const later = looks([
      [0, [condition()]],
      [1, [condition()], put],
      [30 * hour, [condition()]],
      [49 * hour, [condition()]],
    ]).map(([one]) => one?.event);
    expect(later).toEqual(['opened', 'opened', 'opened', 'reminder']);
  });
});

describe('the daily digest', () => {
  const warns = (n: number, more: Partial<Incident> = {}): Incident => ({
    ...condition({ key: `k${n}`, kind: 'deadline_near', severity: 'warn', about: { connection: `c${n}` } }),
    openedAt: t0,
    sequence: 1,
    event: 'opened',
    toldAt: t0,
    ...more,
  });
  const eight = Date.UTC(2027, 0, 15, 8);
  const at = (now: number, incidents: readonly Incident[]) => digestOf('production', incidents, 8 * hour, now);

  it('is one message for an hour a day, under the key of that day', () => {
    const key = 'production/daily_digest/2027-01-15';
    expect(at(eight - 1, [warns(1)])).toBeUndefined();
    expect(at(eight, [warns(1)])).toMatchObject({ key, detail: 'Deadline near and refreshes fail: c1' });
    expect(at(eight + hour - 1, [warns(1)])).toMatchObject({ key });
    expect(at(eight + hour, [warns(1)])).toBeUndefined();
    expect(at(eight + 24 * hour, [warns(1)])).toMatchObject({ key: 'production/daily_digest/2027-01-16' });
  });

  it('names a few and counts the rest; pages, what is over and what is put off are not in it', () => {
    const others = [
      warns(1, { severity: 'page' }),
      warns(2, { endedAt: t0 }),
      warns(3, { snoozedUntil: eight + hour }),
    ];
    expect(at(eight, others)).toBeUndefined();
    const many = Array.from({ length: 20 }, (_, n) => warns(n));
    expect(at(eight, [...others, ...many])?.detail).toMatch(/: c7; and 12 more$/);
  });

  it('is told once, and its end is told to nobody', () => {
    const digest = at(eight, [warns(1)]);
    if (digest === undefined) throw new Error('nothing to tell');
    const open = { ...digest, openedAt: eight, sequence: 1, event: 'opened' as const, toldAt: eight };
    const [over] = reconcile(new Map([[open.key, open]]), [], nobody, eight + hour, policy);
    expect(over).toMatchObject({ endedAt: eight + hour });
    if (over !== undefined) expect(owedTo(over, { sequence: 1, at: eight, tries: 0 }, eight + hour)).toBeUndefined();
  });
});

describe('a channel', () => {
  const incident: Incident = { ...condition(), openedAt: t0, sequence: 3, event: 'updated', toldAt: t0 };

  it('that was away hears of the newest state as of something new', () => {
    expect(owedTo(incident, undefined, t0)).toEqual({ event: 'opened' });
    expect(owedTo(incident, { sequence: 2, at: t0, tries: 0 }, t0)).toEqual({ event: 'updated' });
    expect(owedTo(incident, { sequence: 3, at: t0, tries: 0 }, t0)).toBeUndefined();
    expect(owedTo(incident, { sequence: 2, at: t0, tries: 1, notBefore: t0 + 1 }, t0)).toBeUndefined();
  });

  it('hears of an end only where it has heard of a beginning, or the memory of that was lost', () => {
    const over: Incident = { ...incident, event: 'resolved', endedAt: t0 };
    expect(owedTo(over, undefined, t0)).toBeUndefined();
    expect(isSettled(over, undefined)).toBe(true);
    expect(owedTo(over, { sequence: 2, at: t0, tries: 0 }, t0)).toEqual({ event: 'resolved' });
    expect(isSettled(over, { sequence: 2, at: t0, tries: 4, notBefore: t0 + hour })).toBe(false);
    expect(isSettled(over, { sequence: 3, at: t0, tries: 0 })).toBe(true);
    expect(owedTo({ ...over, recalled: true }, undefined, t0)).toEqual({ event: 'resolved' });
    expect(isSettled(incident, { sequence: 3, at: t0, tries: 0 })).toBe(false);
  });

  it('hears of what began again as of something new, whatever it missed of the time before', () => {
    const again: Incident = { ...incident, sequence: 6, firstSequence: 6, event: 'opened' };
    const over: Incident = { ...again, sequence: 8, event: 'resolved', endedAt: t0 };
    const took = (sequence: number) => ({ sequence, at: t0, tries: 0 });
    for (const sequence of [0, 2, 5]) {
      expect(owedTo(again, took(sequence), t0)).toEqual({ event: 'opened' });
      expect(owedTo({ ...again, sequence: 7, event: 'updated' }, took(sequence), t0)).toEqual({ event: 'opened' });
    }
    expect(owedTo({ ...again, sequence: 7, event: 'updated' }, took(6), t0)).toEqual({ event: 'updated' });
    // Whoever took it for open all the time hears its end; whoever took the end before, and nothing since, does not.
    for (const sequence of [2, 6, 7]) expect(owedTo(over, took(sequence), t0)).toEqual({ event: 'resolved' });
    for (const sequence of [0, 5, 8]) expect(isSettled(over, took(sequence))).toBe(true);
  });

  it('hears nothing of what is put off, until the time is over', () => {
    const put = { ...incident, snoozedUntil: t0 + hour };
    expect(owedTo(put, undefined, t0)).toBeUndefined();
    expect(owedTo(put, undefined, t0 + hour)).toEqual({ event: 'opened' });
    expect(owedTo({ ...put, endedAt: t0, event: 'resolved' }, { sequence: 2, at: t0, tries: 0 }, t0)).toEqual({
      event: 'resolved',
    });
  });

  it('hears what its routes say, everything where there are none, and never of its own failure', () => {
    const all = ['pager', 'chat'];
    expect(channelsFor(incident, all, [])).toEqual(all);
    const routes = [
      { channel: 'pager', severities: ['page'], providers: ['acme'] },
      { channel: 'chat', owners: ['team-a'] },
    ] as const;
    expect(channelsFor(incident, all, routes)).toEqual(['pager']);
    expect(channelsFor({ ...incident, owner: 'team-a', severity: 'warn' }, all, routes)).toEqual(['chat']);
    expect(channelsFor({ ...incident, about: { channel: 'pager' } }, all, [])).toEqual(['chat']);
  });
});
