/** What holds of any connection's life, whatever its document, tags and provider say. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LifeFacts } from '../../src/connection/anchor.ts';
import { assessLife } from '../../src/connection/lifetime.ts';
import { day, factsOf, iso, on, ourToken, theirToken } from '../support/fakes/lives.ts';
import { providerNames } from '../support/provider-files.ts';

const days = fc.double({ min: -800, max: 0, noNaN: true });
const maybe = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: undefined });

const lives: fc.Arbitrary<LifeFacts> = fc
  .record({
    provider: fc.constantFrom(...providerNames),
    scope: maybe(fc.constantFrom('signature', 'signature extended', '')),
    consented: maybe(days),
    refreshed: maybe(days),
    expires: maybe(fc.oneof(days, fc.double({ min: 0, max: 3_000, noNaN: true }))),
    ours: maybe(fc.constantFrom(ourToken, theirToken)),
    extended: maybe(days),
    said: maybe(fc.oneof(days, fc.double({ min: 0, max: 90, noNaN: true }))),
    foreign: maybe(days),
    firstSeen: maybe(days),
    created: days,
    known: maybe(
      fc.record({ fingerprint: fc.constantFrom(ourToken, theirToken, ''), extendedAt: fc.option(days.map(on)) }),
    ),
    overrides: fc.record(
      {
        refreshEveryMs: fc.integer({ min: 60_000, max: 3_650 * day }),
        idleMs: fc.integer({ min: 60_000, max: 900 * day }),
      },
      { requiredKeys: [] },
    ),
    keepAccessToken: fc.boolean(),
    id: fc.string({ minLength: 1 }),
  })
  .map((told) => {
    const at = (value: number | undefined) => (value === undefined ? undefined : iso(value));
    const { refreshEveryMs, idleMs } = told.overrides;
    return factsOf(told.provider, {
      holds: {
        scope: told.scope,
        consented_at: at(told.consented),
        refreshed_at: at(told.refreshed),
        expires_at: at(told.expires),
      },
      own: {
        token: told.ours,
        extended_at: at(told.extended),
        refresh_expires_at: at(told.said),
        foreign_at: at(told.foreign),
        first_seen_at: at(told.firstSeen),
      },
      facts: {
        id: told.id,
        versionCreatedAt: Math.floor(on(told.created)),
        now: on(0),
        ...(told.known === undefined ? {} : { known: told.known }),
        overrides: {
          ...(refreshEveryMs === undefined ? {} : { refreshEveryMs }),
          ...(idleMs === undefined ? {} : { idleMs }),
        },
        keepAccessToken: told.keepAccessToken,
      },
    });
  });

const check = (holds: (facts: LifeFacts) => void) => fc.assert(fc.property(lives, holds), { numRuns: 1_000 });

describe('any life', () => {
  it('has instants that are numbers or unknown, due as a whole millisecond', () => {
    check((facts) => {
      const { dueAt, deadlineAt, provenEndAt, extendedAt, spanMs } = assessLife(facts);
      for (const at of [dueAt, deadlineAt, provenEndAt, extendedAt, spanMs])
        expect(at === null || Number.isFinite(at)).toBe(true);
      expect(dueAt === null || Number.isInteger(dueAt)).toBe(true);
    });
  });

  it('that can be extended is due no later than its deadline', () => {
    check((facts) => {
      const { dueAt, deadlineAt, unkeepable } = assessLife(facts);
      if (unkeepable || deadlineAt === null || facts.keepAccessToken) return;
      expect(dueAt).not.toBeNull();
      expect(dueAt).toBeLessThanOrEqual(deadlineAt);
    });
  });

  it('is either scheduled, or known to be beyond help with its end stated', () => {
    check((facts) => {
      const life = assessLife(facts);
      if (life.dueAt === null) expect(life.unkeepable && life.deadlineAt !== null).toBe(true);
    });
  });

  it('rests its proof of death on a consent that was written down', () => {
    check((facts) => {
      const { provenEndAt, lifetime } = assessLife(facts);
      if (provenEndAt === null) return;
      expect(provenEndAt).toBe((facts.document.consentedAt ?? Number.NaN) + (lifetime.absoluteMs ?? Number.NaN));
      expect(lifetime.clear).toBe(true);
    });
  });

  it('gives a deadline with its clock, its length, and a word on how sure it is', () => {
    check((facts) => {
      const life = assessLife(facts);
      expect(life.clock === null).toBe(life.deadlineAt === null);
      if (life.spanMs !== null) expect(life.spanMs).toBeGreaterThan(0);
      if (!life.estimated && life.clock === 'idle' && facts.document.own.refreshExpiresAt === undefined)
        expect(life.extendedAt).not.toBeNull();
    });
  });

  it('is the same for the same facts', () => {
    check((facts) => {
      expect(assessLife(facts)).toEqual(assessLife(facts));
    });
  });

  it('is not due again at once after a refresh by us: no loop, whatever the document says', () => {
    check((facts) => {
      const { document } = facts;
      const { refreshExpiresAt: _, ...own } = document.own;
      const refreshed = {
        ...facts,
        fingerprint: ourToken,
        versionCreatedAt: on(0) + 1,
        document: { ...document, refreshedAt: on(0), own: { ...own, token: ourToken, extendedAt: on(0) } },
      };
      const { dueAt } = assessLife(refreshed);
      if (dueAt !== null) expect(dueAt).toBeGreaterThanOrEqual(on(0) + 15_000);
    });
  });
});
