/** The frame of every HTML page and the status page itself. Server-rendered, no script, nothing from elsewhere. */
import { utcInWords } from '../connection/time-words.ts';
import { type Html, html, trusted } from './html.ts';
import { lampView, navView, type Place, signOutPath } from './nav.ts';
import type { Top } from './operator-ports.ts';
import { overviewView } from './overview-view.ts';
import { type SortedQuery, type SortedStatus, sortedHref } from './sort.ts';
import { flame, styleVersion } from './style.ts';
import { tableView } from './table-view.ts';

/** Long enough to read a row, short enough for a countdown. */
const refreshSeconds = 10;

export interface Frame {
  readonly title: string;
  /** Name of the install, shown beside the brand. */
  readonly environment: string;
  /** Loads itself again. */
  readonly refresh: boolean;
  /** Beside the brand: instant and switch. */
  readonly aside?: Html;
  /** The way to the other pages. */
  readonly nav?: Html;
  /** Whether what keeps connections alive still runs. */
  readonly lamp?: Html;
  /** The page's own h1; without one the brand is it. */
  readonly heading?: Html;
  /** Shown to somebody who signed in, and may sign out. */
  readonly signedIn?: boolean;
}

/** A whole page. */
export function pageOf(frame: Frame, main: Html): string {
  const { heading } = frame;
  const brand = html`<a href="/"><span aria-hidden="true">${flameMark}</span>Pilotlight</a>`;
  return html`${doctype}<html lang="en"><head><meta charset="utf-8">
<title>${frame.title}</title>
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
${frame.refresh && html`<meta http-equiv="refresh" content="${refreshSeconds}">`}
<link rel="icon" type="image/svg+xml" href="/favicon.svg">
<link rel="stylesheet" href="/style.css?v=${styleVersion}">
</head><body><a class="skip" href="#main">Skip to content</a>
<header class="top"><div class="wrap">${heading === undefined ? html`<h1 class="brand">${brand}</h1>` : html`<p class="brand">${brand}</p>`}
<span class="where">${frame.environment}</span>${frame.nav}${frame.aside}</div>${frame.lamp}</header>
<main id="main" class="wrap">${heading !== undefined && html`<h1 class="title">${heading}</h1>`}${main}</main>
<footer class="wrap"><p>Read-only. No token is shown here, or anywhere. <a href="/status.json">JSON</a> · <a href="/metrics">Metrics</a> · <a href="/readyz">Readiness</a></p>${frame.signedIn === true && signOut}</footer>
</body></html>`.markup;
}

const doctype = trusted('<!DOCTYPE html>\n');
const flameMark = trusted(flame);
const signOut = html`<form class="out" method="post" action="${signOutPath}"><button type="submit">Sign out</button></form>`;

/** As of when a page tells, and the switch that stops it from loading itself again. */
export function asOf(now: number, live: boolean, switchHref: string): Html {
  const seconds = utcInWords(now).replace(' UTC', `:${new Date(now).toISOString().slice(17, 19)} UTC`);
  return html`<p class="asof">As of ${seconds} · <a href="${switchHref}">${live ? 'stop reloading' : `reload every ${refreshSeconds} s`}</a></p>`;
}

/** Given where the operator's other pages are served too. */
export interface Operator {
  /** Undefined where they could not be counted. */
  readonly open?: Top['open'] | undefined;
  readonly signedIn?: boolean;
}

/** The status page. */
export function statusPage(
  status: SortedStatus,
  query: SortedQuery,
  environment: string,
  operator?: Operator | undefined,
): string {
  const { overview } = status;
  const due = [...overview.census.providers.values()].reduce((sum, { within }) => sum + within['1d'], 0);
  return pageOf(
    {
      // Told in the tab's title, so that a page left open says it from behind.
      title: due > 0 ? `${due} within a day · Pilotlight` : 'Pilotlight',
      environment,
      refresh: query.live,
      aside: asOf(overview.now, query.live, sortedHref(query, { live: !query.live })),
      lamp: lampView(overview.lamps, overview.now),
      ...(operator === undefined ? {} : { nav: navView('/', operator.open), signedIn: operator.signedIn === true }),
    },
    html`${overviewView(overview, query)}${tableView(status, query, operator !== undefined)}`,
  );
}

/** Shown where something cannot be read; it goes on trying, so that the page heals by itself. */
export function failurePage(
  label: string,
  environment: string,
  operator?: (Operator & { readonly here: Place }) | undefined,
): string {
  const main = html`<div class="notice" role="alert"><h2>The status cannot be read</h2><p>${label}. This page tries again every ${refreshSeconds} seconds; connections are kept alive independently of it.</p></div>`;
  return pageOf(
    {
      title: 'Status unavailable · Pilotlight',
      environment,
      refresh: true,
      ...(operator === undefined
        ? {}
        : { nav: navView(operator.here, operator.open), signedIn: operator.signedIn === true }),
    },
    main,
  );
}
