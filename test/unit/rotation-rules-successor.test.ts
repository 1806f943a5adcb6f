/** Which of a secret's other versions holds the token that came after a spent one. */
import { describe, expect, it } from 'vitest';
import { defaultFieldNames, parseDocument } from '../../src/connection/document.ts';
import { type Other, overtakerOf, successorOf } from '../../src/rotation/spent.ts';
import { day, iso, on } from '../support/fakes/lives.ts';

/** A version that holds `token`; written by us on the day given, by somebody else where none is. */
function version(
  token: string,
  spent: readonly string[],
  facts: { readonly consented?: number; readonly ours?: number; readonly isOrphan?: boolean } = {},
): Other {
  const { consented, ours, isOrphan = false } = facts;
  const value = {
    refresh_token: token,
    ...(consented === undefined ? {} : { consented_at: iso(consented) }),
    ...(ours === undefined ? {} : { refreshed_at: iso(ours) }),
    pilotlight: { token: ours === undefined ? 'another' : token, spent },
  };
  const parsed = parseDocument(JSON.stringify(value), defaultFieldNames, on(0) + 9_000 * day);
  if (!parsed.ok) throw new Error(parsed.reason);
  return { document: parsed.document, fingerprint: token, isOrphan };
}

const next = (others: readonly Other[], known: readonly string[] = []) => successorOf('t1', known, others)?.fingerprint;

describe('after a spent token comes', () => {
  it('nothing where no other version names it as spent', () => {
    expect(next([])).toBeUndefined();
    expect(next([version('t9', ['t0'], { ours: 5 }), version('t8', [], { consented: 9 })])).toBeUndefined();
  });

  it('the one token that none of the others has spent, in whatever order they are found', () => {
    const others = [version('t2', ['t1'], { ours: 1 }), version('t3', ['t1', 't2'], { ours: 2 }), version('t1', [])];
    expect(next(others)).toBe('t3');
    expect(next(others.toReversed())).toBe('t3');
  });

  it('what an orphan holds, where nothing else does', () => {
    expect(next([version('t2', ['t1'], { ours: 1, isOrphan: true }), version('t0', [])])).toBe('t2');
  });

  it('not what an orphan holds that was spent since, by another version or by the current one', () => {
    const orphan = version('t2', ['t1'], { ours: 1, isOrphan: true });
    expect(next([orphan, version('t3', ['t1', 't2'], { ours: 2 })])).toBe('t3');
    expect(next([orphan], ['t2'])).toBeUndefined();
  });

  it('a consent newer than what names it, before what an orphan or an earlier refresh left', () => {
    const consent = version('c1', [], { consented: 3 });
    expect(next([version('t2', ['t1'], { consented: 0, ours: 1 }), consent])).toBe('c1');
    expect(next([version('t2', ['t1'], { consented: 0, ours: 4 }), consent])).toBe('t2');
    expect(next([version('t2', ['t1'], { consented: 0, ours: 4, isOrphan: true }), consent])).toBe('c1');
  });

  it('a refresh of ours of a later consent, before what an orphan left', () => {
    const orphan = version('t2', ['t1'], { consented: 0, ours: 2, isOrphan: true });
    expect(next([orphan, version('c2', ['c1'], { ours: 3 })])).toBe('c2');
  });

  it('never a token nobody vouches for', () => {
    const pasted = version('pasted', [], { consented: 0 });
    expect(next([pasted, version('t2', ['t1'], { consented: 0, ours: 1 })])).toBe('t2');
    expect(next([pasted, version('t2', ['t1'], { consented: 0, ours: 1, isOrphan: true })])).toBe('t2');
    expect(next([pasted, version('t2', ['t1', 't2'], { consented: 0, ours: 1 })])).toBeUndefined();
  });
});

describe('an application that refreshed a token we have spent too', () => {
  /** Its document: it took over our section, of when `t1` was current, and says when it refreshed. */
  function theirs(refreshed: number, consented?: number) {
    const { document } = version('t1', ['t0'], { ours: 0, ...(consented === undefined ? {} : { consented }) });
    const own = { ...document.own, token: 't1', extendedAt: on(0) };
    return { ...document, own, refreshedAt: on(refreshed) };
  }
  const ours = version('t3', ['t1', 't2'], { ours: 5, consented: 0 });
  const overtaker = (document: Other['document'], others: readonly Other[] = [ours]) =>
    overtakerOf(document, 'a2', others)?.fingerprint;

  it('is overtaken where ours was renewed after it', () => {
    expect(overtaker(theirs(4))).toBe('t3');
  });

  it('is not where it refreshed last, does not say when, or holds a newer consent', () => {
    expect(overtaker(theirs(6))).toBeUndefined();
    expect(overtaker(theirs(0))).toBeUndefined();
    expect(overtaker(theirs(4, 3))).toBeUndefined();
  });

  it('is not by an orphan, by what is spent itself, or by what never knew its token', () => {
    expect(overtaker(theirs(4), [{ ...ours, isOrphan: true }])).toBeUndefined();
    expect(overtaker(theirs(4), [ours, version('t4', ['t3'], { ours: 6 })])).toBeUndefined();
    expect(overtaker(theirs(4), [version('t3', ['t2'], { ours: 5 })])).toBeUndefined();
  });
});
