/** Which cuts are made: every offset, or the places where a message changes its meaning and a seeded sample of the rest. */
import type { Random } from '../../../src/runtime/random.ts';
import type { Cut, Direction, Manner } from './cutter.ts';

export const manners: readonly Manner[] = ['reset', 'end', 'silence'];

/** The bytes of one clean exchange, as both sides sent them. */
export interface Exchanged {
  readonly request: Buffer;
  readonly answer: Buffer;
}

/** Offsets 0 to the whole length: the cut after the last byte is one, too. */
export function everyOffset({ length }: Buffer): readonly number[] {
  return Array.from({ length: length + 1 }, (_, at) => at);
}

/** Before and after each character that separates one thing from the next: lines, names, values, quotes; and the ends. */
export function borders(bytes: Buffer): readonly number[] {
  const found = new Set([0, 1, bytes.length - 1, bytes.length]);
  bytes.forEach((byte, at) => {
    if (!'\r\n:,{}"=&'.includes(String.fromCharCode(byte))) return;
    found.add(at);
    found.add(at + 1);
  });
  return [...found].sort((one, other) => one - other);
}

/** `count` of them, none twice, in an order the seed decides. */
export function drawn<T>(from: readonly T[], count: number, random: Random): readonly T[] {
  const left = [...from];
  const taken: T[] = [];
  while (taken.length < count && left.length > 0)
    taken.push(...left.splice(Math.floor(random.fraction() * left.length), 1));
  return taken;
}

/** Every cut of one exchange, of both directions, in each manner; `door` is a connection refused at once. */
export function cutsAt(offsets: Readonly<Record<Direction, readonly number[]>>, how = manners): readonly Cut[] {
  const door: Cut = { direction: 'request', at: -1, manner: 'reset' };
  const cuts = (['request', 'answer'] as const).flatMap((direction) =>
    offsets[direction].flatMap((at) => how.map((manner): Cut => ({ direction, at, manner }))),
  );
  return [door, ...cuts];
}

/** One word, for a replay. */
export function wordOf(where: string, { direction, at, manner }: Cut): string {
  return `${where}:${direction}:${at}:${manner}`;
}

/** The cut a replay names, where it belongs to this part. */
export function cutOf(replay: string, where: string): Cut | undefined {
  const [, direction, at, manner] =
    /^(request|answer):(-?\d+):(reset|end|silence)$/.exec(
      replay.startsWith(`${where}:`) ? replay.slice(where.length + 1) : '',
    ) ?? [];
  if (direction === undefined || manner === undefined) return undefined;
  return { direction: direction as Direction, at: Number(at), manner: manner as Manner };
}
