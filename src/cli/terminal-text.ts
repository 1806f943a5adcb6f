/**
 * Text for a terminal: whatever comes from the outside (ids, owners, messages) is made harmless and measured in columns.
 * No id may move the cursor, colour the screen, hide or reorder what stands beside it.
 */

/** Controls, format characters (direction marks, zero-width), lone surrogates, private use, line and paragraph separators. */
const harmful = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu;

/** One line of text with everything invisible or commanding written out, like `\u{1b}`. */
export function harmless(text: string): string {
  return text.replace(harmful, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

/** Several lines, each made harmless. */
export function harmlessLines(text: string): string {
  return text.split('\n').map(harmless).join('\n');
}

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Blocks that terminals draw two columns wide (Unicode East Asian Width W and F). */
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1b000}-\u{1b2ff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;
const joining = /^[\p{Mn}\p{Me}]+$/u;

function columnsOfGrapheme(grapheme: string): number {
  if (joining.test(grapheme)) return 0;
  return wide.test(grapheme) ? 2 : 1;
}

/** Columns a terminal needs for harmless text. */
export function columnsOf(text: string): number {
  let columns = 0;
  for (const { segment } of graphemes.segment(text)) columns += columnsOfGrapheme(segment);
  return columns;
}

/** Text cut to the columns given, with an ellipsis; in the middle where both ends tell things apart (ids). */
export function shortened(text: string, columns: number, where: 'end' | 'middle' = 'end'): string {
  if (columnsOf(text) <= columns) return text;
  if (columns < 1) return '';
  const room = columns - 1;
  const tail = where === 'middle' ? Math.floor(room / 2) : 0;
  const parts = [...graphemes.segment(text)].map(({ segment }) => segment);
  return `${take(parts, room - tail)}…${take(parts.reverse(), tail, true)}`;
}

function take(parts: readonly string[], columns: number, reversed = false): string {
  const taken: string[] = [];
  let used = 0;
  for (const part of parts) {
    used += columnsOfGrapheme(part);
    if (used > columns) break;
    taken.push(part);
  }
  return (reversed ? taken.reverse() : taken).join('');
}
