/** Orders of the table: offered only where the reader keeps them, kept by every link, and total. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { connectionStates } from '../../src/connection/entry.ts';
import type { StatusReader } from '../../src/web/ports.ts';
import { readQuery } from '../../src/web/query.ts';
import { compareBySort, connectionSorts, readSort, sortedHref } from '../../src/web/sort.ts';
import { byDeadline } from '../../src/web/status-reader.ts';
import { ask, fakeOperator } from '../browser/fake-operator.ts';
import { fakeEntry, fakeNow, fakeStatus } from '../browser/fake-status.ts';

const entries = [
  fakeEntry({ id: 'near', deadlineAt: fakeNow + 1, at: { ...fakeEntry().at, provider: 'b' } }),
  fakeEntry({ id: 'bad', state: 'quarantined', deadlineAt: fakeNow + 3 }),
  fakeEntry({ id: 'first', deadlineAt: fakeNow + 9, at: { ...fakeEntry().at, provider: 'a' } }),
];

async function idsOf(search: string): Promise<readonly string[]> {
  const { body } = await ask(fakeOperator({ entries }).routes, `/?${search}`);
  return [...body.matchAll(/role="rowheader"><a[^>]*><bdi>(\w+)/g)].map(([, id = '']) => id);
}

describe('the order of the table', () => {
  it.each([
    ['', ['near', 'bad', 'first']],
    ['sort=deadline', ['near', 'bad', 'first']],
    ['sort=state', ['bad', 'near', 'first']],
    ['sort=provider', ['first', 'near', 'bad']],
    ['sort=nonsense', ['near', 'bad', 'first']],
  ])('with "%s" is %j', async (search, ids) => {
    expect(await idsOf(search)).toEqual(ids);
  });

  it('is said in the caption, in the head and among the links', async () => {
    const { body } = await ask(fakeOperator({ entries }).routes, '/?sort=state&provider=docusign&live=off');
    expect(body).toContain('<caption>By state, worst first: 1 to');
    expect(body).toContain('role="columnheader" aria-sort="ascending">State');
    expect(body).toContain('sort=state" aria-current="true">state</a>');
    expect(body).toContain('href="/?provider=docusign&amp;live=off"');
    expect(body).toContain('href="/?provider=docusign&amp;live=off&amp;sort=provider"');
    expect(body).toContain('<input type="hidden" name="sort" value="state">');
  });

  it('is not offered where the reader keeps none', async () => {
    const reader = fakeStatus(entries);
    const status: StatusReader = {
      async read(query) {
        const { overview, rows, matching } = await reader.read({ page: query.page, size: query.size });
        return { overview, rows, matching };
      },
    };
    const { body } = await ask(fakeOperator({ status }).routes, '/?sort=state');
    expect(body).toContain('By nearest deadline: 1 to 3');
    expect(body).not.toMatch(/Sort by|aria-sort/);
  });

  it('is written into addresses that are read back, and begins at the first page when it changes', () => {
    const query = { ...readQuery(new URLSearchParams('state=suspect&page=3')), sort: 'provider' as const };
    const back = new URL(sortedHref(query), 'http://localhost').searchParams;
    expect({ ...readQuery(back), ...readSort(back) }).toEqual(query);
    expect(sortedHref(query, { sort: 'state' })).toBe('/?state=suspect&sort=state');
    expect(sortedHref(query, { sort: 'deadline' })).toBe('/?state=suspect');
    expect(sortedHref(query, { page: 4 })).toBe('/?state=suspect&page=4&sort=provider');
    expect(sortedHref({ page: 1, size: 50, live: true, sort: 'state' })).toBe('/?sort=state');
  });

  it('is total: any two connections compare the same from either side', () => {
    const entry = fc.record({
      id: fc.string(),
      state: fc.constantFrom(...connectionStates),
      provider: fc.constantFrom('a', 'b', 'c'),
      deadlineAt: fc.option(fc.integer({ min: 0, max: 5 })),
    });
    fc.assert(
      fc.property(entry, entry, fc.constantFrom(...connectionSorts), (one, other, sort) => {
        const [a, b] = [one, other].map(({ provider, ...over }) =>
          fakeEntry({ ...over, at: { ...fakeEntry().at, provider } }),
        );
        if (a === undefined || b === undefined) return;
        const compare = (x: typeof a, y: typeof a) => compareBySort(sort, x, y) || byDeadline(x, y);
        expect(Math.sign(compare(a, b)) + Math.sign(compare(b, a))).toBe(0);
      }),
    );
  });
});
