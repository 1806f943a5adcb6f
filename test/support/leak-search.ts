/**
 * Looks for planted tokens in a text: whole, any twelve characters of one, the mark every sandbox token bears, in other case,
 * and encoded as base64 or hex.
 */
import { tokenMark } from '../../src/sandbox/providers/mint.ts';

export interface LeakSearch {
  plant(...tokens: readonly string[]): void;
  /** What was found, shortened; empty where nothing was. */
  find(text: string): readonly string[];
}

/** Short enough to catch a fragment, long enough to be no chance. */
const window = 12;

export function createLeakSearch(): LeakSearch {
  const fragments = new Set<string>();
  const add = (text: string) => {
    const folded = text.toLowerCase();
    for (let at = 0; at + window <= folded.length; at++) fragments.add(folded.slice(at, at + window));
  };
  const plant = (token: string) => {
    // The first part of a JWT is the same for everybody and no secret; what follows is.
    const secret = token.slice(Math.max(0, token.indexOf(tokenMark)));
    add(secret);
    add(Buffer.from(secret).toString('hex'));
    // A token starts at any of three places within base64's groups of three bytes.
    for (const shift of ['', 'x', 'xx'])
      add(
        Buffer.from(shift + secret)
          .toString('base64')
          .slice(4, -4),
      );
  };
  plant(tokenMark.repeat(2));
  return {
    plant: (...tokens) => tokens.forEach(plant),
    find(text) {
      const folded = text.toLowerCase();
      const found: string[] = [];
      for (let at = 0; at + window <= folded.length && found.length < 5; at++) {
        if (!fragments.has(folded.slice(at, at + window))) continue;
        found.push(text.slice(Math.max(0, at - 40), at + window + 10));
        at += window;
      }
      if (folded.includes(tokenMark.toLowerCase())) found.push(tokenMark);
      return found;
    },
  };
}
