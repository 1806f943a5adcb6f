/** Colour, where it is welcome: words of tone, never the only bearer of a meaning. */
import type { Tone } from '../connection/words.ts';

export interface Paint {
  tone(tone: Tone, text: string): string;
  bold(text: string): string;
  dim(text: string): string;
}

const codes: Readonly<Record<Tone, string>> = { good: '32', info: '36', warn: '33', bad: '31' };

export function createPaint(coloured: boolean): Paint {
  const paint = (code: string, text: string) => (coloured && text !== '' ? `\u001b[${code}m${text}\u001b[0m` : text);
  return {
    tone: (tone, text) => paint(codes[tone], text),
    bold: (text) => paint('1', text),
    dim: (text) => paint('2', text),
  };
}
