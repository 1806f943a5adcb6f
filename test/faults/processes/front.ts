/**
 * A server between the workers and the providers' sandbox that can be held still at each moment of an exchange: request
 * read and not yet handed on, committed by the provider and not yet answered, answered by half, answered whole. What is
 * held goes on, or is dropped as if it never had.
 */
import { createServer, type IncomingMessage, type ServerResponse, request as startRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from '../../../src/runtime/clock.ts';

/** In the order of an exchange. */
export const moments = ['connected', 'requested', 'committed', 'half', 'answered'] as const;
export type Moment = (typeof moments)[number];

export interface Hold {
  /** Resolves when an exchange stands at the moment. */
  readonly reached: Promise<void>;
  /** Lets it go on; `drop`: it ends there. */
  release(how: 'go' | 'drop'): void;
}

export interface Front {
  readonly url: string;
  /** The next exchange to come to this moment stands still there. */
  hold(moment: Moment): Hold;
  /** Real milliseconds an exchange takes before the provider hears of it; asked each time. */
  latency(ms: () => number): void;
  /** Told of every exchange whose answer did not get out whole before its caller was gone, with the request and its instant. */
  onUndelivered(hear: (request: Buffer, from: number) => void): void;
  stop(): Promise<void>;
}

interface Standing {
  readonly moment: Moment;
  readonly reach: () => void;
  readonly released: Promise<'go' | 'drop'>;
}

export async function startFront(to: URL): Promise<Front> {
  const clock = systemClock();
  const holds = new Set<Standing>();
  let latency = () => 0;
  let undelivered: (request: Buffer, from: number) => void = () => {};

  async function stand(moment: Moment): Promise<'go' | 'drop'> {
    const hold = [...holds].find((one) => one.moment === moment);
    if (hold === undefined) return 'go';
    holds.delete(hold);
    hold.reach();
    return hold.released;
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readAll(request);
    const from = Date.now();
    response.once('close', () => {
      if (!response.writableFinished) undelivered(body, from);
    });
    const ms = latency();
    if (ms > 0) await clock.sleep(ms);
    const drop = () => void response.destroy();
    if ((await stand('requested')) === 'drop') return drop();
    const answer = await passOn(to, request, body);
    if ((await stand('committed')) === 'drop') return drop();
    response.writeHead(answer.status, answer.headers);
    const half = Math.floor(answer.body.length / 2);
    await written((done) => response.write(answer.body.subarray(0, half), done));
    if ((await stand('half')) === 'drop') return drop();
    await written((done) => response.end(answer.body.subarray(half), done));
    await stand('answered');
  }

  const server = createServer((request, response) => {
    response.sendDate = false;
    response.on('error', () => response.destroy());
    handle(request, response).catch(() => response.destroy());
  });
  server.on('connection', () => void stand('connected'));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    hold(moment) {
      const reached = Promise.withResolvers<void>();
      const released = Promise.withResolvers<'go' | 'drop'>();
      const standing = { moment, reach: reached.resolve, released: released.promise };
      holds.add(standing);
      return {
        reached: reached.promise,
        release(how) {
          holds.delete(standing);
          released.resolve(how);
        },
      };
    },
    latency(ms) {
      latency = ms;
    },
    onUndelivered(hear) {
      undelivered = hear;
    },
    stop: () =>
      new Promise<void>((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

interface Passed {
  readonly status: number;
  readonly headers: Record<string, string | string[]>;
  readonly body: Buffer;
}

/** The same request at the sandbox, whole. */
function passOn(to: URL, { method, url, headers }: IncomingMessage, body: Buffer): Promise<Passed> {
  return new Promise((done, fail) => {
    const outgoing = startRequest(
      { host: to.hostname, port: to.port, method, path: url, headers, agent: false },
      (incoming) => {
        const { connection: _, 'keep-alive': __, ...kept } = incoming.headers;
        readAll(incoming).then((whole) => {
          const named = Object.entries(kept).filter(
            (pair): pair is [string, string | string[]] => pair[1] !== undefined,
          );
          done({ status: incoming.statusCode ?? 0, headers: Object.fromEntries(named), body: whole });
        }, fail);
      },
    );
    outgoing.on('error', fail);
    outgoing.end(body);
  });
}

async function readAll(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Handed to the network; a peer that is gone counts as well. */
function written(write: (done: () => void) => void): Promise<void> {
  return new Promise((done) => write(() => done()));
}
