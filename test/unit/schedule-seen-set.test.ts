/** The set inventory remembers a pass in: exact for its hashes, and flat in memory. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createSeenSet } from '../../src/schedule/seen-set.ts';

it('holds what was added and nothing else, whatever the hashes have in common', () => {
  const hash = fc.oneof(
    fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    // The same place in the table for all of them.
    fc.nat(2_000).map((n) => 1 + n * 0x7fffffff),
  );
  fc.assert(
    fc.property(fc.array(hash, { maxLength: 3_000 }), fc.array(hash, { maxLength: 100 }), (added, asked) => {
      const set = createSeenSet();
      for (const one of added) set.add(one);
      const truth = new Set(added);
      expect(set.size()).toBe(truth.size);
      for (const one of [...added, ...asked]) expect(set.has(one)).toBe(truth.has(one));
    }),
    { numRuns: 50 },
  );
});

it('takes zero for one: a vanished connection may be kept, never a present one lost', () => {
  const set = createSeenSet();
  set.add(0);
  expect([set.has(0), set.has(1), set.has(2), set.size()]).toEqual([true, true, false, 1]);
});

it('grows to a hundred thousand and back to none of them missing', () => {
  const set = createSeenSet();
  const hashOf = (n: number) => n * 90_000_000_007;
  for (let n = 1; n <= 100_000; n++) set.add(hashOf(n));
  let found = 0;
  for (let n = 1; n <= 100_000; n++) if (set.has(hashOf(n))) found++;
  expect(found).toBe(100_000);
});
