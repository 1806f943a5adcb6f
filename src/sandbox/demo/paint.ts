/** Colour on a terminal that wants it, and plain words everywhere else. Colour never says anything alone. */

export interface Paint {
  bold(text: string): string;
  dim(text: string): string;
  good(text: string): string;
  warn(text: string): string;
  bad(text: string): string;
  accent(text: string): string;
}

export function createPaint(colour: boolean): Paint {
  const sgr = (code: number) => (text: string) => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);
  return { bold: sgr(1), dim: sgr(2), good: sgr(32), warn: sgr(33), bad: sgr(31), accent: sgr(36) };
}

const esc = '\u001b';
const sequence = new RegExp(`(${esc}\\[[0-9;]*m)`);

/** Cut to a width in columns; escape sequences take none. A cut text ends in an ellipsis and with its colour off. */
export function clip(text: string, columns: number): string {
  const pieces = text.split(sequence);
  const shown = (piece: string) => (piece.startsWith(esc) ? 0 : [...piece].length);
  if (pieces.reduce((sum, piece) => sum + shown(piece), 0) <= columns) return text;
  let left = columns - 1;
  let out = '';
  let coloured = false;
  for (const piece of pieces) {
    if (piece.startsWith(esc)) {
      coloured = true;
      out += piece;
      continue;
    }
    const letters = [...piece].slice(0, left);
    left -= letters.length;
    out += letters.join('');
    if (left === 0) break;
  }
  return `${out}…${coloured ? `${esc}[0m` : ''}`;
}
