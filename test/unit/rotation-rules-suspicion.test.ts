/** From suspicion to fact: what it takes before a customer is asked to consent anew. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { IndexEntry } from '../../src/connection/entry.ts';
import { type SuspicionFacts, weighSuspicion } from '../../src/rotation/suspicion.ts';

const minute = 60_000;
const since = 1_800_000_000_000;
const suspect: IndexEntry = {
  id: 'c',
  at: { provider: 'p', environment: 'e', client: 'c', host: 'h' },
  state: 'suspect',
  reason: 'invalid_grant',
  since,
  seen: '',
  fingerprint: 'f1',
  nextAt: since + 15 * minute,
  deadlineAt: null,
  clock: null,
  estimated: false,
  extendedAt: null,
  failures: 1,
};

const weigh = (change: Partial<SuspicionFacts>) =>
  weighSuspicion({
    known: suspect,
    fingerprint: 'f1',
    lastSuccessAt: null,
    now: since + 15 * minute,
    confirmAfterMs: 15 * minute,
    ...change,
  });

describe('a refusal', () => {
  it.each<[string, Partial<SuspicionFacts>]>([
    ['of a connection nobody knows (Redis was lost)', { known: undefined }],
    ['of an active connection', { known: { ...suspect, state: 'active' } }],
    ['of another token than the one suspected', { fingerprint: 'f2' }],
    ['after requests that were never answered', { known: { ...suspect, reason: 'unknown_outcome' } }],
  ])('%s is a first sighting, whatever the client achieved since', (_, change) => {
    const now = since + 60 * minute;
    expect(weigh({ now, lastSuccessAt: now, ...change })).toEqual({
      kind: 'suspect',
      since: now,
      sightings: 1,
      nextAt: now + 15 * minute,
    });
  });

  it.each<[string, Partial<SuspicionFacts>, 'suspect' | 'confirmed']>([
    ['late enough, the client succeeded since', { lastSuccessAt: since + 1 }, 'confirmed'],
    ['late enough, the client succeeded before only', { lastSuccessAt: since - 1 }, 'suspect'],
    ['late enough, the success was under way at the first sighting', { lastSuccessAt: since - 1 }, 'suspect'],
    ['late enough, no success is known', { lastSuccessAt: null }, 'suspect'],
    ['late enough, the success lies ahead: the calendar was', { lastSuccessAt: since + 16 * minute }, 'suspect'],
    ['a millisecond early', { lastSuccessAt: since + minute, now: since + 15 * minute - 1 }, 'suspect'],
    ['much later, still no success of the client', { now: since + 30 * 24 * 60 * minute }, 'suspect'],
    [
      'after a lost rotation, all else given',
      { known: { ...suspect, reason: 'lost_rotation' }, lastSuccessAt: since + 1 },
      'confirmed',
    ],
  ])('seen again %s: %o', (_, change, kind) => {
    expect(weigh(change)).toMatchObject({ kind, since });
  });

  it('seen again long after the client’s success is looked at once more, soon: the client may be broken again', () => {
    const now = since + 180 * minute;
    expect(weigh({ now, lastSuccessAt: now - 30 * minute })).toMatchObject({ kind: 'confirmed' });
    expect(weigh({ now, lastSuccessAt: now - 30 * minute - 1, known: { ...suspect, failures: 5 } })).toEqual({
      kind: 'suspect',
      since,
      sightings: 6,
      nextAt: now + 15 * minute,
    });
  });

  it('that cannot be confirmed is looked at ever more seldom, up to every six hours', () => {
    const waits = [1, 2, 3, 4, 5, 6, 7, 500].map((failures) => {
      const verdict = weigh({ known: { ...suspect, failures } });
      return verdict.kind === 'suspect' ? (verdict.nextAt - (since + 15 * minute)) / minute : Number.NaN;
    });
    expect(waits).toEqual([30, 60, 120, 240, 360, 360, 360, 360]);
  });

  it('counts its sightings', () => {
    expect(weigh({ known: { ...suspect, failures: 4 } })).toMatchObject({ sightings: 5 });
  });

  it('never condemns on one sighting, before the time, or without a success of the client', () => {
    const facts = fc.record({
      known: fc.option(fc.record({ failures: fc.nat(50), fingerprint: fc.constantFrom('f1', 'f2') }), {
        nil: undefined,
      }),
      lastSuccess: fc.option(fc.integer({ min: -1e7, max: 1e7 })),
      later: fc.integer({ min: 0, max: 1e7 }),
    });
    fc.assert(
      fc.property(facts, ({ known, lastSuccess, later }) => {
        const verdict = weigh({
          known: known === undefined ? undefined : { ...suspect, ...known },
          lastSuccessAt: lastSuccess === null ? null : since + lastSuccess,
          now: since + later,
        });
        const isFresh = lastSuccess !== null && lastSuccess >= Math.max(0, later - 30 * minute) && lastSuccess <= later;
        const may = known?.fingerprint === 'f1' && later >= 15 * minute && isFresh;
        expect(verdict.kind).toBe(may ? 'confirmed' : 'suspect');
        if (verdict.kind === 'suspect') expect(verdict.nextAt).toBeGreaterThanOrEqual(since + later + 15 * minute);
      }),
    );
  });
});
