/** The frame of every HTML page and the status page itself. Server-rendered, no script, nothing from elsewhere. */
import { utcInWords } from '../connection/time-words.ts';
import { type Html, html, trusted } from './html.ts';
import { overviewView } from './overview-view.ts';
import type { Status } from './ports.ts';
import { hrefOf, type PageQuery } from './query.ts';
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
}

/** A whole page. */
export function pageOf(frame: Frame, main: Html): string {
  return html`${doctype}<html lang="en"><head><meta charset="utf-8">
<title>${frame.title}</title>
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
${frame.refresh && html`<meta http-equiv="refresh" content="${refreshSeconds}">`}
<link rel="icon" type="image/svg+xml" href="/favicon.svg">
<link rel="stylesheet" href="/style.css?v=${styleVersion}">
</head><body><a class="skip" href="#main">Skip to content</a>
<header class="top"><div class="wrap"><h1 class="brand"><a href="/"><span aria-hidden="true">${flameMark}</span>Pilotlight</a></h1>
<span class="where">${frame.environment}</span>${frame.aside}</div></header>
<main id="main" class="wrap">${main}</main>
<footer class="wrap"><p>Read-only. No token is shown here, or anywhere. <a href="/status.json">JSON</a> · <a href="/metrics">Metrics</a> · <a href="/readyz">Readiness</a></p></footer>
</body></html>`.markup;
}

const doctype = trusted('<!DOCTYPE html>\n');
const flameMark = trusted(flame);

/** The status page. */
export function statusPage(status: Status, query: PageQuery, environment: string): string {
  const { overview } = status;
  const due = [...overview.census.providers.values()].reduce((sum, { within }) => sum + within['1d'], 0);
  // Told in the tab's title, so that a page left open says it from behind.
  const title = due > 0 ? `${due} within a day · Pilotlight` : 'Pilotlight';
  const switchLink = html`<a href="${hrefOf(query, { live: !query.live })}">${query.live ? 'stop reloading' : `reload every ${refreshSeconds} s`}</a>`;
  const aside = html`<p class="asof">As of ${utcInWords(overview.now).replace(' UTC', `:${new Date(overview.now).toISOString().slice(17, 19)} UTC`)} · ${switchLink}</p>`;
  return pageOf(
    { title, environment, refresh: query.live, aside },
    html`${overviewView(overview, query)}${tableView(status, query)}`,
  );
}

/** Shown where the status cannot be read; it goes on trying, so that the page heals by itself. */
export function failurePage(label: string, environment: string): string {
  const main = html`<div class="notice" role="alert"><h2>The status cannot be read</h2><p>${label}. This page tries again every ${refreshSeconds} seconds; connections are kept alive independently of it.</p></div>`;
  return pageOf({ title: 'Status unavailable · Pilotlight', environment, refresh: true }, main);
}
