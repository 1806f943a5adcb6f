/** Randomness: well-formed ids, fractions in range, and seeds that repeat themselves. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seededRandom, systemRandom, uuidFrom } from '../../src/runtime/random.ts';

const uuid4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe.for([
  ['system', systemRandom],
  ['seeded', () => seededRandom(7)],
] as const)('%s randomness', ([, make]) => {
  test('makes version 4 ids that Secrets Manager takes as request tokens, none twice', () => {
    const random = make();
    const ids = Array.from({ length: 2_000 }, () => random.uuid());
    for (const id of ids) expect(id).toMatch(uuid4);
    expect(ids.every((id) => id.length >= 32 && id.length <= 64)).toBe(true);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('gives fractions in [0, 1) that use the whole range', () => {
    const random = make();
    const drawn = Array.from({ length: 2_000 }, () => random.fraction());
    expect(drawn.every((x) => x >= 0 && x < 1)).toBe(true);
    for (const tenth of [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
      expect(drawn.some((x) => Math.floor(x * 10) === tenth)).toBe(true);
  });

  test('gives as many bytes as asked for', () => {
    for (const count of [0, 1, 12, 32, 1_000]) expect(make().bytes(count)).toHaveLength(count);
  });
});

describe('a seed', () => {
  test('repeats itself, and another seed differs', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const draw = (from: number) => {
          const random = seededRandom(from);
          return [random.uuid(), random.fraction(), random.bytes(8).toString('hex')].join();
        };
        const [first, again, other] = [draw(seed), draw(seed), draw(seed + 1)];
        return first === again && first !== other;
      }),
    );
  });
});

test('an id made of bytes carries their version and variant and changes nothing else', () => {
  const bytes = Buffer.alloc(16, 0xff);
  expect(uuidFrom(bytes, 8)).toBe('ffffffff-ffff-8fff-bfff-ffffffffffff');
  expect(uuidFrom(Buffer.alloc(20), 4)).toBe('00000000-0000-4000-8000-000000000000');
  expect(bytes.equals(Buffer.alloc(16, 0xff))).toBe(true);
});
