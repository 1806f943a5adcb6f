/** What stands on top of the operator's pages: the way between them, and the lamp that goes out when nothing runs any more. */
import { relativeInWords, spanInWords } from '../connection/time-words.ts';
import type { Tone } from '../connection/words.ts';
import { type Html, html } from './html.ts';
import type { Top } from './operator-ports.ts';
import { lampWords } from './overview-view.ts';
import { symbols } from './pieces.ts';
import type { Lamp } from './ports.ts';

const places = [
  { path: '/', title: 'Connections' },
  { path: '/providers', title: 'Providers' },
  { path: '/incidents', title: 'Incidents' },
] as const;
export type Place = (typeof places)[number]['path'];

/** Where the form that ends a session posts to. */
export const signOutPath = '/logout';

/** Links to the pages, with the open incidents counted. `here` is the page shown, or the one it belongs to. */
export function navView(here: Place | undefined, open: Top['open'] | undefined): Html {
  const count = (open?.page ?? 0) + (open?.warn ?? 0);
  const tone = (open?.page ?? 0) > 0 ? 'bad' : 'warn';
  const badge = html` <span class="pill ${tone}">${count}<span class="hidden"> open</span></span>`;
  const items = places.map(
    ({ path, title }) =>
      html`<li><a href="${path}"${path === here && html` aria-current="page"`}>${title}${path === '/incidents' && count > 0 && badge}</a></li>`,
  );
  return html`<nav class="nav" aria-label="Main"><ul>${items}</ul></nav>`;
}

/** The lamp of the dead man in one line. Undefined: whether anything runs could not be read, which is no good sign. */
export function lampView(lamps: readonly Lamp[] | undefined, now: number): Html {
  if (lamps === undefined) return strip('bad', 'Whether it still runs cannot be read');
  if (lamps.length === 0) return html``;
  const shown = lamps.map((lamp) => ({ lamp, ...lampWords(lamp, now) }));
  const wrong = shown.filter(({ tone }) => tone !== 'good');
  if (wrong.length === 0) {
    const runs = lamps.map(({ name, lastAt }) => `${name} ${lastAt === null ? '' : relativeInWords(lastAt, now)}`);
    return strip('good', `Running: ${runs.join(', ')}`);
  }
  const says = wrong.map(({ lamp, word }) =>
    lamp.lastAt === null
      ? `${lamp.name} ${word}`
      : `${lamp.name} ${word}: last ${relativeInWords(lamp.lastAt, now)}, expected every ${spanInWords(lamp.everyMs)}`,
  );
  return strip(wrong.some(({ tone }) => tone === 'bad') ? 'bad' : 'warn', says.join('; '));
}

function strip(tone: Tone, text: string): Html {
  return html`<p class="lamp ${tone}"><span class="wrap"><span aria-hidden="true">${symbols[tone]}</span> ${text}</span></p>`;
}
