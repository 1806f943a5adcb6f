/** What counts as the start of an idle clock, who else refreshes, and what proves nothing. */
import { describe, expect, it } from 'vitest';
import { day, iso, lifeOf, on, ourToken, refreshedByUs, theirToken } from '../support/fakes/lives.ts';

const extended = { scope: 'signature extended' };

describe('the idle clock', () => {
  it('starts with our own refresh while the token is the one we wrote, whenever the version was made', () => {
    for (const versionCreatedAt of [on(0), on(5), on(29)]) {
      const life = lifeOf('oauth2', { ...refreshedByUs(0), facts: { versionCreatedAt } });
      expect(life).toMatchObject({ extendedAt: on(0), deadlineAt: on(30), estimated: false, foreignSpender: false });
    }
  });

  it('is not moved by an application that only saves another field', () => {
    const facts = { versionCreatedAt: on(9), known: { fingerprint: ourToken, extendedAt: on(0) } };
    expect(lifeOf('oauth2', { ...refreshedByUs(0), facts }).extendedAt).toBe(on(0));
  });

  it('is moved by an application that refreshes and writes back', () => {
    const known = { fingerprint: ourToken, extendedAt: on(0) };
    const facts = { fingerprint: theirToken, versionCreatedAt: on(9), known };
    expect(lifeOf('oauth2', { ...refreshedByUs(0), facts })).toMatchObject({ extendedAt: on(9), deadlineAt: on(39) });
  });

  it('stays with the token then, though versions follow', () => {
    const known = { fingerprint: theirToken, extendedAt: on(9) };
    const facts = { fingerprint: theirToken, versionCreatedAt: on(20), known };
    expect(lifeOf('oauth2', { ...refreshedByUs(0), facts })).toMatchObject({ extendedAt: on(9), deadlineAt: on(39) });
  });

  it('does not lie ahead, whatever was indexed under a calendar that was', () => {
    const facts = { versionCreatedAt: on(0), now: on(0), known: { fingerprint: ourToken, extendedAt: on(40) } };
    expect(lifeOf('oauth2', { facts })).toMatchObject({ extendedAt: null, estimated: true, deadlineAt: on(30) });
  });

  it('takes the application’s own word for when it refreshed', () => {
    const { own } = refreshedByUs(0);
    const facts = { fingerprint: theirToken, versionCreatedAt: on(9) };
    const life = lifeOf('oauth2', { holds: { refreshed_at: iso(8) }, own, facts });
    expect(life).toMatchObject({ extendedAt: on(8), estimated: false });
  });

  it('does not take our own note of before for the application’s word', () => {
    const facts = {
      fingerprint: theirToken,
      versionCreatedAt: on(9),
      known: { fingerprint: ourToken, extendedAt: on(0) },
    };
    expect(lifeOf('oauth2', { ...refreshedByUs(0), facts }).extendedAt).toBe(on(9));
  });

  it('does not take a word from after the version it stands in', () => {
    const life = lifeOf('oauth2', { holds: { refreshed_at: iso(2) }, facts: { versionCreatedAt: on(0) } });
    expect(life).toMatchObject({ extendedAt: null, estimated: true });
  });

  it('of a token changed while nobody watched is assumed to have started at our own refresh, the earliest there is', () => {
    const facts = { fingerprint: theirToken, versionCreatedAt: on(60) };
    const life = lifeOf('oauth2', { ...refreshedByUs(40), facts });
    expect(life).toMatchObject({ extendedAt: null, deadlineAt: on(70), estimated: true, provenEndAt: null });
    expect(life.dueAt).toBeLessThan(on(63));
  });

  it('that nothing is known of is due at once, its deadline estimated, and nothing proven', () => {
    const unknown = lifeOf('oauth2', { facts: { versionCreatedAt: on(-3) } });
    expect(unknown).toMatchObject({ dueAt: on(-3), deadlineAt: on(27), extendedAt: null, estimated: true });
    const consented = lifeOf('esignglobal', { holds: { consented_at: iso(-50) } });
    expect(consented).toMatchObject({ dueAt: on(-50), deadlineAt: on(-20), clock: 'idle', estimated: true });
    expect(consented.provenEndAt).toBe(on(315));
  });

  it('in the index counts for the token it was seen with and for no other', () => {
    const told = (fingerprint: string) => ({ facts: { known: { fingerprint, extendedAt: on(-4) } } });
    expect(lifeOf('oauth2', told(ourToken))).toMatchObject({ extendedAt: on(-4), estimated: false });
    expect(lifeOf('oauth2', told('')).extendedAt).toBeNull();
    expect(lifeOf('oauth2', { facts: { known: { fingerprint: ourToken, extendedAt: null } } }).extendedAt).toBeNull();
  });
});

describe('somebody else who refreshes', () => {
  it('is known by a token we did not write, and leaves us the idle connections: due at two thirds', () => {
    const facts = { fingerprint: theirToken, known: { fingerprint: theirToken, extendedAt: on(0) } };
    const life = lifeOf('oauth2', { ...refreshedByUs(-5), facts });
    expect(life.foreignSpender).toBe(true);
    expect(life.dueAt).toBeGreaterThanOrEqual(on(18));
    expect(life.dueAt).toBeLessThanOrEqual(on(22));
  });

  it('is remembered for two idle windows', () => {
    const own = (days: number) => ({ ...refreshedByUs(0).own, foreign_at: iso(days) });
    expect(lifeOf('oauth2', { own: own(-59) }).foreignSpender).toBe(true);
    expect(lifeOf('oauth2', { own: own(-61) }).foreignSpender).toBe(false);
  });

  it('is not the customer who authorised again', () => {
    const { own } = refreshedByUs(-20);
    const facts = { fingerprint: theirToken, versionCreatedAt: on(0) };
    const life = lifeOf('oauth2', { holds: { refreshed_at: iso(-20), consented_at: iso(0) }, own, facts });
    expect(life).toMatchObject({ foreignSpender: false, extendedAt: on(0), deadlineAt: on(30), estimated: false });
  });
});

describe('the absolute end', () => {
  it('is proven by a written consent and a clear rule only', () => {
    const holds = { consented_at: iso(-100), refreshed_at: iso(0) };
    expect(lifeOf('esignglobal', { holds }).provenEndAt).toBe(on(265));
    expect(lifeOf('esignglobal', { holds: { refreshed_at: iso(0) } }).provenEndAt).toBeNull();
    expect(lifeOf('docusign', { holds }).provenEndAt).toBeNull();
    expect(lifeOf('docusign', { holds: { ...holds, ...extended } }).provenEndAt).toBeNull();
  });

  it('is not proven where an application brought the token: it may come from a consent nobody wrote down', () => {
    const holds = { scope: 'signature', consented_at: iso(-40) };
    const { own } = refreshedByUs(-35);
    const facts = {
      fingerprint: theirToken,
      versionCreatedAt: on(-12),
      known: { fingerprint: ourToken, extendedAt: null },
    };
    const life = lifeOf('docusign', { holds, own, facts });
    expect(life).toMatchObject({ provenEndAt: null, estimated: true });
    const year = lifeOf('esignglobal', { holds: { consented_at: iso(-370) }, own, facts });
    expect(year).toMatchObject({ provenEndAt: null, unkeepable: false });
    expect(year.dueAt).toBeLessThan(on(15));
  });

  it('is not proven either once we refreshed such a token ourselves', () => {
    const own = { ...refreshedByUs(-2).own, foreign_at: iso(-2) };
    expect(lifeOf('esignglobal', { holds: { consented_at: iso(-364) }, own }).provenEndAt).toBeNull();
    expect(lifeOf('esignglobal', { holds: { consented_at: iso(-1) }, own }).provenEndAt).toBe(on(364));
  });

  it('where it is only assumed, is asked about when it has come, because an answer proves and an estimate does not', () => {
    const told = (now: number) => ({
      holds: { scope: 'signature', refreshed_at: iso(-25) },
      facts: { versionCreatedAt: on(-25), now },
    });
    expect(lifeOf('docusign', told(on(4)))).toMatchObject({
      dueAt: null,
      deadlineAt: on(5),
      unkeepable: true,
      estimated: true,
    });
    expect(lifeOf('docusign', told(on(5) + 1))).toMatchObject({ dueAt: on(5), unkeepable: true, provenEndAt: null });
    const alive = lifeOf('docusign', {
      ...told(on(5) + 60_000),
      ...{ holds: { scope: 'signature', refreshed_at: iso(5) } },
      facts: { versionCreatedAt: on(5), now: on(5) + day },
    });
    expect(alive.dueAt).toBeNull();
  });
});
