/** Small pieces of markup that several pages share: pills, instants, links to a connection, facts, tables that a phone shows as cards. */
import { relativeInWords, utcInWords } from '../connection/time-words.ts';
import type { Tone } from '../connection/words.ts';
import { type Html, type HtmlPart, html } from './html.ts';

/** Shape beside colour: a round mark is well, a pointed one wants somebody. */
export const symbols: Readonly<Record<Tone, string>> = { good: '●', info: '●', warn: '◆', bad: '▲' };

export function pill(tone: Tone, title: string): Html {
  return html`<span class="pill ${tone}">${title}</span>`;
}

/** An instant against now, with its date below; `otherwise` where there is none. */
export function instantView(at: number | null | undefined, now: number, otherwise: string): Html {
  if (at === null || at === undefined) return html`<span class="small">${otherwise}</span>`;
  return html`<span class="nowrap">${relativeInWords(at, now)}</span><p class="small nowrap">${utcInWords(at)}</p>`;
}

/** The address of a connection's page. */
export function connectionHref(id: string): string {
  return `/connection?${new URLSearchParams({ id })}`;
}

/** Text from outside cut to a length that leaves room for the rest, in whole characters. */
export function clip(text: string, most: number): string {
  const characters = [...text.slice(0, most * 2 + 2)];
  return characters.length <= most && text.length <= most * 2 + 2 ? text : `${characters.slice(0, most).join('')}…`;
}

export interface Fact {
  readonly label: string;
  readonly value: HtmlPart;
}

/** Labels and values in the order in which a person asks. */
export function factsView(facts: readonly Fact[]): Html {
  return html`<dl class="facts">${facts.map(({ label, value }) => html`<div><dt>${label}</dt><dd>${value}</dd></div>`)}</dl>`;
}

export interface Column {
  readonly title: string;
  /** Class of the cell's content. */
  readonly kind?: string;
}

/**
 * A table whose first column heads its rows. Roles are spelt out: a phone shows it as cards, and what is no table in CSS is
 * no table to a screen reader either.
 */
export function tableOf(
  table: { readonly label: string; readonly caption: HtmlPart; readonly columns: readonly Column[] },
  rows: readonly (readonly HtmlPart[])[],
): Html {
  const head = table.columns.map(({ title }) => html`<th scope="col" role="columnheader">${title}</th>`);
  const cell = (content: HtmlPart, i: number) => {
    const { title = '', kind } = table.columns[i] ?? {};
    if (i === 0) return html`<th scope="row" role="rowheader">${content}</th>`;
    return html`<td role="cell" data-label="${title}"><div${kind !== undefined && html` class="${kind}"`}>${content}</div></td>`;
  };
  return html`<div class="scroll" role="region" aria-label="${table.label}" tabindex="0"><table role="table">
<caption>${table.caption}</caption>
<thead role="rowgroup"><tr role="row">${head}</tr></thead>
<tbody role="rowgroup">${rows.map((row) => html`<tr role="row">${row.map(cell)}</tr>\n`)}</tbody>
</table></div>`;
}
