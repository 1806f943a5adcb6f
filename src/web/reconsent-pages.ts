/**
 * The customer's pages: one that says what is about to happen and has one button, and one for each end. Without script,
 * readable by a screen reader and on a small phone. Whatever came from outside is text.
 */
import type { ConsentSubject, Ended } from '../reconsent/options.ts';
import type { OpenLink } from '../reconsent/start.ts';
import { type Html, html, trusted } from './html.ts';
import { reconsentSheetVersion } from './reconsent-style.ts';
import { endWords } from './reconsent-words.ts';
import { flame } from './style.ts';

export interface ReconsentFrame {
  /** Path in front of ours where a proxy puts one; '' where none does. */
  readonly base: string;
  /** Who the customer knows us as. */
  readonly name: string;
  /** Whom to ask: an address or a sentence; undefined where nothing is configured. */
  readonly support?: string | undefined;
}

const doctype = trusted('<!DOCTYPE html>\n');
const flameMark = trusted(flame);

function pageOf(title: string, main: Html, { base, name, support }: ReconsentFrame): string {
  return html`${doctype}<html lang="en"><head><meta charset="utf-8">
<title>${title} · ${name}</title>
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex,nofollow">
<link rel="icon" type="image/svg+xml" href="${base}/reconsent/icon.svg">
<link rel="stylesheet" href="${base}/reconsent/style.css?v=${reconsentSheetVersion}">
</head><body>
<header><p class="brand"><span aria-hidden="true">${flameMark}</span>${name}</p></header>
<main>${main}</main>
<footer><p>${support === undefined ? 'Questions? Ask the people who sent you the link.' : html`Questions? ${support}`}</p></footer>
</body></html>`.markup;
}

export interface StartForm {
  /** Where the button leads: this very page. */
  readonly action: string;
  readonly token: string;
  /** Said above the rest where the button was pressed in vain. */
  readonly notice?: string;
}

/** The page before the provider's: whose connection, at which provider, what happens next. */
export function startPage({ isNew, subject }: OpenLink, form: StartForm, frame: ReconsentFrame): string {
  const { provider } = subject;
  const title = isNew ? `Connect ${provider}` : `Reconnect ${provider}`;
  const account = isNew
    ? 'Use the account you want to connect.'
    : 'Use the account this connection belongs to, not another one.';
  return pageOf(
    title,
    html`<h1>${title}</h1>
${form.notice !== undefined && html`<p class="notice warn" role="alert">${form.notice}</p>`}
<p>${isNew ? `${provider} is to be connected.` : `This connection to ${provider} needs your permission again.`}</p>
${factsOf(subject)}
<h2>What happens next</h2>
<ol><li>You go to ${provider} and sign in. ${account}</li>
<li>${provider} asks whether you allow access. Please agree.</li>
<li>You come back here and see that it worked.</li></ol>
<form method="post" action="${form.action}"><input type="hidden" name="form" value="${form.token}"><button type="submit">Continue to ${provider}</button></form>
<p class="small">Nothing happens before you press the button. Your password stays between you and ${provider}. If you did not expect this, close this page.</p>`,
    frame,
  );
}

/** The page at the end of the way, whichever it was. */
export function endPage({ end, subject, told }: Ended, frame: ReconsentFrame): string {
  const { title, tone, text, next } = endWords(end);
  const quoted =
    told !== undefined &&
    html`<p>${subject?.provider ?? 'The provider'} says:</p><blockquote><p>${told}</p></blockquote>`;
  return pageOf(
    title,
    html`<h1>${title}</h1><p class="notice ${tone}">${text}</p>${quoted}<p>${next}</p>${subject !== undefined && factsOf(subject)}`,
    frame,
  );
}

/** Also for the form that has to be sent again. */
export function endNotice(end: Ended['end']): string {
  const { title, text, next } = endWords(end);
  return `${title}. ${text} ${next}`;
}

function factsOf({ connection, provider, environment, owner }: ConsentSubject): Html {
  return html`<dl><dt>Connection</dt><dd>${connection}</dd>${owner !== undefined && html`<dt>Belongs to</dt><dd>${owner}</dd>`}<dt>Provider</dt><dd>${provider}${environment !== 'production' && ` (${environment})`}</dd></dl>`;
}
