/** When a connection dies and when it is refreshed, by the rules in the shipped provider files. */
import { describe, expect, it } from 'vitest';
import { assessLife } from '../../src/connection/lifetime.ts';
import { day, factsOf, hour, iso, lifeOf, on, ourToken, refreshedByUs } from '../support/fakes/lives.ts';

/** A third of an idle window, and the spread around it. */
const third = (days: number) => [on((days / 3) * 0.9), on((days / 3) * 1.1)] as const;

function expectWithin(at: number | null, [from, to]: readonly [number, number]): void {
  expect(at).toBeGreaterThanOrEqual(from);
  expect(at).toBeLessThanOrEqual(to);
}

describe('a DocuSign connection', () => {
  const extended = { scope: 'signature extended' };

  it('consented with extended lives 30 days from each refresh, and is refreshed after a third of them', () => {
    const { holds, own } = refreshedByUs(0);
    const life = lifeOf('docusign', { holds: { ...holds, ...extended, consented_at: iso(-400) }, own });
    expect(life).toMatchObject({
      deadlineAt: on(30),
      clock: 'idle',
      estimated: false,
      provenEndAt: null,
      unkeepable: false,
      extendedAt: on(0),
      spanMs: 30 * day,
    });
    expectWithin(life.dueAt, third(30));
  });

  it.each([
    'signature extended',
    'extended,signature',
    'signature+extended',
    'extended',
  ])('finds extended in the scope %j', (scope) => {
    expect(lifeOf('docusign', { holds: { scope } }).lifetime).toEqual({ idleMs: 30 * day, clear: true });
  });

  it('consented without extended dies 30 days after consent, proven, and is never refreshed', () => {
    for (const scope of ['signature', 'signature extended_other']) {
      const life = lifeOf('docusign', { holds: { scope, consented_at: iso(-10), refreshed_at: iso(-1) } });
      expect(life).toMatchObject({
        deadlineAt: on(20),
        clock: 'absolute',
        estimated: false,
        provenEndAt: on(20),
        dueAt: null,
        unkeepable: true,
      });
      expect(life.lifetime.advice).toContain('extended');
    }
  });

  it('of unknown scope is refreshed as if it helped and warned about as if it did not', () => {
    const { holds, own } = refreshedByUs(-2);
    const life = lifeOf('docusign', { holds: { ...holds, consented_at: iso(-20) }, own });
    expect(life).toMatchObject({ deadlineAt: on(10), clock: 'absolute', estimated: true, provenEndAt: null });
    expectWithin(life.dueAt, [on(6.9), on(9.1)]);
  });

  it('of unknown scope that lives on past 30 days has shown that refreshing helps', () => {
    const { holds, own } = refreshedByUs(-2);
    const life = lifeOf('docusign', { holds: { ...holds, consented_at: iso(-40) }, own });
    expect(life).toMatchObject({ deadlineAt: on(28), clock: 'idle', estimated: true, provenEndAt: null });
  });
});

describe('an Adobe connection', () => {
  it.each([
    ['adobe-acrobat-sign', 60],
    ['adobe-acrobat-sign-gov', 30],
  ] as const)('of %s lives %i days from its last use', (provider, days) => {
    const life = lifeOf(provider, refreshedByUs(0));
    expect(life).toMatchObject({ deadlineAt: on(days), clock: 'idle', estimated: false, provenEndAt: null });
    expectWithin(life.dueAt, third(days));
  });
});

describe('an eSignGlobal connection', () => {
  const at = (refreshed: number, consented: number, now = refreshed) => {
    const { holds, own } = refreshedByUs(refreshed);
    return lifeOf('esignglobal', { holds: { ...holds, consented_at: iso(consented) }, own, facts: { now: on(now) } });
  };

  it('in the middle of its year is ruled by the 30 days', () => {
    const life = at(0, -100);
    expect(life).toMatchObject({ deadlineAt: on(30), clock: 'idle', provenEndAt: on(265), unkeepable: false });
    expectWithin(life.dueAt, third(30));
  });

  it('is refreshed for the last time while that still reaches further, and not once the year’s end is nearer', () => {
    expect(at(0, -334)).toMatchObject({ clock: 'idle', unkeepable: false });
    expect(at(0, -336)).toMatchObject({
      deadlineAt: on(29),
      clock: 'absolute',
      provenEndAt: on(29),
      dueAt: null,
      unkeepable: true,
      spanMs: 365 * day,
    });
  });

  it('never falls due after the year’s end', () => {
    for (let consented = -365; consented < -300; consented++) {
      const life = at(0, consented);
      if (life.dueAt !== null) expect(life.dueAt).toBeLessThanOrEqual(life.deadlineAt ?? 0);
    }
  });

  it('without a consent date is warned about a year after its earliest sign of life, however often it is refreshed', () => {
    const { holds } = refreshedByUs(0);
    const own = { token: 'aaaaaaaaaaaa', extended_at: iso(0), first_seen_at: iso(-350), spent: [] };
    const life = lifeOf('esignglobal', { holds, own });
    expect(life).toMatchObject({ deadlineAt: on(15), clock: 'absolute', estimated: true, provenEndAt: null });
    expect(life.unkeepable).toBe(false);
    expectWithin(life.dueAt, third(30));
  });

  it('that outlives an assumed end has a new one a year on, and asks the provider no oftener for it', () => {
    const { holds } = refreshedByUs(0);
    const own = { token: 'aaaaaaaaaaaa', extended_at: iso(0), first_seen_at: iso(-365), spent: [] };
    const life = lifeOf('esignglobal', { holds, own });
    expect(life).toMatchObject({ deadlineAt: on(30), clock: 'idle', provenEndAt: null });
    expectWithin(life.dueAt, third(30));
  });
});

describe('a generic connection', () => {
  it('ends when the provider said its token would, if that is sooner, and is refreshed in good time before', () => {
    const own = { ...refreshedByUs(0).own, refresh_expires_at: iso(3) };
    const life = lifeOf('oauth2', { own });
    expect(life).toMatchObject({ deadlineAt: on(3), clock: 'idle', estimated: false, spanMs: 3 * day });
    expectWithin(life.dueAt, third(3));
  });

  it('ignores what was said of a token that is no longer there', () => {
    const own = { ...refreshedByUs(0).own, token: 'cccccccccccc', refresh_expires_at: iso(3) };
    expect(lifeOf('oauth2', { own }).deadlineAt).toBe(on(30));
  });

  it('ignores an end that would be refreshed towards without end', () => {
    const own = { ...refreshedByUs(0).own, refresh_expires_at: new Date(on(0) + 1_000).toISOString() };
    expect(lifeOf('oauth2', { own }).deadlineAt).toBe(on(30));
  });
});

describe('due', () => {
  it('is spread by at most a tenth, the same for a connection everywhere and always', () => {
    const ids = Array.from({ length: 400 }, (_, n) => `customers/${n}`);
    const due = ids.map((id) => lifeOf('adobe-acrobat-sign', { ...refreshedByUs(0), facts: { id } }).dueAt ?? 0);
    for (const at of due) expectWithin(at, third(60));
    expect(Math.min(...due)).toBeLessThan(on(20 * 0.92));
    expect(Math.max(...due)).toBeGreaterThan(on(20 * 1.08));
    const again = ids.map((id) => lifeOf('adobe-acrobat-sign', { ...refreshedByUs(0), facts: { id } }).dueAt ?? 0);
    expect(again).toEqual(due);
  });

  it('follows refresh-every, spread to the early side only', () => {
    for (const id of ['a', 'b', 'c', 'd', 'e', 'f']) {
      const overrides = { refreshEveryMs: 50 * day };
      const { dueAt } = lifeOf('adobe-acrobat-sign', { ...refreshedByUs(0), facts: { id, overrides } });
      expectWithin(dueAt, [on(45), on(50)]);
    }
  });

  it('takes the provider’s refreshEvery, and the connection’s own before it', () => {
    const facts = factsOf('adobe-acrobat-sign', refreshedByUs(0));
    const provider = { ...facts.provider, refreshEvery: 12 * day };
    expectWithin(assessLife({ ...facts, provider }).dueAt, [on(10.8), on(12)]);
    const overrides = { refreshEveryMs: 6 * day };
    expectWithin(assessLife({ ...facts, provider, overrides }).dueAt, [on(5.4), on(6)]);
  });

  it('stays ahead of the deadline even where refresh-every lies behind it', () => {
    for (const every of [30, 31, 90, 5_000]) {
      const overrides = { refreshEveryMs: every * day };
      expect(lifeOf('oauth2', { ...refreshedByUs(0), facts: { overrides } }).dueAt).toBeLessThanOrEqual(on(27));
    }
  });

  it('comes no later than a deadline that lies between two milliseconds', () => {
    const known = { fingerprint: ourToken, extendedAt: on(0) - 0.25 };
    const overrides = { idleMs: 90 * day };
    const { dueAt, deadlineAt } = lifeOf('docusign', { facts: { known, overrides } });
    expect(deadlineAt).toBe(on(30) - 0.25);
    expect(dueAt).toBe(on(30) - 1);
  });

  it('follows an overridden life', () => {
    const overrides = { idleMs: 9 * day, absoluteMs: 40 * day };
    const { holds, own } = refreshedByUs(0);
    const life = lifeOf('adobe-acrobat-sign', {
      holds: { ...holds, consented_at: iso(-35) },
      own,
      facts: { overrides },
    });
    expect(life).toMatchObject({ deadlineAt: on(5), provenEndAt: on(5), unkeepable: true });
  });
});

describe('keeping the access token', () => {
  const keeping = (holds: Record<string, unknown>, more: Parameters<typeof factsOf>[1] = {}) =>
    assessLife(factsOf('docusign', { ...more, holds, facts: { keepAccessToken: true, ...more.facts } }));

  it('falls due a tenth of its life before its end, five minutes at least', () => {
    const own = refreshedByUs(0).own;
    const eight = keeping({ refreshed_at: iso(0), expires_at: new Date(on(0) + 8 * hour).toISOString() }, { own });
    expect(eight.dueAt).toBe(on(0) + 7.2 * hour);
    const short = keeping({ refreshed_at: iso(0), expires_at: new Date(on(0) + hour / 2).toISOString() }, { own });
    expect(short.dueAt).toBe(on(0) + hour / 2 - 300_000);
  });

  it('serves a connection that cannot be extended too, to its end', () => {
    const life = keeping(
      { refreshed_at: iso(0), scope: 'signature', consented_at: iso(-3) },
      { own: refreshedByUs(0).own },
    );
    expect(life).toMatchObject({ dueAt: on(0) + 7.2 * hour, unkeepable: false, provenEndAt: on(27) });
  });

  it.each([
    ['in the past', iso(-300)],
    ['of the same instant', iso(0)],
    ['a second later', new Date(on(0) + 1_000).toISOString()],
  ])('never loops over an expiry %s', (_, expires) => {
    const { dueAt } = keeping({ refreshed_at: iso(0), expires_at: expires }, { own: refreshedByUs(0).own });
    expect(dueAt).toBe(on(0) + 900_000);
  });

  it('asks no oftener than the store can keep versions of, however short an access token lives', () => {
    for (const lifeMinutes of [1, 5, 15, 29, 31]) {
      const expires = new Date(on(0) + lifeMinutes * 60_000).toISOString();
      const { dueAt } = keeping({ refreshed_at: iso(0), expires_at: expires }, { own: refreshedByUs(0).own });
      expect(day / ((dueAt ?? 0) - on(0))).toBeLessThanOrEqual(96);
    }
  });

  it('believes no expiry beyond the provider’s longest life', () => {
    const { dueAt } = keeping({ refreshed_at: iso(0), expires_at: iso(3_000) }, { own: refreshedByUs(0).own });
    expect(dueAt).toBe(on(0) + 24 * hour * 0.9);
  });

  it('does not fight an application that refreshes by itself and leaves our note of the last refresh as it was', () => {
    const own = { ...refreshedByUs(-20).own, token: 'bbbbbbbbbbbb' };
    const holds = { refreshed_at: iso(-20), expires_at: new Date(on(0) + 8 * hour).toISOString() };
    const known = { fingerprint: 'bbbbbbbbbbbb', extendedAt: on(-1) };
    expect(keeping(holds, { own, facts: { known } }).dueAt).toBe(on(0) + 7.2 * hour);
  });
});
