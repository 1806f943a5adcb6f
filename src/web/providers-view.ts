/** Providers and our clients there: who is rejected, what attempts came to, when one last succeeded. */
import type { ProviderCensus } from '../connection/census.ts';
import { type ConnectionState, clientKey, connectionStates } from '../connection/entry.ts';
import { relativeInWords, spanInWords, utcInWords } from '../connection/time-words.ts';
import { describeReason, describeState, type Tone } from '../connection/words.ts';
import { healthView } from './connection-view.ts';
import { type Html, html } from './html.ts';
import type { ClientDetail, ErrorMix } from './operator-ports.ts';
import { outcomeTitle } from './outcome-words.ts';
import { clip, instantView, tableOf } from './pieces.ts';

/** Shown of many; the rest is counted. */
const mixShownMax = 6;
const clientsShownMax = 200;
const nameLengthMax = 200;

export function providersView(
  census: ReadonlyMap<string, ProviderCensus>,
  clients: readonly ClientDetail[],
  now: number,
): Html {
  const names = new Set([...census.keys(), ...clients.map(({ at }) => at.provider)].filter((name) => name !== ''));
  if (names.size === 0) return html`<p class="calm">No connection has been found yet, so no provider is asked.</p>`;
  const groups = [...names].map((name) => ({ name, own: clients.filter(({ at }) => at.provider === name) }));
  const rejected = ({ own }: (typeof groups)[number]) => (own.some(({ health }) => health.breaker === 'open') ? 0 : 1);
  groups.sort((a, b) => rejected(a) - rejected(b) || (a.name < b.name ? -1 : 1));
  return html`${groups.map(({ name, own }, i) => providerView(name, census.get(name), own, now, `provider-${i}`))}`;
}

function providerView(
  name: string,
  census: ProviderCensus | undefined,
  clients: readonly ClientDetail[],
  now: number,
  id: string,
): Html {
  return html`<section aria-labelledby="${id}"><h2 id="${id}"><bdi>${clip(name, nameLengthMax)}</bdi></h2>
${census !== undefined && censusView(name, census, now)}
${clients.length === 0 ? html`<p class="small">No client of it has been used yet.</p>` : clientTable(clients, now)}</section>`;
}

function censusView(provider: string, { states, earliestDeadlineAt }: ProviderCensus, now: number): Html {
  const total = connectionStates.reduce((sum, state) => sum + states[state], 0);
  const href = (state?: ConnectionState) =>
    `/?${new URLSearchParams({ provider, ...(state === undefined ? {} : { state }) })}`;
  const links = connectionStates
    .filter((state) => states[state] > 0)
    .map(
      (state) =>
        html`<li><a class="${describeState(state).tone}" href="${href(state)}"><b>${states[state]}</b> ${describeState(state).title}</a></li>`,
    );
  const deadline =
    earliestDeadlineAt === null
      ? 'No deadline is known.'
      : `Nearest deadline ${earliestDeadlineAt <= now ? `over for ${spanInWords(earliestDeadlineAt - now)}` : relativeInWords(earliestDeadlineAt, now)}, ${utcInWords(earliestDeadlineAt)}.`;
  return html`<p><a href="${href()}">${total === 1 ? '1 connection' : `${total} connections`}</a>. ${deadline}</p>
<ul class="states" aria-label="Its connections by state">${links}</ul>`;
}

function clientTable(clients: readonly ClientDetail[], now: number): Html {
  const rank = ({ health }: ClientDetail) => (health.breaker === 'open' ? 0 : 1);
  const sorted = [...clients].sort((a, b) => rank(a) - rank(b) || (clientKey(a.at) < clientKey(b.at) ? -1 : 1));
  const more = sorted.length - clientsShownMax;
  const columns = [
    { title: 'Client' },
    { title: 'Is', kind: 'reason' },
    { title: 'Last success' },
    { title: 'Attempts', kind: 'mixed' },
  ];
  const caption = more > 0 ? `Clients: ${clientsShownMax} of ${sorted.length}` : `Clients: ${sorted.length}`;
  return tableOf(
    { label: 'Table of clients', caption, columns },
    sorted
      .slice(0, clientsShownMax)
      .map(({ at, health, mix }) => [
        html`<bdi>${clip(at.client, nameLengthMax)}</bdi><p class="small">${at.environment}, <bdi>${clip(at.host, nameLengthMax)}</bdi></p>`,
        healthView(health, now),
        instantView(health.lastSuccessAt, now, 'never yet'),
        mixView(mix),
      ]),
  );
}

/** How many attempts came to what, most frequent first, as a bar and in words. */
export function mixView({ counts, windowMs }: ErrorMix): Html {
  const kept = counts.filter(({ count }) => count > 0).sort((a, b) => b.count - a.count);
  const total = kept.reduce((sum, { count }) => sum + count, 0);
  if (total === 0) return html`<span class="small">none in ${spanInWords(windowMs)}</span>`;
  const more = kept.slice(mixShownMax).reduce((sum, { count }) => sum + count, 0);
  return html`<p>${total === 1 ? '1 attempt' : `${total} attempts`} in ${spanInWords(windowMs)}</p>${barView(kept, total)}
<ul>${kept.slice(0, mixShownMax).map(({ outcome, reason, count }) => {
    const { title, tone } = outcomeTitle(outcome);
    return html`<li><span class="mark ${tone}">${count} ${title}</span> <span class="small">${describeReason(reason).meaning}</span></li>`;
  })}</ul>${more > 0 && html`<p class="small">and ${more} more</p>`}`;
}

const tones: readonly Tone[] = ['good', 'info', 'warn', 'bad'];

/** Widths are attributes and no style: the content policy allows none that stands in the page. */
function barView(counts: ErrorMix['counts'], total: number): Html {
  let from = 0;
  const parts = tones.map((tone) => {
    const count = counts
      .filter(({ outcome }) => outcomeTitle(outcome).tone === tone)
      .reduce((sum, part) => sum + part.count, 0);
    const width = (count / total) * 100;
    from += width;
    return (
      count > 0 &&
      html`<rect class="${tone}" x="${(from - width).toFixed(2)}" y="0" width="${width.toFixed(2)}" height="4"/>`
    );
  });
  return html`<svg class="mix" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true" focusable="false">${parts}</svg>`;
}
