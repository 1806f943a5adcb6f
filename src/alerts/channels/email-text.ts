/**
 * A notice as an e-mail: subject, text and HTML saying the same, and the headers by which mail programs put the mails of
 * one incident together. Pure. The HTML loads nothing from anywhere; whatever others wrote in it is escaped.
 */
import { createHash } from 'node:crypto';
import type { Notice } from '../notice.ts';
import { fitted, type NoticeWords, noticeWords, oneLine } from './notice-words.ts';

export interface EmailText {
  /** One line. */
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

export interface EmailThread {
  /** The same on every try of one notice: mail systems drop a second copy. */
  readonly messageId: string;
  readonly inReplyTo: string;
  readonly references: readonly string[];
}

/** Longer subjects are cut by most mail programs anyway; a header line ends at 998 (RFC 5322, 2.1.1). */
const subjectLengthMax = 250;

export function emailText(notice: Notice): EmailText {
  const words = noticeWords(notice);
  return {
    subject: fitted(`[${words.state}] ${words.title}`, subjectLengthMax),
    text: textOf(words),
    html: htmlOf(words),
  };
}

/**
 * `reference` is the Message-ID of the incident's last mail, where it is known. All mails of an incident refer to one
 * that was never sent, named by its key, so that they stay together even where everything we knew was lost (RFC 5322,
 * 3.6.4; RFC 5256 puts siblings of a missing parent into one thread).
 */
export function emailThread(notice: Notice, reference: string | undefined, from: string): EmailThread {
  const domain = domainOf(from);
  const root = idOf('incident', notice.key, domain);
  const parent = /^<[a-z]+\.[0-9a-f]{32}@[A-Za-z0-9.-]{1,253}>$/.test(reference ?? '') ? reference : undefined;
  return {
    messageId: idOf('notice', notice.id, domain),
    inReplyTo: parent ?? root,
    references: parent === undefined ? [root] : [root, parent],
  };
}

/** Hashed, because ids hold names that mean something, in letters a header may not hold. */
function idOf(what: 'incident' | 'notice', name: string, domain: string): string {
  const hash = createHash('sha256').update(`${what}\0${name}`, 'utf8').digest('hex').slice(0, 32);
  return `<${what}.${hash}@${domain}>`;
}

/** Domain of an address like `Pilotlight <alerts@example.com>`. */
function domainOf(from: string): string {
  return /@([A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?)>?\s*$/.exec(from)?.[1] ?? 'pilotlight.invalid';
}

function textOf({ state, title, lead, facts, advice, links, command }: NoticeWords): string {
  const parts = [
    [`${state}: ${title}`, lead],
    facts.map(({ label, value }) => `${label}: ${value}`),
    advice,
    links.map(({ label, url }) => `${label}: ${url}`),
    command === undefined ? [] : [`    ${command}`],
  ];
  return `${parts
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

const colours: Readonly<Record<string, string>> = { PAGE: '#b3261e', RESOLVED: '#1b6e3c' };
const colourElse = '#8a5300';

function htmlOf({ state, title, lead, facts, advice, links, command }: NoticeWords): string {
  const rows = facts.map(
    ({ label, value }) =>
      `<tr><th align="left" valign="top" style="padding:2px 16px 2px 0;font-weight:600">${escaped(label)}</th>` +
      `<td style="padding:2px 0;word-break:break-word">${escaped(value)}</td></tr>`,
  );
  const parts = [
    `<p style="margin:0;font-weight:700;color:${colours[state] ?? colourElse}">${escaped(state)}</p>`,
    `<h1 style="margin:0 0 4px;font-size:20px">${escaped(title)}</h1>`,
    `<p style="margin:0 0 16px">${escaped(lead)}</p>`,
    ...(rows.length === 0 ? [] : [`<table role="presentation" style="border-spacing:0">${rows.join('\n')}</table>`]),
    ...(advice.length === 0 ? [] : [`<p>${advice.map(escaped).join('<br>\n')}</p>`]),
    ...links.map(({ label, url }) => `<p style="margin:4px 0"><a href="${escaped(url)}">${escaped(label)}</a></p>`),
    ...(command === undefined ? [] : [`<pre style="white-space:pre-wrap">${escaped(command)}</pre>`]),
  ];
  const body = `<body style="font-family:sans-serif;font-size:15px;line-height:1.4">\n${parts.join('\n')}\n</body>`;
  const head = `<head><meta charset="utf-8"><title>${escaped(oneLine(title))}</title></head>`;
  return `<!doctype html>\n<html lang="en">\n${head}\n${body}\n</html>\n`;
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
