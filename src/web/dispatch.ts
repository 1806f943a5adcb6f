/**
 * From a request to its answer: GET and HEAD on known paths only, every answer with the same strict headers, every request
 * bounded in time and without a body. An error says nothing to the outside; the log has its class and code.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../runtime/clock.ts';
import { errorLabel } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import { allowsHost, isLoopback } from './host.ts';
import type { Route, WebAnswer } from './ports.ts';

export interface DispatchOptions {
  /** The address listened on. */
  readonly host: string;
  readonly allowedHosts?: readonly string[];
  readonly logger: Pick<Logger, 'error'>;
  readonly clock: Pick<Clock, 'sleep'>;
  readonly answerMsMax?: number;
}

const answerMsMaxDefault = 10_000;

/** On every answer. The page needs its own style and icon and posts nowhere; nothing may frame it. */
const strictHeaders = {
  'cache-control': 'no-store',
  'content-security-policy':
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

/** Answers requests by the routes given. */
export function createListener(options: DispatchOptions, routes: ReadonlyMap<string, Route>) {
  return async (request: IncomingMessage, response: ServerResponse) => {
    // A peer that has gone is no event of ours.
    response.on('error', () => undefined);
    let path = '';
    try {
      const url = targetOf(request);
      path = url?.pathname ?? '';
      send(request, response, await answer(options, routes, request, url));
    } catch (error) {
      options.logger.error('web.failed', { path: routes.has(path) ? path : 'other', error: errorLabel(error) });
      if (!response.headersSent) send(request, response, plain(500, 'Something went wrong; the log says what.'));
      else response.destroy();
    }
  };
}

/** Path and query of the request target; undefined for what is no path (`*`, a proxy's absolute address). */
function targetOf({ url = '' }: IncomingMessage): URL | undefined {
  return url.startsWith('/') ? (URL.parse(`http://pilotlight.invalid${url}`) ?? undefined) : undefined;
}

async function answer(
  options: DispatchOptions,
  routes: ReadonlyMap<string, Route>,
  request: IncomingMessage,
  url: URL | undefined,
): Promise<WebAnswer> {
  if (url === undefined) return plain(400, 'The request target must be a path.');
  const route = routes.get(url.pathname);
  const checked = options.allowedHosts !== undefined || isLoopback(options.host);
  if (checked && route?.anyHost !== true && !allowsHost(request.headers.host, options.allowedHosts ?? [])) {
    return plain(421, 'This name is not one this server answers to.');
  }
  if (route === undefined) return plain(404, 'Not found.');
  const { method } = request;
  if (method !== 'GET' && method !== 'HEAD')
    return { ...plain(405, 'Only GET and HEAD.'), headers: { allow: 'GET, HEAD' } };
  if (hasBody(request)) return plain(413, 'Requests carry no body here.');
  return withinLimit(options, Promise.resolve(route.handle({ method, path: url.pathname, query: url.searchParams })));
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
}

async function withinLimit(
  { clock, answerMsMax = answerMsMaxDefault }: DispatchOptions,
  work: Promise<WebAnswer>,
): Promise<WebAnswer> {
  const done = new AbortController();
  const limit = clock.sleep(answerMsMax, done.signal).then(
    () => plain(503, 'The answer took too long.'),
    () => plain(503, 'Stopped.'),
  );
  try {
    return await Promise.race([work, limit]);
  } finally {
    done.abort();
  }
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, contentType, body, headers }: WebAnswer,
): void {
  const bytes = Buffer.from(body);
  // A body nobody reads would be taken for the next request on the same connection.
  const close = request.method !== 'HEAD' && request.method !== 'GET' ? true : hasBody(request);
  response.writeHead(status, {
    ...strictHeaders,
    'content-type': contentType,
    'content-length': bytes.length,
    ...headers,
    ...(close ? { connection: 'close' } : {}),
  });
  response.end(request.method === 'HEAD' ? undefined : bytes);
}

function plain(status: number, text: string): WebAnswer {
  return { status, contentType: 'text/plain; charset=utf-8', body: `${text}\n` };
}
