/**
 * The sandbox's HTTP side: finds the provider by Host header, lets faults strike at their moment, and notes for the judge
 * which answers were handed to the network whole.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../../runtime/clock.ts';
import type { Consents } from './authorize.ts';
import type { Behaviour, World } from './behaviour.ts';
import { type Call, type Credentials, page, type Reply } from './call.ts';
import type { FaultKind, Faults, FaultTarget } from './faults.ts';
import type { Ledger, Presentation } from './ledger.ts';

export interface ServerSettings {
  readonly clock: Clock;
  readonly ledger: Ledger;
  readonly faults: Faults;
  readonly behaviours: readonly Behaviour[];
  readonly consents: Consents;
  /** Real milliseconds every answer takes at least; asked for each request. */
  latencyMs(): number;
  client(provider: string, credentials: Credentials): 'accepted' | 'unknown' | 'wrong';
}

const bodyBytesMax = 65_536;
/** The presentation answered last on a connection. */
type LastOn = WeakMap<Socket, Presentation>;

/** Not yet listening. */
export function createSandboxServer(settings: ServerSettings): Server {
  const lastOn: LastOn = new WeakMap();
  const server = createServer((request, response) => {
    // A calendar that runs fast makes every Date header wrong by minutes; none is better.
    response.sendDate = false;
    handle(request, response, settings, lastOn).catch(() => response.destroy());
  });
  server.on('connection', (socket) => {
    // Reset with our answer unread: it did not arrive.
    socket.on('error', () => delete lastOn.get(socket)?.deliveredOrder);
  });
  return server;
}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  settings: ServerSettings,
  lastOn: LastOn,
): Promise<void> {
  const host = (request.headers.host ?? '').replace(/:\d+$/, '').toLowerCase();
  const url = new URL(request.url ?? '/', 'http://sandbox');
  // Opened by a person's browser: faults are for the service.
  const browsed = settings.consents.browse(host, url, request.method ?? 'GET', () => readBody(request));
  if (browsed !== undefined) return reply(response, await browsed);
  const behaviour = settings.behaviours.find((one) => one.placeOf(host) !== undefined);
  const place = behaviour?.placeOf(host);
  if (behaviour === undefined || place === undefined) return reply(response, page(421, 'Misdirected Request'));
  const now = () => settings.clock.now();
  if (
    settings.faults.strike({ provider: behaviour.provider, host }, now(), ({ kind }) => kind === 'refuse') !== undefined
  ) {
    request.socket.resetAndDestroy();
    return;
  }
  const body = await readBody(request);
  const { method = 'GET', headers } = request;
  const call: Call = { method, path: url.pathname, query: url.searchParams, headers, body, place };
  const shown = behaviour.shownBy(call);
  const presentation =
    shown.refreshToken === undefined ? undefined : settings.ledger.present(shown.refreshToken, 'service');
  const connection = presentation?.connection ?? settings.consents.connectionOf(behaviour.provider, call);
  const target: FaultTarget = {
    provider: behaviour.provider,
    host,
    ...(connection === undefined ? {} : { connection }),
    ...(shown.client === undefined ? {} : { client: shown.client }),
  };
  const fault = settings.faults.strike(target, now(), () => true);
  const latencyMs = settings.latencyMs() + (fault?.kind === 'slow' ? fault.ms : 0);
  if (latencyMs > 0) await settings.clock.sleep(latencyMs);
  const world = worldOf(settings, behaviour.provider, fault, presentation);
  const answer = () => settings.consents.answer(behaviour.provider, call, world) ?? behaviour.answer(call, world);
  const delivery = decide(fault, behaviour, answer);
  if (presentation !== undefined && delivery.how === 'reply') watch(response, presentation, settings.ledger, lastOn);
  deliver(response, delivery);
}

function worldOf(
  settings: ServerSettings,
  provider: string,
  fault: FaultKind | undefined,
  presentation: Presentation | undefined,
): World {
  return {
    ledger: settings.ledger,
    now: settings.clock.now(),
    client: (credentials) => (fault?.kind === 'wrongSecret' ? 'wrong' : settings.client(provider, credentials)),
    ...(presentation === undefined ? {} : { presentation }),
  };
}

type Delivery =
  | { readonly how: 'reply'; readonly reply: Reply }
  | { readonly how: 'truncated'; readonly reply: Reply; readonly keepBytes: number }
  | { readonly how: 'raw'; readonly bytes: Buffer }
  | { readonly how: 'reset' | 'never' };

/** Commits, or does not, and says what goes out. */
function decide(fault: FaultKind | undefined, behaviour: Behaviour, answer: () => Reply): Delivery {
  if (fault === undefined) return { how: 'reply', reply: answer() };
  if ('when' in fault && fault.when === 'after') answer();
  switch (fault.kind) {
    case 'refuse':
    case 'drop':
      return { how: 'reset' };
    case 'hang':
      return { how: 'never' };
    case 'answer':
      return { how: 'reply', reply: fault };
    case 'raw':
      return { how: 'raw', bytes: fault.bytes };
    case 'throttle':
      return { how: 'reply', reply: behaviour.throttled(fault.retryAfterMs) };
    case 'truncate':
      return { how: 'truncated', reply: answer(), keepBytes: fault.keepBytes };
    case 'slow':
    case 'wrongSecret':
      return { how: 'reply', reply: answer() };
  }
}

function deliver(response: ServerResponse, delivery: Delivery): void {
  switch (delivery.how) {
    case 'never':
      return;
    case 'reset':
      response.socket?.resetAndDestroy();
      return;
    case 'raw':
      response.socket?.end(delivery.bytes);
      return;
    case 'truncated': {
      const bytes = bytesOf(delivery.reply);
      response.writeHead(delivery.reply.status, { ...headersOf(delivery.reply), 'content-length': bytes.length });
      response.write(bytes.subarray(0, delivery.keepBytes), () => response.destroy());
      return;
    }
    case 'reply':
      reply(response, delivery.reply);
  }
}

/** An answer counts as delivered when the network took all of it and the other side did not reset what it had not read. */
function watch(response: ServerResponse, presentation: Presentation, ledger: Ledger, lastOn: LastOn): void {
  const { socket } = response;
  response.once('finish', () => {
    presentation.status = response.statusCode;
    ledger.delivered(presentation);
    if (socket !== null) lastOn.set(socket, presentation);
  });
}

function reply(response: ServerResponse, what: Reply): void {
  const bytes = bytesOf(what);
  response.writeHead(what.status, { ...headersOf(what), 'content-length': bytes.length });
  response.end(bytes);
}

function bytesOf({ body }: Reply): Buffer {
  if (body === undefined) return Buffer.alloc(0);
  if (Buffer.isBuffer(body)) return body;
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}

function headersOf({ body, headers }: Reply): Record<string, string> {
  const type: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json;charset=UTF-8' };
  return { ...type, 'cache-control': 'no-store', ...headers };
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > bodyBytesMax) throw new Error('the request is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
