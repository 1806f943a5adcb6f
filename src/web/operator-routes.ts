/**
 * The operator's pages: the status page with the way to the others, one connection, the providers, the incidents. All read-only.
 * What cannot be read is said in a page of the same frame, which tries again.
 */
import type { Clock } from '../runtime/clock.ts';
import { errorLabel } from '../runtime/errors.ts';
import { connectionView } from './connection-view.ts';
import { type Html, html } from './html.ts';
import { incidentsView, isSnoozed } from './incidents-view.ts';
import { lampView, navView, type Place } from './nav.ts';
import type { OperatorReader, Top } from './operator-ports.ts';
import { asOf, failurePage, pageOf } from './page.ts';
import { clip } from './pieces.ts';
import type { Route, StatusReader, WebAnswer, WebRequest } from './ports.ts';
import { providersView } from './providers-view.ts';
import { pageSizeDefault } from './query.ts';
import { htmlAnswer, statusRoutes } from './status-routes.ts';

export interface OperatorRoutesOptions {
  readonly reader: OperatorReader;
  readonly status: StatusReader;
  readonly environment: string;
  readonly clock: Pick<Clock, 'now'>;
  /** Told the class and code of a failed read. */
  readonly onFailure: (label: string) => void;
  /** The pages are behind a login: whoever sees them may sign out. */
  readonly signedIn?: boolean;
}

/** Names of secrets end at 512 characters: what is longer was never an id. */
const idLengthMax = 512;

/** Every page for operators. They include those of `statusRoutes`, which need not be served twice. */
export function operatorRoutes(options: OperatorRoutesOptions): readonly Route[] {
  const { reader, status, environment, onFailure, signedIn = false } = options;
  const top = () => topOf(options);
  return [
    ...statusRoutes({ status, environment, onFailure, top, signedIn }),
    {
      path: '/connection',
      handle: (request) => shown(options, '/', request, () => connectionPage(options, request)),
    },
    {
      path: '/providers',
      handle: (request) =>
        shown(options, '/providers', request, async () => {
          // The first page of the status, so that one pass over the index serves both.
          const [{ overview }, clients] = await Promise.all([
            status.read({ page: 1, size: pageSizeDefault }),
            reader.clients(),
          ]);
          const rejected = clients.filter(({ health }) => health.breaker === 'open').length;
          const now = options.clock.now();
          return {
            title: rejected > 0 ? `${rejected} rejected · Providers` : 'Providers',
            heading: html`Providers`,
            main: providersView(overview.census.providers, clients, now),
          };
        }),
    },
    {
      path: '/incidents',
      handle: (request) =>
        shown(options, '/incidents', request, async () => {
          const list = await reader.incidents();
          const now = options.clock.now();
          const awake = list.open.filter((incident) => !isSnoozed(incident, now)).length;
          return {
            title: awake > 0 ? `${awake} open · Incidents` : 'Incidents',
            heading: html`Incidents`,
            main: incidentsView(list, now),
          };
        }),
    },
  ];
}

interface Page {
  readonly title: string;
  readonly heading: Html;
  readonly main: Html;
  readonly status?: number;
}

async function connectionPage({ reader, clock }: OperatorRoutesOptions, { query }: WebRequest): Promise<Page> {
  const id = query.get('id') ?? '';
  const detail = id === '' || id.length > idLengthMax ? undefined : await reader.connection(id);
  if (detail !== undefined) {
    const main = connectionView(detail, clock.now());
    return { title: clip(detail.entry.id, 80), heading: html`<bdi>${detail.entry.id}</bdi>`, main };
  }
  const search = `/?${new URLSearchParams({ q: id.slice(0, 128) })}`;
  const main = html`<p>Nothing is known of <bdi>${id === '' ? 'a connection without an id' : clip(id, 200)}</bdi>. It may have left management, or not been found yet.</p>
<p><a href="${id === '' ? '/' : search}">Look for it among all connections</a></p>`;
  return { title: 'No such connection', heading: html`No such connection`, main, status: 404 };
}

/** The page in its frame; where its facts cannot be read, the page that says so. */
async function shown(
  options: OperatorRoutesOptions,
  here: Place,
  { path, query }: WebRequest,
  make: () => Promise<Page>,
): Promise<WebAnswer> {
  const { environment, onFailure, clock, signedIn = false } = options;
  // Both at once; the top never throws.
  const topRead = topOf(options);
  try {
    const { title, heading, main, status = 200 } = await make();
    const top = await topRead;
    const live = query.get('live') !== 'off';
    const frame = {
      title: `${title} · Pilotlight`,
      environment,
      refresh: live && status === 200,
      heading,
      signedIn,
      nav: navView(here, top?.open),
      lamp: lampView(top?.lamps, clock.now()),
      ...(status === 200 ? { aside: asOf(clock.now(), live, switchOf(path, query, live)) } : {}),
    };
    return htmlAnswer(status, pageOf(frame, main));
  } catch (error) {
    const label = errorLabel(error);
    onFailure(label);
    return htmlAnswer(503, failurePage(label, environment, { here, open: (await topRead)?.open, signedIn }));
  }
}

function switchOf(path: string, query: URLSearchParams, live: boolean): string {
  const id = query.get('id')?.slice(0, idLengthMax);
  const text = new URLSearchParams({
    ...(id === undefined ? {} : { id }),
    ...(live ? { live: 'off' } : {}),
  }).toString();
  return text === '' ? path : `${path}?${text}`;
}

async function topOf({ reader, onFailure }: OperatorRoutesOptions): Promise<Top | undefined> {
  try {
    return await reader.top();
  } catch (error) {
    onFailure(errorLabel(error));
    return undefined;
  }
}
