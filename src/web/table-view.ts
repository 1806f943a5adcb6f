/** The table of connections, nearest deadline first, with its filter and pages. Works without scripts: links and a GET form. */
import { connectionStates } from '../connection/entry.ts';
import { relativeInWords, utcInWords } from '../connection/time-words.ts';
import { describeActor, describeCause, describeClock, describeState } from '../connection/words.ts';
import { type Html, html } from './html.ts';
import { connectionHref, instantView } from './pieces.ts';
import { pageDepthMax, type StatusRow } from './ports.ts';
import { pageSizeDefault } from './query.ts';
import { connectionSorts, type SortedQuery, type SortedStatus, sortedHref, sortWords } from './sort.ts';

/** A select of more names helps nobody; the text field finds the rest. */
const providersShownMax = 100;

/** `linked`: a row leads to the page of its connection, where there are such pages. */
export function tableView(status: SortedStatus, query: SortedQuery, linked = false): Html {
  const { rows, matching, overview, sortedBy } = status;
  const first = (query.page - 1) * query.size + 1;
  const range = rows.length === 0 ? 'none shown' : `${first} to ${first + rows.length - 1} of ${matching}`;
  const column = (title: string) =>
    html`<th scope="col" role="columnheader"${title.toLowerCase() === sortedBy && html` aria-sort="ascending"`}>${title}</th>`;
  const titles = ['Connection', 'Provider', 'State', 'Deadline', 'Last extended', 'Next attempt'];
  return html`<section aria-labelledby="connections"><h2 id="connections">Connections</h2>
${filterForm(status, query)}${sortLinks(status, query)}
<div class="scroll" role="region" aria-label="Table of connections" tabindex="0"><table role="table">
<caption>${sortWords[sortedBy ?? 'deadline'].caption}: ${range}</caption>
<thead role="rowgroup"><tr role="row">${titles.map(column)}</tr></thead>
<tbody role="rowgroup">${rows.map((row) => rowView(row, overview.now, linked))}</tbody>
</table>${rows.length === 0 && emptyView(status, query)}</div>
${pageLinks(matching, query)}</section>`;
}

function emptyView({ overview, matching }: SortedStatus, query: SortedQuery): Html {
  if (overview.census.total === 0)
    return html`<p class="empty">No connection has been found yet. Import one, or tag a secret <code>pilotlight:managed=true</code>.</p>`;
  if (matching > 0) return html`<p class="empty">There is no page ${query.page}.</p>`;
  return html`<p class="empty">No connection matches. <a href="${sortedHref(clearOf(query))}">Show all</a></p>`;
}

/** Stands above the table and not in its head, which a phone does not show. */
function sortLinks({ sortedBy }: SortedStatus, query: SortedQuery): Html {
  if (sortedBy === undefined) return html``;
  const link = (sort: (typeof connectionSorts)[number]) =>
    html`<li><a href="${sortedHref(query, { sort })}"${sort === sortedBy && html` aria-current="true"`}>${sortWords[sort].link}</a></li>`;
  return html`<div class="sorts"><span id="sorts">Sort by</span><ul aria-labelledby="sorts">${connectionSorts.map(link)}</ul></div>`;
}

function rowView({ entry, urgency }: StatusRow, now: number, linked: boolean): Html {
  const state = describeState(entry.state);
  const name = html`<bdi>${entry.id}</bdi>`;
  return html`<tr role="row" class="${urgency}">
<th scope="row" role="rowheader">${linked ? html`<a href="${connectionHref(entry.id)}">${name}</a>` : name}<p class="small"><bdi>${entry.at.client}</bdi></p></th>
<td role="cell" data-label="Provider"><div><bdi>${entry.at.provider === '' ? '(none)' : entry.at.provider}</bdi><p class="small">${entry.at.environment}</p></div></td>
<td role="cell" data-label="State"><div class="reason"><span class="pill ${state.tone}">${state.title}</span>${causeView(entry)}</div></td>
<td role="cell" data-label="Deadline">${deadlineView(entry, urgency, now)}</td>
<td role="cell" data-label="Last extended"><div>${instantView(entry.extendedAt, now, 'not known')}</div></td>
<td role="cell" data-label="Next attempt"><div>${instantView(entry.nextAt, now, 'when its secret changes')}</div></td>
</tr>`;
}

/** What a connection's reason means, who can act and how; nothing where there is none. */
function causeView(entry: StatusRow['entry']): Html {
  const { meaning, actor, action } = describeCause(entry);
  if (meaning === '') return html``;
  const act =
    action === '' ? 'It passes by itself.' : html`<span class="actor">${describeActor(actor)}:</span> ${action}`;
  return html`<p class="small">${meaning} ${act}</p>`;
}

const urgencyWords = { none: '', warn: 'soon', page: 'very soon', over: 'over' } as const;

/** A deadline against now, with its urgency, date and clock. */
export function deadlineView(
  { deadlineAt, clock, estimated, state }: StatusRow['entry'],
  urgency: StatusRow['urgency'],
  now: number,
): Html {
  if (deadlineAt === null) return html`<div><span class="small">not known</span></div>`;
  const word = state === 'reauth_required' ? '' : urgencyWords[urgency];
  const tone = urgency === 'warn' ? 'warn' : 'bad';
  return html`<div><span class="nowrap mark">${relativeInWords(deadlineAt, now)}</span>${word !== '' && html` <span class="pill ${tone}">${word}</span>`}
<p class="small"><span class="nowrap">${utcInWords(deadlineAt)}</span></p><p class="small">${describeClock(clock)}${estimated && html`; <strong>estimated</strong>`}</p></div>`;
}

function filterForm({ overview }: SortedStatus, query: SortedQuery): Html {
  const providers = [...overview.census.providers.keys()]
    .filter((name) => name !== '')
    .sort()
    .slice(0, providersShownMax);
  const option = (value: string, title: string, chosen: string | undefined) =>
    html`<option value="${value}"${value === chosen && html` selected`}>${title}</option>`;
  const filtered = query.provider !== undefined || query.state !== undefined || query.text !== undefined;
  return html`<form role="search" aria-label="Filter connections" method="get" action="/">
<label>Text in id or client<input type="search" name="q" maxlength="128" value="${query.text ?? ''}"></label>
<label>Provider<select name="provider">${option('', 'all providers', undefined)}${providers.map((name) => option(name, name, query.provider))}</select></label>
<label>State<select name="state">${option('', 'all states', undefined)}${connectionStates.map((state) => option(state, describeState(state).title, query.state))}</select></label>
${query.size !== pageSizeDefault && html`<input type="hidden" name="size" value="${query.size}">`}
${!query.live && html`<input type="hidden" name="live" value="off">`}
${query.sort !== undefined && html`<input type="hidden" name="sort" value="${query.sort}">`}
<button type="submit">Filter</button>${filtered && html`<a class="clear" href="${sortedHref(clearOf(query))}">Show all</a>`}
</form>`;
}

function clearOf({ size, live, sort }: SortedQuery): SortedQuery {
  return { page: 1, size, live, ...(sort === undefined ? {} : { sort }) };
}

function pageLinks(matching: number, query: SortedQuery): Html {
  const reachable = Math.min(matching, pageDepthMax);
  const last = Math.max(1, Math.min(Math.ceil(reachable / query.size), Math.floor(pageDepthMax / query.size)));
  if (last === 1 && query.page === 1) return html``;
  const link = (page: number, title: string) => html`<a href="${sortedHref(query, { page })}">${title}</a>`;
  return html`<nav class="pages" aria-label="Pages">
${query.page > 1 && link(1, 'First')} ${query.page > 1 && link(Math.min(query.page - 1, last), 'Previous')}
<span>Page ${query.page} of ${last}</span>
${query.page < last && link(query.page + 1, 'Next')}
${matching > pageDepthMax && html`<span class="small">Pages end after ${pageDepthMax} connections; a filter finds the rest.</span>`}</nav>`;
}
