/** Instants as customers write them: every form is read in UTC and written back as it was found. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readInstant, writeInstant } from '../../src/connection/instant.ts';

const later = Date.UTC(2100, 0, 1);

describe('reading an instant', () => {
  it.each([
    [1_763_712_000, 1_763_712_000_000],
    [1_763_712_000_500, 1_763_712_000_500],
    ['1763712000', 1_763_712_000_000],
    [' 1763712000000 ', 1_763_712_000_000],
    ['2025-11-21', Date.UTC(2025, 10, 21)],
    ['2025-11-21T08:00Z', Date.UTC(2025, 10, 21, 8)],
    ['2025-11-21T08:00:00Z', Date.UTC(2025, 10, 21, 8)],
    ['2025-11-21T08:00:00.1234567Z', Date.UTC(2025, 10, 21, 8, 0, 0, 123)],
    ['2025-11-21T10:00:00+02:00', Date.UTC(2025, 10, 21, 8)],
    ['2025-11-21T03:30:00-0430', Date.UTC(2025, 10, 21, 8)],
  ])('understands %j', (value, ms) => {
    expect(readInstant(value, later)).toBe(ms);
  });

  it('takes text without a zone for UTC, wherever the process runs', () => {
    const before = process.env.TZ;
    process.env.TZ = 'Asia/Tokyo';
    try {
      expect(new Date(2025, 0, 1).getUTCHours()).toBe(15);
      expect(readInstant('2025-11-21T08:00:00', later)).toBe(Date.UTC(2025, 10, 21, 8));
      expect(readInstant('2025-11-21 08:00:00', later)).toBe(Date.UTC(2025, 10, 21, 8));
    } finally {
      if (before === undefined) delete process.env.TZ;
      else process.env.TZ = before;
    }
  });

  it.each([
    undefined,
    null,
    true,
    {},
    '',
    'now',
    '21.11.2025',
    0,
    -5,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    '2025-13-41T00:00:00Z',
  ])('takes %j for none', (value) => {
    expect(readInstant(value, later)).toBeUndefined();
  });

  it('takes nothing later than it is told to', () => {
    expect(readInstant('2026-01-02T00:00:00Z', Date.UTC(2026, 0, 1))).toBeUndefined();
  });
});

describe('writing an instant', () => {
  const instants = fc.integer({ min: Date.UTC(2010, 0, 2), max: Date.UTC(2099, 0, 1) });
  const predecessors = fc.oneof(
    fc.constantFrom<unknown>(
      undefined,
      null,
      'soon',
      {},
      1_763_712_000,
      1_763_712_000_000,
      '1763712000',
      '1763712000000',
    ),
    fc.constantFrom<unknown>(
      '2025-11-21',
      '2025-11-21T08:00:00Z',
      '2025-11-21 08:00:00',
      '2025-11-21T08:00:00.12+05:30',
    ),
    fc.double(),
    fc.string(),
  );

  it('keeps its form from then on, is read as the same instant to its precision, and is never later', () => {
    fc.assert(
      fc.property(instants, predecessors, (at, predecessor) => {
        const written = writeInstant(at, predecessor);
        expect(writeInstant(at, written)).toBe(written);
        const read = readInstant(written, later) ?? Number.NaN;
        expect(read).toBeLessThanOrEqual(at);
        expect(at - read).toBeLessThan(1_000);
      }),
    );
  });
});
