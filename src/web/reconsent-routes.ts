/**
 * The customer's routes: the link's page, its button, and the addresses providers send browsers back to. What a browser says
 * of itself is read here and judged in src/reconsent. GET and HEAD start nothing, so that programs which preview links are
 * harmless; a callback counts for GET alone.
 */
import { browserIn, cookieHeader } from '../reconsent/browser.ts';
import type { Ended } from '../reconsent/options.ts';
import type { Reconsent } from '../reconsent/reconsent.ts';
import type { OpenLink } from '../reconsent/start.ts';
import type { Route, WebAnswer, WebRequest } from './ports.ts';
import { endNotice, endPage, type ReconsentFrame, startPage } from './reconsent-pages.ts';
import { reconsentSheet } from './reconsent-style.ts';
import { endWords } from './reconsent-words.ts';
import { flame } from './style.ts';

export interface ReconsentRoutesOptions {
  readonly reconsent: Reconsent;
  /** The same that links begin with. */
  readonly publicUrl: string;
  /** Who the customer knows us as. Default Pilotlight. */
  readonly name?: string;
  /** Whom to ask: an address or a sentence. */
  readonly support?: string;
  /** How long a callback may take, ms: longer than exchange and write limit together. */
  readonly callbackMsMax?: number;
}

interface Customer extends ReconsentRoutesOptions {
  readonly frame: ReconsentFrame;
}

const linkPath = '/reconsent/';
const callbackPath = '/oauth/callback/';
const callbackMsMaxDefault = 150_000;
const keepable = { 'cache-control': 'public, max-age=86400' };
const unlisted = { 'x-robots-tag': 'noindex, nofollow' };

export function reconsentRoutes(options: ReconsentRoutesOptions): readonly Route[] {
  const { publicUrl, name = 'Pilotlight', support, callbackMsMax = callbackMsMaxDefault } = options;
  const { hostname, pathname } = new URL(publicUrl);
  const customer: Customer = { ...options, frame: { base: pathname.replace(/\/+$/, ''), name, support } };
  const hosts = [hostname];
  return [
    {
      path: `${linkPath}style.css`,
      hosts,
      handle: () => ({ status: 200, contentType: 'text/css; charset=utf-8', body: reconsentSheet, headers: keepable }),
    },
    {
      path: `${linkPath}icon.svg`,
      hosts,
      handle: () => ({ status: 200, contentType: 'image/svg+xml', body: flame, headers: keepable }),
    },
    {
      path: linkPath,
      below: true,
      takesForm: true,
      hosts,
      handle: (request) => (request.method === 'POST' ? press(request, customer) : show(request, customer)),
    },
    {
      path: callbackPath,
      below: true,
      hosts,
      answerMsMax: callbackMsMax,
      handle: (request) => callback(request, customer),
    },
  ];
}

async function show(request: WebRequest, customer: Customer): Promise<WebAnswer> {
  const token = request.path.slice(linkPath.length);
  const found = await customer.reconsent.look(token);
  return found.kind === 'end' ? ending(found, customer) : starting(200, token, found, request, customer);
}

async function press(request: WebRequest, customer: Customer): Promise<WebAnswer> {
  const { reconsent, publicUrl } = customer;
  const token = request.path.slice(linkPath.length);
  const begun = await reconsent.begin(token, {
    token: request.form.get('form') ?? undefined,
    origin: request.origin,
    fetchSite: request.fetchSite,
    browser: browserIn(request.cookies, publicUrl),
  });
  if (begun.kind === 'begun') return { ...html(303, ''), headers: { ...unlisted, location: begun.to.href } };
  if (begun.end !== 'form_refused') return ending(begun, customer);
  // An old page or a browser without our cookie: both get a fresh page, and another site gets nothing by it.
  const found = await reconsent.look(token);
  if (found.kind === 'end') return ending(found, customer);
  const { status } = endWords('form_refused');
  return starting(status, token, found, request, customer, endNotice('form_refused'));
}

async function callback(request: WebRequest, customer: Customer): Promise<WebAnswer> {
  // A state is worth one callback: a program that only looks must not take it.
  if (request.method !== 'GET') return html(200, '');
  const { reconsent, publicUrl } = customer;
  const ended = await reconsent.finish({
    provider: request.path.slice(callbackPath.length),
    query: request.query,
    browser: browserIn(request.cookies, publicUrl),
  });
  return ending(ended, customer);
}

function starting(
  status: number,
  token: string,
  link: OpenLink,
  request: WebRequest,
  { reconsent, publicUrl, frame }: Customer,
  notice?: string,
): WebAnswer {
  // One browser stays one, so that a second tab does not shut the first one out.
  const browser = browserIn(request.cookies, publicUrl) ?? reconsent.newBrowser();
  const form = {
    action: `${frame.base}${linkPath}${token}`,
    token: reconsent.formToken(token, browser),
    ...(notice === undefined ? {} : { notice }),
  };
  return {
    ...html(status, startPage(link, form, frame)),
    headers: {
      ...unlisted,
      'set-cookie': cookieHeader(publicUrl, browser),
      // With `no-referrer` browsers send "Origin: null" with our own form. This one still tells other sites nothing.
      'referrer-policy': 'same-origin',
    },
    // Browsers hold every redirect after a form against this, and a provider's sign-in is spread over hosts of its own.
    formLeadsTo: publicUrl.startsWith('https:') ? 'https:' : 'https: http:',
  };
}

function ending(ended: Ended, { frame }: Customer): WebAnswer {
  return { ...html(endWords(ended.end).status, endPage(ended, frame)), headers: unlisted };
}

function html(status: number, body: string): WebAnswer {
  return { status, contentType: 'text/html; charset=utf-8', body };
}
