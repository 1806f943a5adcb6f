/**
 * Aligned tables. On a terminal they are cut to its width: columns that allow it give way, the widest first, and never
 * below what can still be recognised. In a pipe nothing is cut. Cells are made harmless here.
 */
import type { Tone } from '../connection/words.ts';
import type { Paint } from './paint.ts';
import { columnsOf, harmless, shortened } from './terminal-text.ts';

export interface Column {
  readonly title: string;
  /** How it gives way where the line is too long; absent: it stays whole. */
  readonly cut?: 'end' | 'middle';
}

export type Cell = string | { readonly text: string; readonly tone: Tone };

export interface TableOptions {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly Cell[])[];
  /** Columns of the terminal; undefined cuts nothing. */
  readonly width: number | undefined;
  readonly paint: Paint;
}

const gap = '  ';
/** Narrower, an id or a sentence says nothing any more. */
const cutMin = 12;

export function table({ columns, rows, width, paint }: TableOptions): string[] {
  const cells = rows.map((row) =>
    row.map((cell) => (typeof cell === 'string' ? { text: cell, tone: undefined } : cell)),
  );
  const texts = cells.map((row) => row.map(({ text }) => harmless(text)));
  const widths = narrowed(columns, naturalWidths(columns, texts), width);
  const line = (parts: readonly { shown: string; columns: number }[]) =>
    parts
      .map(({ shown, columns: used }, at) => shown + ' '.repeat(Math.max(0, (widths[at] ?? 0) - used)))
      .join(gap)
      .trimEnd();
  const header = columns.map(({ title }, at) => {
    const text = shortened(title, widths[at] ?? 0);
    return { shown: paint.bold(text), columns: columnsOf(text) };
  });
  const body = texts.map((row, rowAt) =>
    columns.map(({ cut }, at) => {
      const text = shortened(row[at] ?? '', widths[at] ?? 0, cut);
      const tone = cells[rowAt]?.[at]?.tone;
      return { shown: tone === undefined ? text : paint.tone(tone, text), columns: columnsOf(text) };
    }),
  );
  return [line(header), ...body.map(line)];
}

function naturalWidths(columns: readonly Column[], texts: readonly (readonly string[])[]): number[] {
  return columns.map(({ title }, at) =>
    texts.reduce((widest, row) => Math.max(widest, columnsOf(row[at] ?? '')), columnsOf(title)),
  );
}

function narrowed(columns: readonly Column[], natural: readonly number[], width: number | undefined): number[] {
  const widths = [...natural];
  if (width === undefined) return widths;
  let excess = widths.reduce((sum, one) => sum + one, 0) + gap.length * (columns.length - 1) - width;
  while (excess > 0) {
    const at = widestCuttable(columns, widths);
    if (at === undefined) break;
    widths[at] = (widths[at] ?? 0) - 1;
    excess -= 1;
  }
  return widths;
}

function widestCuttable(columns: readonly Column[], widths: readonly number[]): number | undefined {
  let found: number | undefined;
  for (const [at, { cut }] of columns.entries()) {
    const own = widths[at] ?? 0;
    if (cut !== undefined && own > cutMin && (found === undefined || own > (widths[found] ?? 0))) found = at;
  }
  return found;
}
