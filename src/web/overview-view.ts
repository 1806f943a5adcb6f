/** The overview of the status page: how all connections are at one glance, and whether what keeps them alive still runs. */
import { totalStates } from '../connection/census.ts';
import { connectionStates, reasons } from '../connection/entry.ts';
import { relativeInWords, spanInWords, utcInWords } from '../connection/time-words.ts';
import { describeReason, describeState, type Tone } from '../connection/words.ts';
import { type Html, html } from './html.ts';
import { symbols } from './pieces.ts';
import type { Lamp, Overview } from './ports.ts';
import { type SortedQuery, sortedHref } from './sort.ts';

/** Shown of many; the rest is counted. */
const breakersShownMax = 8;
/** A run is late after missing two: one may be slow. */
const lateAfterPeriods = 3;

export function overviewView(overview: Overview, query: SortedQuery): Html {
  return html`<section aria-labelledby="overview"><h2 id="overview">Overview</h2>
<div class="cards">${deadlineCard(overview)}${lampCard(overview)}${workCard(overview)}${breakerCard(overview)}</div>
${stateLinks(overview, query)}</section>`;
}

function card(title: string, tone: Tone, body: Html): Html {
  return html`<div class="card ${tone}"><h3><span class="mark ${tone}" aria-hidden="true">${symbols[tone]}</span>${title}</h3>${body}</div>`;
}

function deadlineCard({ census, now }: Overview): Html {
  let nearest: { readonly provider: string; readonly at: number } | undefined;
  for (const [provider, { earliestDeadlineAt: at }] of census.providers) {
    if (at !== null && (nearest === undefined || at < nearest.at)) nearest = { provider, at };
  }
  if (nearest === undefined) {
    const nothing =
      census.total === 0 ? 'Nothing to keep alive yet: no connection has been found.' : 'No deadline is known.';
    return card('Next deadline', 'info', html`<p class="big">none</p><p class="small">${nothing}</p>`);
  }
  const leftMs = nearest.at - now;
  const tone = leftMs < 86_400_000 ? 'bad' : leftMs < 3 * 86_400_000 ? 'warn' : 'good';
  const words = leftMs <= 0 ? `over for ${spanInWords(leftMs)}` : relativeInWords(nearest.at, now);
  return card(
    'Next deadline',
    tone,
    html`<p class="big">${words}</p><p class="small">${utcInWords(nearest.at)} · ${nearest.provider}</p>`,
  );
}

/** The tone and the word of a lamp. One that never came to an end is not late yet, and not well either. */
export function lampWords(lamp: Lamp, now: number): { readonly tone: Tone; readonly word: string } {
  if (lamp.lastAt === null) return { tone: 'warn', word: 'not yet' };
  return now - lamp.lastAt > lateAfterPeriods * lamp.everyMs
    ? { tone: 'bad', word: 'late' }
    : { tone: 'good', word: 'on time' };
}

function lampCard({ lamps, now }: Overview): Html {
  const shown = lamps.map((lamp) => ({ lamp, ...lampWords(lamp, now) }));
  const tone = (['bad', 'warn'] as const).find((tone) => shown.some((lamp) => lamp.tone === tone)) ?? 'good';
  return card(
    'Still running',
    tone,
    html`<ul>${shown.map(
      ({ lamp, tone, word }) =>
        html`<li><span class="mark ${tone}">${lamp.name} ${word}</span><span class="small">${lamp.lastAt === null ? 'never' : relativeInWords(lamp.lastAt, now)}, every ${spanInWords(lamp.everyMs)}</span></li>`,
    )}</ul>`,
  );
}

function workCard({ backlog, spool, now }: Overview): Html {
  const tone: Tone = spool.unreadable > 0 ? 'bad' : spool.answered > 0 ? 'warn' : 'good';
  const oldest = spool.oldestAt === null ? 'empty' : `oldest ${relativeInWords(spool.oldestAt, now)}`;
  const waiting = backlog.due + backlog.ready + backlog.queued;
  return card(
    'Work',
    tone,
    html`<ul>
<li><span class="mark">${waiting} waiting</span><span class="small">${backlog.due} due, ${backlog.ready} ready, ${backlog.queued} queued</span></li>
<li><span class="mark ${spool.answered > 0 ? 'warn' : 'good'}">${spool.records} in the spool</span><span class="small">${oldest}</span></li>
${spool.answered > 0 && html`<li><span class="mark warn">${spool.answered} not yet in the store</span></li>`}
${spool.unreadable > 0 && html`<li><span class="mark bad">${spool.unreadable} unreadable</span></li>`}
</ul>`,
  );
}

function breakerCard({ breakers, now }: Overview): Html {
  if (breakers.length === 0)
    return card(
      'Rejected clients',
      'good',
      html`<p class="big">none</p><p class="small">Every client is accepted by its provider.</p>`,
    );
  const shown = breakers.slice(0, breakersShownMax);
  const more = breakers.length - shown.length;
  return card(
    'Rejected clients',
    'bad',
    html`<ul>${shown.map(
      ({ at, reason, openedAt, nextProbeAt }) =>
        html`<li><span class="mark bad"><bdi>${at.client}</bdi></span><span class="small">${at.provider}, ${reasonWords(reason)}${openedAt !== null && `, since ${relativeInWords(openedAt, now)}`}${nextProbeAt !== null && `, next try ${relativeInWords(nextProbeAt, now)}`}</span></li>`,
    )}</ul>${more > 0 && html`<p class="small">and ${more} more</p>`}`,
  );
}

/** A breaker's reason is a stable word; where it is one of ours it has words of its own. */
export function reasonWords(reason: string): string {
  const known = reasons.find((name) => name === reason);
  return known === undefined ? reason : describeReason(known).meaning.replace(/\.$/, '').toLowerCase();
}

function stateLinks({ census }: Overview, query: SortedQuery): Html {
  const counts = totalStates(census);
  const links = connectionStates.map((state) => {
    const { title, tone } = describeState(state);
    const chosen = query.state === state;
    const current = chosen ? html` aria-current="true"` : html``;
    const href = sortedHref(query, { state: chosen ? null : state });
    return html`<li><a class="${tone}${counts[state] === 0 && ' none'}" href="${href}"${current}><b>${counts[state]}</b> ${title}</a></li>`;
  });
  return html`<ul class="states" aria-label="Connections by state">${links}</ul>`;
}
