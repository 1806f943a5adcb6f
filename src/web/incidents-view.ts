/** Incidents: what is open, what ended lately, who was told of each and who can act. */
import { kindWords } from '../alerts/kinds.ts';
import { relativeInWords, utcInWords } from '../connection/time-words.ts';
import { type Html, html } from './html.ts';
import type { Incident, IncidentDelivery, IncidentList } from './operator-ports.ts';
import { deliveryTitle } from './outcome-words.ts';
import { clip, connectionHref, instantView, pill, tableOf } from './pieces.ts';

/** Shown of many; the rest is counted. */
const shownMax = 200;
const titleLengthMax = 250;
const nameLengthMax = 200;

const actors = { customer: 'Customer', operator: 'Operator', application: 'Owner of the secret', nobody: 'Nobody' };

export function incidentsView({ open, ended }: IncidentList, now: number): Html {
  const endedFirst = [...ended].sort((a, b) => (b.endedAt ?? b.openedAt) - (a.endedAt ?? a.openedAt));
  return html`<section aria-labelledby="open"><h2 id="open">Open</h2>
${open.length === 0 ? html`<p class="calm">No incident is open.</p>` : incidentTable([...open].sort(byNeed(now)), now, 'Open incidents')}</section>
<section aria-labelledby="ended"><h2 id="ended">Lately ended</h2>
${ended.length === 0 ? html`<p class="small">None.</p>` : incidentTable(endedFirst, now, 'Incidents that ended')}</section>`;
}

/** Those that get somebody up first, snoozed ones last, the newest first among equals. */
function byNeed(now: number): (a: Incident, b: Incident) => number {
  const rank = (incident: Incident) => (isSnoozed(incident, now) ? 2 : incident.severity === 'page' ? 0 : 1);
  return (a, b) => rank(a) - rank(b) || b.openedAt - a.openedAt || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);
}

export function isSnoozed({ snoozedUntil, endedAt }: Incident, now: number): boolean {
  return endedAt === undefined && snoozedUntil !== undefined && snoozedUntil > now;
}

/** Incidents as a table, in the order given. */
export function incidentTable(incidents: readonly Incident[], now: number, label: string): Html {
  const more = incidents.length - shownMax;
  const columns = [
    { title: 'Incident' },
    { title: 'About' },
    { title: 'Opened' },
    { title: 'Told', kind: 'told' },
    { title: 'Who can act', kind: 'reason' },
  ];
  const caption = more > 0 ? `${label}: ${shownMax} of ${incidents.length}` : `${label}: ${incidents.length}`;
  return tableOf(
    { label, caption, columns },
    incidents.slice(0, shownMax).map((incident) => rowOf(incident, now)),
  );
}

function rowOf(incident: Incident, now: number): readonly Html[] {
  const { kind, openedAt, endedAt, title, deliveries } = incident;
  const { actor, action, ends } = kindWords(kind);
  return [
    html`${stateOf(incident, now)} <bdi>${clip(title, titleLengthMax)}</bdi><p class="small">${kindWords(kind).title}</p>`,
    aboutView(incident),
    html`${instantView(openedAt, now, '')}${endedAt !== undefined && html`<p class="small">ended ${relativeInWords(endedAt, now)}, ${utcInWords(endedAt)}</p>`}`,
    deliveries.length === 0
      ? pill(incident.severity === 'page' ? 'bad' : 'warn', 'nobody told')
      : html`<ul>${deliveries.map((delivery) => deliveryView(delivery, now))}</ul>`,
    endedAt === undefined
      ? html`<p class="small"><span class="actor">${actors[actor]}:</span> ${action} ${ends}</p>`
      : html`<p class="small">Nobody: it has ended.</p>`,
  ];
}

/** In words as well as in colour: ended, snoozed, or how badly it wants somebody. */
function stateOf(incident: Incident, now: number): Html {
  if (incident.endedAt !== undefined) return pill('good', 'ended');
  const severity = incident.severity === 'page' ? pill('bad', 'page') : pill('warn', 'warn');
  if (!isSnoozed(incident, now)) return severity;
  return html`${severity} <span class="pill info">snoozed until ${utcInWords(incident.snoozedUntil ?? now)}</span>`;
}

function aboutView({ connection, provider, client, owner }: Incident): Html {
  const name = (text: string) => html`<bdi>${clip(text, nameLengthMax)}</bdi>`;
  const lines = [
    connection !== undefined && html`<p><a href="${connectionHref(connection)}">${name(connection)}</a></p>`,
    provider !== undefined &&
      html`<p class="small">${name(provider)}${client !== undefined && html`, ${name(client)}`}</p>`,
    owner !== undefined && html`<p class="small">Owner ${name(owner)}</p>`,
  ].filter((line) => line !== false);
  return lines.length === 0 ? html`<span class="small">the whole install</span>` : html`${lines}`;
}

function deliveryView({ channel, state, at }: IncidentDelivery, now: number): Html {
  const { title, tone } = deliveryTitle(state);
  return html`<li><bdi>${clip(channel, nameLengthMax)}</bdi> <span class="mark ${tone}">${title}</span> <span class="small">${relativeInWords(at, now)}</span></li>`;
}
