/** Text and tables on a terminal: harmless, measured, cut where it helps, coloured only where it is welcome. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createPaint } from '../../src/cli/paint.ts';
import { table } from '../../src/cli/table.ts';
import { columnsOf, harmless, harmlessLines, shortened } from '../../src/cli/terminal-text.ts';
import { pilotlight } from '../support/cli.ts';

const plain = createPaint(false);

describe('harmless text', () => {
  it.each([
    ['\u001b]0;owned\u0007', '\\u{1b}]0;owned\\u{7}'],
    ['a\nb\tc', 'a\\u{a}b\\u{9}c'],
    ['\u009b31m', '\\u{9b}31m'],
    ['gpj.\u202eexe', 'gpj.\\u{202e}exe'],
    ['zero\u200bwidth\ufeff', 'zero\\u{200b}width\\u{feff}'],
    ['lone\ud800', 'lone\\u{d800}'],
    ['acme/東京 ü', 'acme/東京 ü'],
  ])('%j becomes %j', (given, shown) => expect(harmless(given)).toBe(shown));

  it('holds no control or format character, whatever it is made of', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (given) => !/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(harmless(given))),
    );
  });

  it('keeps line breaks only where lines are meant', () => expect(harmlessLines('a\n\u001bb')).toBe('a\n\\u{1b}b'));
});

describe('columns', () => {
  it.each([
    ['abc', 3],
    ['東京', 4],
    ['e\u0301', 1],
    ['👍', 2],
    ['…', 1],
    ['', 0],
  ])('of %s are %i', (text, columns) => expect(columnsOf(text)).toBe(columns));

  it('of a shortened text are never more than asked for', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }),
        fc.nat(30),
        fc.constantFrom('end', 'middle'),
        (text, room, where) => {
          expect(columnsOf(shortened(harmless(text), room, where as 'end' | 'middle'))).toBeLessThanOrEqual(room);
        },
      ),
    );
  });

  it('are won at the end, or in the middle where both ends tell ids apart', () => {
    expect(shortened('customers/acme/esign', 11)).toBe('customers/…');
    expect(shortened('customers/acme/esign', 11, 'middle')).toBe('custo…esign');
    expect(shortened('東京東京', 5)).toBe('東京…');
    expect(shortened('abc', 3)).toBe('abc');
  });
});

describe('a table', () => {
  const columns = [{ title: 'ID', cut: 'middle' }, { title: 'WHY', cut: 'end' }, { title: 'N' }] as const;
  const rows = [
    ['customers/0001/a-very-long-name', 'because of a long sentence that goes on', '7'],
    ['東京', 'short', '12'],
  ];

  it('is aligned by columns, not by characters, and ends no line in spaces', () => {
    expect(table({ columns, rows, width: undefined, paint: plain })).toEqual([
      'ID                               WHY                                      N',
      'customers/0001/a-very-long-name  because of a long sentence that goes on  7',
      '東京                             short                                    12',
    ]);
  });

  it('is cut to the terminal, the widest column first, and never what must stay whole', () => {
    const lines = table({ columns, rows, width: 40, paint: plain });
    for (const line of lines) expect(columnsOf(line)).toBeLessThanOrEqual(40);
    expect(lines[1]).toMatch(/^customer….*name {2}because.*… {2}7$/);
  });

  it('rather overflows a tiny terminal than to show nothing that can be recognised', () => {
    const lines = table({ columns, rows, width: 5, paint: plain });
    expect(lines[1]).toBe('custom…-name  because of …  7');
  });

  it('colours cells without moving them, and makes every cell harmless', () => {
    const painted = table({
      columns: [{ title: 'A' }, { title: 'B' }],
      rows: [[{ text: '\u001b[31m', tone: 'bad' }, 'x']],
      width: undefined,
      paint: createPaint(true),
    });
    expect(painted[1]).toBe('\u001b[31m\\u{1b}[31m\u001b[0m  x');
  });
});

describe('colour', () => {
  const commands = '\u001b[';
  const colourful = async (argv: readonly string[], context: Parameters<typeof pilotlight>[2]) =>
    (await pilotlight(argv, {}, { columns: 100, ...context })).out.includes(commands);

  it('is used on a terminal only, and not where NO_COLOR, --no-color or JSON say otherwise', async () => {
    const argv = ['config', 'validate'];
    expect(await colourful(argv, { terminal: true })).toBe(true);
    expect(await colourful(argv, { terminal: false })).toBe(false);
    expect(await colourful(argv, { terminal: true, plain: true })).toBe(false);
    expect(await colourful([...argv, '--no-color'], { terminal: true })).toBe(false);
    expect(await colourful([...argv, '-o', 'json'], { terminal: true })).toBe(false);
  });

  it('and progress never reaches a pipe or JSON', async () => {
    expect((await pilotlight(['list'])).out).not.toContain('\r');
    expect((await pilotlight(['list', '-o', 'json'], {}, { terminal: true, columns: 80 })).out).not.toContain('\r');
    expect((await pilotlight(['list'], {}, { terminal: true, columns: 80 })).out).toContain('opening the store');
  });
});
