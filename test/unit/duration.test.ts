/** Durations as people write them, and as we write them back. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { duration, formatDuration, parseDuration } from '../../config/duration.ts';

const dayMs = 86_400_000;

describe('reading a duration', () => {
  test.for([
    ['30d', 30 * dayMs],
    ['90s', 90_000],
    ['1h30m', 5_400_000],
    ['500ms', 500],
    ['1m500ms', 60_500],
    ['2w', 14 * dayMs],
    ['0s', 0],
    ['P30D', 30 * dayMs],
    ['PT1H30M', 5_400_000],
    ['P1DT12H', 1.5 * dayMs],
    ['P2W', 14 * dayMs],
    ['PT0S', 0],
  ] as const)('%s', ([text, ms]) => expect(parseDuration(text)).toBe(ms));

  test.for([
    '',
    '30',
    '30 d',
    'd',
    '1.5h',
    '-1d',
    '+1d',
    '1D',
    '1h 30m',
    '1M',
    'P',
    'PT',
    'P1DT',
    'P1Y',
    'P1M',
    'P1H',
    'p30d',
    '30d\n',
    ' 30d',
    '١d',
    '1e3s',
    'Infinity',
    'NaN',
  ])('refuses %j, which has no one meaning', (text) => expect(parseDuration(text)).toBeUndefined());

  test('what is written is read back to the same milliseconds', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 20 * 365 * dayMs }), (ms) => parseDuration(formatDuration(ms)) === ms),
    );
  });

  test('whatever is typed gives whole milliseconds or nothing, and never throws', () => {
    const typed = fc.oneof(fc.string(), fc.stringMatching(/^(?:P?T?\d{0,4}(?:ms|[smhdwSMHDWY])){0,4}$/));
    fc.assert(
      fc.property(typed, (text) => {
        const ms = parseDuration(text);
        return ms === undefined || (Number.isInteger(ms) && ms >= 0);
      }),
    );
  });
});

describe('a duration in a file', () => {
  test('is read to milliseconds within its limits, both ends included', () => {
    const field = duration({ min: '5s', max: '1h' });
    expect([field.parse('5s'), field.parse('PT1H')]).toEqual([5_000, 3_600_000]);
  });

  test.for([
    ['4999ms', 'must lie between 5s and 1h'],
    ['61m', 'must lie between 5s and 1h'],
    ['soon', 'is not a duration'],
  ] as const)('refuses %s and says why without quoting it', ([text, message]) => {
    const found = duration({ min: '5s', max: '1h' }).safeParse(text).error?.issues[0]?.message;
    expect(found).toContain(message);
    expect(found).not.toContain(text);
  });

  test('a bare number is refused, because its unit is anybody’s guess', () => {
    expect(duration().safeParse(90).success).toBe(false);
  });

  test('no duration is longer than twenty years, however many digits it has', () => {
    expect(duration().safeParse('7301d').success).toBe(false);
    expect(duration().safeParse(`${'9'.repeat(400)}d`).success).toBe(false);
  });
});
