/** Repeatable randomness that costs little: an actor's own, and a chooser's. */
import { type Random, uuidFrom } from '../../../src/runtime/random.ts';

export interface Dice {
  /** [0, 1). */
  fraction(): number;
  /** A whole number from 0 up to, not including, `count`. */
  below(count: number): number;
  chance(share: number): boolean;
  oneOf<T>(of: readonly T[]): T;
  /** The same dice as the port that src draws from. */
  readonly random: Random;
}

/** mulberry32. */
export function createDice(seed: number): Dice {
  let state = seed >>> 0;
  const next32 = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
  const fraction = () => next32() / 2 ** 32;
  const below = (count: number) => Math.floor(fraction() * count);
  const bytes = (count: number) => {
    const out = Buffer.allocUnsafe(count);
    for (let at = 0; at < count; at += 4) {
      const word = next32();
      for (let place = 0; place < 4 && at + place < count; place++) out[at + place] = (word >>> (8 * place)) & 0xff;
    }
    return out;
  };
  return {
    fraction,
    below,
    chance: (share) => fraction() < share,
    oneOf<T>(of: readonly T[]): T {
      const one = of[below(of.length)];
      if (one === undefined) throw new Error('nothing to choose from');
      return one;
    },
    random: { bytes, uuid: () => uuidFrom(bytes(16), 4), fraction },
  };
}

/** A seed for one name out of a seed for all. */
export function seedOf(seed: number, name: string): number {
  let hash = 0x811c9dc5 ^ seed;
  for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193);
  return Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 0;
}
