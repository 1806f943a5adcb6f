/**
 * From a request to its answer: GET and HEAD on known paths, POST of a small form where a route takes one, every answer with
 * the same strict headers, every request bounded in time. An error says nothing to the outside; the log has its class and code.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../runtime/clock.ts';
import { errorLabel } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import { hasBody, readForm } from './form.ts';
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

/** A page needs its own style and icon and posts to itself, or where its answer says; nothing may frame it. */
function policy(formLeadsTo: string | undefined): string {
  const forms = formLeadsTo === undefined ? "'self'" : `'self' ${formLeadsTo}`;
  return `default-src 'none'; style-src 'self'; img-src 'self'; form-action ${forms}; base-uri 'none'; frame-ancestors 'none'`;
}

/** On every answer. */
const strictHeaders = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

/** Answers requests by the routes given. */
export function createListener(options: DispatchOptions, routes: ReadonlyMap<string, Route>) {
  const wide = [...routes.values()].filter(({ below }) => below === true);
  const routeOf = (path: string) => routes.get(path) ?? wide.find((route) => path.startsWith(route.path));
  return async (request: IncomingMessage, response: ServerResponse) => {
    // A peer that has gone is no event of ours.
    response.on('error', () => undefined);
    let route: Route | undefined;
    try {
      const url = targetOf(request);
      route = url === undefined ? undefined : routeOf(url.pathname);
      send(request, response, await answer(options, route, request, url));
    } catch (error) {
      // The route's own path: what follows it may be a link that opens something.
      options.logger.error('web.failed', { path: route?.path ?? 'other', error: errorLabel(error) });
      if (!response.headersSent) send(request, response, plain(500, 'Something went wrong; the log says what.'));
      else response.destroy();
    }
  };
}

/**
 * Path and query of the request target; undefined for what is no path (`*`, a proxy's absolute address), and for a path
 * that reads otherwise than it is written (`..`, `\`): a proxy lets the customers' pages through by the first letters of
 * what is written.
 */
function targetOf({ url = '' }: IncomingMessage): URL | undefined {
  const target = url.startsWith('/') ? URL.parse(`http://pilotlight.invalid${url}`) : null;
  return target?.pathname === url.split(/[?#]/, 1)[0] ? (target ?? undefined) : undefined;
}

async function answer(
  options: DispatchOptions,
  route: Route | undefined,
  request: IncomingMessage,
  url: URL | undefined,
): Promise<WebAnswer> {
  if (url === undefined) return plain(400, 'The request target must be a plain path.');
  const names = [...(options.allowedHosts ?? []), ...(route?.hosts ?? [])];
  const checked = options.allowedHosts !== undefined || isLoopback(options.host);
  if (checked && route?.anyHost !== true && !allowsHost(request.headers.host, names)) {
    return plain(421, 'This name is not one this server answers to.');
  }
  if (route === undefined) return plain(404, 'Not found.');
  const method = methodFor(route, request);
  if (method === undefined) {
    return route.takesForm === true
      ? { ...plain(405, 'Only GET, HEAD and POST.'), headers: { allow: 'GET, HEAD, POST' } }
      : { ...plain(405, 'Only GET and HEAD.'), headers: { allow: 'GET, HEAD' } };
  }
  if (method !== 'POST' && hasBody(request)) return plain(413, 'Requests carry no body here.');
  const form = method === 'POST' ? await readForm(request) : new URLSearchParams();
  if ('refused' in form) return plain(form.refused, 'The form cannot be read.');
  const asked = { method, path: url.pathname, query: url.searchParams, form, ...senderOf(request) };
  return withinLimit(options, route.answerMsMax, Promise.resolve(route.handle(asked)));
}

function methodFor(route: Route, { method }: IncomingMessage): 'GET' | 'HEAD' | 'POST' | undefined {
  if (method === 'GET' || method === 'HEAD') return method;
  return method === 'POST' && route.takesForm === true ? method : undefined;
}

function senderOf({ headers }: IncomingMessage) {
  const { origin, cookie } = headers;
  const fetchSite = headers['sec-fetch-site'];
  return {
    ...(origin === undefined ? {} : { origin }),
    ...(typeof fetchSite === 'string' ? { fetchSite } : {}),
    ...(cookie === undefined ? {} : { cookies: cookie }),
  };
}

async function withinLimit(
  { clock, answerMsMax = answerMsMaxDefault }: DispatchOptions,
  routeMsMax: number | undefined,
  work: Promise<WebAnswer>,
): Promise<WebAnswer> {
  const done = new AbortController();
  const limit = clock.sleep(Math.max(answerMsMax, routeMsMax ?? 0), done.signal).then(
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
  { status, contentType, body, headers, formLeadsTo }: WebAnswer,
): void {
  const bytes = Buffer.from(body);
  // A body nobody reads would be taken for the next request on the same connection.
  const close = request.method !== 'HEAD' && request.method !== 'GET' ? true : hasBody(request);
  response.writeHead(status, {
    ...strictHeaders,
    'content-security-policy': policy(formLeadsTo),
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
