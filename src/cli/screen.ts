/**
 * What a command says: lines, tables and JSON on standard output, remarks on standard error, progress only on a terminal
 * and wiped before anything else is said, so that no output is ever mixed with it.
 */
import type { CommandContext } from './context.ts';
import { createPaint, type Paint } from './paint.ts';
import { type Cell, type Column, table } from './table.ts';
import { harmless, shortened } from './terminal-text.ts';

export interface Screen {
  /** The output was asked for as JSON: nothing but one document goes to standard output. */
  readonly json: boolean;
  readonly terminal: boolean;
  readonly paint: Paint;
  /** One line, as it is: what comes from outside must be harmless by then. */
  line(text?: string): void;
  /** One line, made harmless. */
  text(text: string): void;
  table(columns: readonly Column[], rows: readonly (readonly Cell[])[]): void;
  /** The JSON document. */
  document(value: unknown): void;
  /** A remark on standard error, made harmless. */
  remark(text: string): void;
  /** Shows how far long work is; '' wipes it. Nothing where there is no terminal. */
  progress(text: string): void;
  /** Empties the terminal. */
  clear(): void;
}

const wipe = '\r\u001b[K';

export function createScreen(context: CommandContext, options: { json: boolean; colour: boolean }): Screen {
  const { json } = options;
  const width = context.terminal ? (context.columns ?? 80) : undefined;
  const paint = createPaint(context.terminal && !context.plain && options.colour && !json);
  let shown = false;
  const settle = () => {
    if (shown) context.out(wipe);
    shown = false;
  };
  const line = (text = '') => {
    settle();
    context.out(`${text}\n`);
  };
  return {
    json,
    terminal: context.terminal,
    paint,
    line,
    text: (text) => line(harmless(text)),
    table: (columns, rows) => {
      for (const text of table({ columns, rows, width, paint })) line(text);
    },
    document: (value) => line(JSON.stringify(value, null, 2)),
    remark: (text) => {
      settle();
      context.err(`${harmless(text)}\n`);
    },
    progress(text) {
      if (!context.terminal || json) return;
      settle();
      if (text === '') return;
      context.out(shortened(harmless(text), (width ?? 80) - 1));
      shown = true;
    },
    clear: () => context.out('\u001b[H\u001b[2J'),
  };
}
