/**
 * A TCP proxy that cuts a connection at an exact byte of one direction: with a reset, with the end of that direction while
 * the other goes on, or by falling silent for good. It counts what went through, so that a test knows what each side got.
 */
import { connect, createServer, type Socket } from 'node:net';
import type { Exchange } from '../../../src/rotation/ports.ts';

export type Direction = 'request' | 'answer';
/** `end` closes the direction that is cut and leaves the other one open; the rest of what was sent is swallowed. */
export type Manner = 'reset' | 'end' | 'silence';

export interface Cut {
  readonly direction: Direction;
  /** So many bytes of the direction go through. -1: the connection is refused before any. */
  readonly at: number;
  readonly manner: Manner;
}

/** What became of one connection. */
export interface Passage {
  /** Bytes handed on to the provider. */
  request: Buffer;
  /** Bytes handed on to the client. */
  answer: Buffer;
  fired: boolean;
  /** When it did, in ms of the process's clock. */
  firedMs: number;
  /** Port from which the provider's side was reached; 0 where it was not. */
  farPort: number;
}

export interface Cutter {
  readonly port: number;
  /** The next connection is cut (or only watched); those after it pass. */
  next(cut: Cut | undefined): Passage;
  stop(): Promise<void>;
}

export async function startCutter(to: { readonly host: string; readonly port: number }): Promise<Cutter> {
  let waiting: { cut: Cut | undefined; passage: Passage } | undefined;
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    const { cut, passage } = waiting ?? { cut: undefined, passage: newPassage() };
    waiting = undefined;
    track(near, sockets);
    if (cut?.at === -1) {
      passage.fired = true;
      near.resetAndDestroy();
      return;
    }
    const far = connect({ ...to, allowHalfOpen: true, noDelay: true });
    track(far, sockets);
    far.once('connect', () => {
      passage.farPort = far.localPort ?? 0;
    });
    carry(near, far, cut, passage);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    port: (server.address() as { port: number }).port,
    next(cut) {
      const passage = newPassage();
      waiting = { cut, passage };
      return passage;
    },
    async stop() {
      const closed = new Promise((done) => server.close(done));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** Silence that came together with the client's own limit proves nothing: what went through may have come too late. */
const silenceMsMin = 50;

/** Whether a cut came in time to be what the exchange ended of, or came behind the end of a whole answer. */
export function firedInTime(passage: Passage, cut: Cut, exchange: Exchange | undefined, endedMs: number): boolean {
  const whole = exchange?.kind === 'answered' && exchange.answer.complete;
  return passage.fired && (cut.manner !== 'silence' || whole || endedMs - passage.firedMs >= silenceMsMin);
}

function newPassage(): Passage {
  return { request: Buffer.alloc(0), answer: Buffer.alloc(0), fired: false, firedMs: 0, farPort: 0 };
}

function track(socket: Socket, sockets: Set<Socket>): void {
  sockets.add(socket);
  socket.on('error', () => socket.destroy());
  socket.on('close', () => sockets.delete(socket));
}

function carry(near: Socket, far: Socket, cut: Cut | undefined, passage: Passage): void {
  /** Directions in which nothing goes on any more. */
  const ended = new Set<Direction>();
  const ends = { request: { from: near, to: far }, answer: { from: far, to: near } } as const;
  const strike = ({ direction, manner }: Cut) => {
    if (manner === 'end') ends[direction].to.end();
    if (manner !== 'reset') return;
    near.resetAndDestroy();
    far.resetAndDestroy();
  };
  for (const direction of ['request', 'answer'] as const) {
    const { from, to } = ends[direction];
    from.on('data', (chunk: Buffer) => {
      if (ended.has(direction)) return;
      const room = cut?.direction === direction ? cut.at - passage[direction].length : Number.POSITIVE_INFINITY;
      const part = chunk.subarray(0, Math.min(room, chunk.length));
      passage[direction] = Buffer.concat([passage[direction], part]);
      if (cut === undefined || chunk.length < room) {
        to.write(part);
        return;
      }
      passage.fired = true;
      passage.firedMs = performance.now();
      for (const one of cut.manner === 'end' ? [direction] : (['request', 'answer'] as const)) ended.add(one);
      // Reset only once the last byte is with the kernel: it would be dropped otherwise.
      if (part.length === 0) strike(cut);
      else to.write(part, () => strike(cut));
    });
    from.on('end', () => {
      if (!ended.has(direction)) to.end();
    });
  }
  // Whoever gave up is gone: nothing is kept open for it.
  near.on('close', () => far.destroy());
  near.on('end', () => ended.size > 0 && near.destroy());
  far.on('close', () => !ended.has('answer') && near.end());
}
