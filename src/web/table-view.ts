/** The table of connections, nearest deadline first, with its filter and pages. Works without scripts: links and a GET form. */
import { connectionStates, type Reason } from '../connection/entry.ts';
import { relativeInWords, utcInWords } from '../connection/time-words.ts';
import { describeActor, describeClock, describeReason, describeState } from '../connection/words.ts';
import { type Html, html } from './html.ts';
import { pageDepthMax, type Status, type StatusRow } from './ports.ts';
import { hrefOf, type PageQuery, pageSizeDefault } from './query.ts';

/** A select of more names helps nobody; the text field finds the rest. */
const providersShownMax = 100;

export function tableView(status: Status, query: PageQuery): Html {
  const { rows, matching, overview } = status;
  const first = (query.page - 1) * query.size + 1;
  const range = rows.length === 0 ? 'none shown' : `${first} to ${first + rows.length - 1} of ${matching}`;
  const column = (title: string) => html`<th scope="col" role="columnheader">${title}</th>`;
  const titles = ['Connection', 'Provider', 'State', 'Deadline', 'Last extended', 'Next attempt'];
  return html`<section aria-labelledby="connections"><h2 id="connections">Connections</h2>
${filterForm(status, query)}
<div class="scroll" role="region" aria-label="Table of connections" tabindex="0"><table role="table">
<caption>By nearest deadline: ${range}</caption>
<thead role="rowgroup"><tr role="row">${titles.map(column)}</tr></thead>
<tbody role="rowgroup">${rows.map((row) => rowView(row, overview.now))}</tbody>
</table>${rows.length === 0 && emptyView(status, query)}</div>
${pageLinks(matching, query)}</section>`;
}

function emptyView({ overview, matching }: Status, query: PageQuery): Html {
  if (overview.census.total === 0)
    return html`<p class="empty">No connection has been found yet. Import one, or tag a secret <code>pilotlight:managed=true</code>.</p>`;
  if (matching > 0) return html`<p class="empty">There is no page ${query.page}.</p>`;
  return html`<p class="empty">No connection matches. <a href="${hrefOf(clearOf(query))}">Show all</a></p>`;
}

function rowView({ entry, urgency }: StatusRow, now: number): Html {
  const state = describeState(entry.state);
  return html`<tr role="row" class="${urgency}">
<th scope="row" role="rowheader"><bdi>${entry.id}</bdi><p class="small"><bdi>${entry.at.client}</bdi></p></th>
<td role="cell" data-label="Provider"><div><bdi>${entry.at.provider === '' ? '(none)' : entry.at.provider}</bdi><p class="small">${entry.at.environment}</p></div></td>
<td role="cell" data-label="State"><div class="reason"><span class="pill ${state.tone}">${state.title}</span>${reasonView(entry.reason)}</div></td>
<td role="cell" data-label="Deadline">${deadlineView(entry, urgency, now)}</td>
<td role="cell" data-label="Last extended"><div>${instantView(entry.extendedAt, now, 'not known')}</div></td>
<td role="cell" data-label="Next attempt"><div>${instantView(entry.nextAt, now, 'when its secret changes')}</div></td>
</tr>`;
}

function reasonView(reason: Reason): Html {
  const { meaning, actor, action } = describeReason(reason);
  if (meaning === '') return html``;
  const act =
    action === '' ? 'It passes by itself.' : html`<span class="actor">${describeActor(actor)}:</span> ${action}`;
  return html`<p class="small">${meaning} ${act}</p>`;
}

const urgencyWords = { none: '', warn: 'soon', page: 'very soon', over: 'over' } as const;

function deadlineView(
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

function instantView(at: number | null, now: number, otherwise: string): Html {
  if (at === null) return html`<span class="small">${otherwise}</span>`;
  return html`<span class="nowrap">${relativeInWords(at, now)}</span><p class="small nowrap">${utcInWords(at)}</p>`;
}

function filterForm({ overview }: Status, query: PageQuery): Html {
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
<button type="submit">Filter</button>${filtered && html`<a class="clear" href="${hrefOf(clearOf(query))}">Show all</a>`}
</form>`;
}

function clearOf({ size, live }: PageQuery): PageQuery {
  return { page: 1, size, live };
}

function pageLinks(matching: number, query: PageQuery): Html {
  const reachable = Math.min(matching, pageDepthMax);
  const last = Math.max(1, Math.min(Math.ceil(reachable / query.size), Math.floor(pageDepthMax / query.size)));
  if (last === 1 && query.page === 1) return html``;
  const link = (page: number, title: string) => html`<a href="${hrefOf(query, { page })}">${title}</a>`;
  return html`<nav class="pages" aria-label="Pages">
${query.page > 1 && link(1, 'First')} ${query.page > 1 && link(Math.min(query.page - 1, last), 'Previous')}
<span>Page ${query.page} of ${last}</span>
${query.page < last && link(query.page + 1, 'Next')}
${matching > pageDepthMax && html`<span class="small">Pages end after ${pageDepthMax} connections; a filter finds the rest.</span>`}</nav>`;
}
