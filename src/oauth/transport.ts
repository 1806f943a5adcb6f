/**
 * Sends one prepared request and says what became of it. One connection per request (no reuse race), no redirect (a
 * followed 307 would hand the token to another host), no retry, no proxy from the environment. From the first byte sent
 * on, only a status line counts as an answer, and whatever body arrived is handed on, cut or whole.
 */
import { type IncomingMessage, request as startRequest } from 'node:http';
import type { LookupFunction, Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import type { Exchange, PreparedRequest, RawAnswer } from '../rotation/ports.ts';
import type { Clock } from '../runtime/clock.ts';
import { connectionLabel, type Origin, openConnection } from './connect.ts';
import { namesRequest } from './refusal.ts';
import { isLoopbackHost } from './target.ts';

export interface TransportLimits {
  /** Name lookup, TCP and TLS together, in ms. */
  readonly connectMs: number;
  /** The whole exchange, in ms. Longer than a provider's own gateway limit: waiting costs less than not knowing. */
  readonly totalMs: number;
  /** Most bytes of a body taken, as they come. */
  readonly bodyBytesMax: number;
}

export interface TransportSettings {
  readonly clock: Clock;
  readonly limits: TransportLimits;
  /** A loopback origin that stands in for every host (sandbox); plain HTTP, the real name in the Host header. */
  readonly connectTo?: URL;
  /** How names become addresses for hosts other than this machine. */
  readonly lookup: LookupFunction;
  readonly secureContext?: SecureContext;
}

/** Headers `readAnswer` looks at; nothing else is kept of an answer's head. */
const headersKept = new Set(['content-type', 'content-encoding', 'retry-after', 'date']);
const headerLengthMax = 512;
/** Node's own default, said here because the limit is part of what is promised. */
const headBytesMax = 16_384;

/** Ends a timer; a constant, because an abort without a reason makes an error with a stack for each request. */
const finished = new Error('finished');

/** Never rejects. */
export async function send(request: PreparedRequest, settings: TransportSettings): Promise<Exchange> {
  const limit = new AbortController();
  try {
    const url = new URL(request.url.reveal());
    const origin = originOf(url, settings.connectTo);
    const overall = new AbortController();
    settings.clock.sleep(settings.limits.totalMs, limit.signal).then(
      () => overall.abort(),
      () => {},
    );
    const connected = await openConnection(origin, {
      clock: settings.clock,
      timeoutMs: Math.min(settings.limits.connectMs, settings.limits.totalMs),
      ...(settings.secureContext === undefined ? {} : { secureContext: settings.secureContext }),
      // This machine's own names are meant when they are written in a provider file.
      ...(isLoopbackHost(origin.hostname) ? {} : { lookup: settings.lookup }),
    });
    if (!connected.ok) return { kind: 'notSent', label: connected.label };
    return await exchange(request, url, connected.socket, overall.signal, settings);
  } catch {
    // Nothing above throws by design; if it does, the token may have left us.
    return { kind: 'unanswered', label: 'internal_error' };
  } finally {
    limit.abort(finished);
  }
}

function originOf(url: URL, connectTo: URL | undefined): Origin {
  const target = connectTo ?? url;
  const tls = target.protocol === 'https:';
  const hostname = target.hostname.replace(/^\[|\]$/g, '');
  return { hostname, port: target.port === '' ? (tls ? 443 : 80) : Number(target.port), tls };
}

function exchange(
  request: PreparedRequest,
  url: URL,
  socket: Socket,
  overall: AbortSignal,
  settings: TransportSettings,
): Promise<Exchange> {
  return new Promise((settle) => {
    let reading: Reading | undefined;
    const end = (label: string) => {
      settle(
        reading === undefined ? { kind: 'unanswered', label } : { kind: 'answered', answer: reading.answer(false) },
      );
      outgoing.destroy();
      socket.destroy();
    };
    const body = Buffer.from(request.body.reveal(), 'utf8');
    const outgoing = startRequest({
      // The socket is open already; without an agent it is used once and closed.
      createConnection: () => socket,
      method: 'POST',
      path: url.pathname + url.search,
      headers: headersOf(request, url, body),
      maxHeaderSize: headBytesMax,
      insecureHTTPParser: false,
    });
    // Once an answer has begun, its own end decides: what the socket says meanwhile adds nothing.
    outgoing.on('error', (error) => reading === undefined && end(connectionLabel(error)));
    outgoing.on('close', () => reading === undefined && end('connection_closed'));
    // A 101 would hand us the bare socket.
    outgoing.on('upgrade', () => end('http_malformed'));
    outgoing.on('response', (incoming) => {
      reading = startReading(incoming, settings);
      reading.onEnd((complete) => {
        if (reading !== undefined) settle({ kind: 'answered', answer: reading.answer(complete) });
        outgoing.destroy();
        socket.destroy();
      });
    });
    // Where this process stood still until the limit was over, the answer may lie in the socket's buffer, unread: the loop
    // looks at sockets once more before an immediate runs.
    overall.addEventListener('abort', () => setImmediate(() => end('timeout')), { once: true });
    if (overall.aborted) return end('timeout');
    outgoing.end(body);
  });
}

function headersOf(request: PreparedRequest, url: URL, body: Buffer): Record<string, string | number> {
  const headers: Record<string, string | number> = {};
  for (const [name, value] of Object.entries(request.headers))
    headers[name] = typeof value === 'string' ? value : value.reveal();
  headers.host = url.host;
  headers['content-length'] = body.length;
  return headers;
}

interface Reading {
  answer(complete: boolean): RawAnswer;
  onEnd(done: (complete: boolean) => void): void;
}

/** Collects a body up to the limit; `onEnd` fires once, when it ended, broke off or grew too large. */
function startReading(incoming: IncomingMessage, settings: TransportSettings): Reading {
  const chunks: Buffer[] = [];
  let length = 0;
  const ended = Promise.withResolvers<boolean>();
  incoming.on('data', (chunk: Buffer) => {
    const room = settings.limits.bodyBytesMax - length;
    chunks.push(chunk.subarray(0, room));
    length += Math.min(chunk.length, room);
    if (chunk.length > room) ended.resolve(false);
  });
  incoming.on('end', () => ended.resolve(incoming.complete));
  incoming.on('close', () => ended.resolve(false));
  incoming.on('error', () => ended.resolve(false));
  return {
    answer: (complete) => ({
      status: incoming.statusCode ?? 0,
      headers: headersKeptOf(incoming),
      body: Buffer.concat(chunks),
      complete,
      receivedAt: settings.clock.now(),
    }),
    onEnd: (done) => {
      ended.promise.then(done);
    },
  };
}

function headersKeptOf(incoming: IncomingMessage): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(incoming.headers)) {
    if ((headersKept.has(name) || namesRequest(name)) && typeof value === 'string')
      kept[name] = value.slice(0, headerLengthMax);
  }
  return kept;
}
