/** One connection: what is wrong and who can act, its deadline, then what was tried. For somebody who was just woken up. */
import { relativeInWords, utcInWords } from '../connection/time-words.ts';
import { describeActor, describeCause, describeReason, describeState } from '../connection/words.ts';
import { type Html, html } from './html.ts';
import { incidentTable } from './incidents-view.ts';
import type { Attempt, ConnectionDetail } from './operator-ports.ts';
import { askerTitle, outcomeTitle } from './outcome-words.ts';
import { reasonWords } from './overview-view.ts';
import { clip, type Fact, factsView, instantView, pill, symbols, tableOf } from './pieces.ts';
import { deadlineView } from './table-view.ts';

/** Shown of many; the rest is counted. */
const attemptsShownMax = 100;
/** Texts of providers and owners are cut: a page must stay readable whatever they send. */
const textLengthMax = 200;

export function connectionView(detail: ConnectionDetail, now: number): Html {
  return html`${standView(detail, now)}
<section aria-labelledby="facts"><h2 id="facts">Facts</h2>${factsView(factsOf(detail, now))}</section>
${detail.incidents.length > 0 && html`<section aria-labelledby="incidents"><h2 id="incidents">Incidents</h2>${incidentTable(detail.incidents, now, 'Incidents of this connection')}</section>`}
<section aria-labelledby="attempts"><h2 id="attempts">Attempts</h2>${timeline(detail.attempts, now)}</section>
${commandView(detail.entry.id)}`;
}

/** State, reason, and the one thing to do. */
function standView({ entry }: ConnectionDetail, now: number): Html {
  const { title, meaning, tone } = describeState(entry.state);
  const reason = describeCause(entry);
  const act =
    reason.action === ''
      ? 'Nobody needs to act.'
      : html`<span class="actor">${describeActor(reason.actor)}:</span> ${reason.action}`;
  return html`<section class="stand ${tone}" aria-label="State">
<p class="big"><span class="mark ${tone}"><span aria-hidden="true">${symbols[tone]}</span> ${title}</span></p>
<p>${meaning}${reason.meaning !== '' && html` ${reason.meaning}`}</p>
<p>${act}${entry.nextAt !== null && html` Next attempt ${entry.nextAt <= now ? 'with the next sweep' : relativeInWords(entry.nextAt, now)}.`}</p></section>`;
}

function factsOf({ entry, urgency, owner, health }: ConnectionDetail, now: number): readonly Fact[] {
  const { at, since, extendedAt, nextAt, failures } = entry;
  const name = (text: string) => html`<bdi>${clip(text, textLengthMax)}</bdi>`;
  const facts: Fact[] = [
    { label: 'Deadline', value: deadlineView(entry, urgency, now) },
    { label: 'Next attempt', value: instantView(nextAt, now, 'when its secret changes') },
    { label: 'Last extended', value: instantView(extendedAt, now, 'not known') },
    { label: 'In this state', value: instantView(since, now, 'not known') },
    { label: 'Failures in a row', value: failures },
    { label: 'Owner', value: owner === undefined ? html`<span class="small">not set</span>` : name(owner) },
    {
      label: 'Provider',
      value:
        at.provider === ''
          ? '(none)'
          : html`<a href="/providers">${name(at.provider)}</a><p class="small">${at.environment}</p>`,
    },
    {
      label: 'Client',
      value: html`${name(at.client === '' ? '(none)' : at.client)}<p class="small">${name(at.host)}</p>`,
    },
  ];
  return health === undefined ? facts : [...facts, { label: 'Client is', value: healthView(health, now) }];
}

/** Whether the provider takes the client, and since when. */
export function healthView(health: NonNullable<ConnectionDetail['health']>, now: number): Html {
  const { breaker, breakerReason, openedAt, nextProbeAt, heldUntil, secret, suspects } = health;
  const probe =
    nextProbeAt === null
      ? false
      : `, next try ${nextProbeAt <= now ? 'with the next sweep' : relativeInWords(nextProbeAt, now)}`;
  return html`${breaker === 'open' ? pill('bad', 'rejected') : pill('good', 'accepted')}
${breaker === 'open' && html`<p class="small">${clip(reasonWords(breakerReason), textLengthMax)}${openedAt !== null && `, since ${relativeInWords(openedAt, now)}`}${probe}</p>`}
${secret === 'previous' && html`<p class="small"><span class="mark warn">with its previous secret:</span> the current one was rejected</p>`}
${suspects > 0 && html`<p class="small"><span class="mark warn">${suspects} refused</span> since its last success</p>`}
${heldUntil > now && html`<p class="small">asked us to wait until ${utcInWords(heldUntil)}</p>`}`;
}

function timeline(attempts: readonly Attempt[], now: number): Html {
  if (attempts.length === 0) return html`<p class="small">None is on record yet.</p>`;
  const more = attempts.length - attemptsShownMax;
  const caption = `Newest first${more > 0 ? `: ${attemptsShownMax} of ${attempts.length}` : ''}`;
  const columns = [
    { title: 'When' },
    { title: 'Outcome' },
    { title: 'Why', kind: 'reason' },
    { title: 'Answer' },
    { title: 'Asked by' },
  ];
  return tableOf(
    { label: 'Table of attempts', caption, columns },
    attempts.slice(0, attemptsShownMax).map((attempt) => attemptRow(attempt, now)),
  );
}

function attemptRow({ at, outcome, reason, asked, status, requestId, error }: Attempt, now: number): readonly Html[] {
  const { title, tone } = outcomeTitle(outcome);
  const { meaning } = describeReason(reason);
  const said = [
    status !== undefined && html`<p>HTTP ${status}</p>`,
    error !== undefined && html`<p><code>${clip(error, textLengthMax)}</code></p>`,
    requestId !== undefined && html`<p class="small">Request <code>${clip(requestId, textLengthMax)}</code></p>`,
  ].filter((line) => line !== false);
  return [
    instantView(at, now, ''),
    pill(tone, title),
    html`<span class="small">${meaning === '' ? '–' : meaning}</span>`,
    said.length === 0 ? html`<span class="small">none</span>` : html`${said}`,
    html`${askerTitle(asked)}`,
  ];
}

/** Only for ids that a shell takes as they are: what is shown is pasted. */
function commandView(id: string): Html {
  if (!/^[A-Za-z0-9_/.@+=][A-Za-z0-9_/.@+=-]*$/.test(id)) return html``;
  return html`<section aria-labelledby="shell"><h2 id="shell">In a shell</h2><p class="command"><code>pilotlight show ${id}</code></p></section>`;
}
