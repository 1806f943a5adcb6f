/**
 * HTML by tagged template. Whatever is put in is text and escaped, unless it came out of this template itself or is a constant of
 * ours (`trusted`). Ids are customers' strings, so what could hide or reorder text is made visible too.
 */
export interface Html {
  readonly markup: string;
}

/** Only what `html` made counts as markup: an object of the same shape out of some JSON must not. */
const made = new WeakSet<Html>();

export type HtmlPart = Html | string | number | null | undefined | false | readonly HtmlPart[];

export function html(parts: TemplateStringsArray, ...values: readonly HtmlPart[]): Html {
  const markup = parts.reduce((text, part, i) => text + render(values[i - 1]) + part);
  const result = { markup };
  made.add(result);
  return result;
}

function render(value: HtmlPart): string {
  if (value === null || value === undefined || value === false) return '';
  if (typeof value === 'string') return escapeHtml(value);
  if (typeof value === 'number') return String(value);
  if (Array.isArray(value)) return value.map(render).join('');
  const part = value as Html;
  return made.has(part) ? part.markup : escapeHtml(String(part));
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
};

/** Text as it may stand in an element or a quoted attribute. */
export function escapeHtml(text: string): string {
  return visible(text).replace(/[&<>"'`]/g, (character) => entities[character] ?? '');
}

/** Control characters, direction marks and invisible ones as `\u{202e}`; two ids that differ must look different. */
function visible(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}

/** Markup written in our own source. Never call it with anything that came from outside. */
export function trusted(markup: string): Html {
  const result = { markup };
  made.add(result);
  return result;
}
