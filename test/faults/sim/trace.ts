/** What happened, in order: some of it to be read, all of it in one number, so that two runs can be told to be the same. */
import type { PendingCall } from './kernel.ts';

export interface Trace {
  add(step: number, at: number, call: Pick<PendingCall, 'actor' | 'name' | 'about'>, fate: string): void;
  /** Something that is no call: `outage begins`. */
  note(at: number, text: string): void;
  /** The first lines; see `hash` for all of them. */
  readonly lines: readonly string[];
  readonly hash: string;
}

export function createTrace(linesMax: number): Trace {
  const lines: string[] = [];
  let low = 0x811c9dc5;
  let high = 0x9e3779b9;
  const take = (text: string) => {
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      low = Math.imul(low ^ code, 0x01000193);
      high = Math.imul(high ^ code, 0x85ebca6b) + low;
    }
    high = Math.imul(high ^ (high >>> 13), 0xc2b2ae35);
  };
  const keep = (text: string) => {
    take(text);
    if (lines.length < linesMax) lines.push(text);
  };
  const hex = (word: number) => (word >>> 0).toString(16).padStart(8, '0');
  return {
    add: (step, at, { actor, name, about }, fate) => keep(`${step} ${at} ${actor} ${name} ${about} ${fate}`),
    note: (at, text) => keep(`- ${at} ${text}`),
    lines,
    get hash() {
      return hex(high) + hex(low);
    },
  };
}
