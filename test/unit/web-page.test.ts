/** The status page as text: escaped whatever the ids say, and complete. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { connectionStates } from '../../src/connection/entry.ts';
import { escapeHtml, type HtmlPart, html } from '../../src/web/html.ts';
import { lampWords } from '../../src/web/overview-view.ts';
import { failurePage, statusPage } from '../../src/web/page.ts';
import { hrefOf, readQuery } from '../../src/web/query.ts';
import { fakeEntries, fakeEntry, fakeFacts, fakeNow, fakeStatus, hostileIds } from '../browser/fake-status.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

async function pageFor(entries = fakeEntries(), search = '', facts = fakeFacts()): Promise<string> {
  const query = readQuery(new URLSearchParams(search));
  return statusPage(await fakeStatus(entries, facts).read(query), query, 'production');
}

describe('html', () => {
  it('escapes text in every place, and only its own markup goes through', () => {
    const forged = { markup: '<b>forged</b>' } as unknown as HtmlPart;
    expect(html`<i title="${'"><x'}">${['<', html`<b>${'&'}</b>`]}${forged}${null}${false}${0}</i>`.markup).toBe(
      '<i title="&quot;&gt;&lt;x">&lt;<b>&amp;</b>[object Object]0</i>',
    );
  });

  it('leaves nothing that could open a tag, end an attribute or hide text, whatever it is given', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(escapeHtml(text)).not.toMatch(/[<>"'`\p{Cc}\p{Cf}]|&(?!(?:amp|lt|gt|quot|#39|#96);)/u);
      }),
    );
  });

  it('makes marks that reorder or hide text visible', () => {
    expect(escapeHtml('a\u202eb\u200b\u0000')).toBe('a\\u{202e}b\\u{200b}\\u{0}');
  });
});

describe('statusPage', () => {
  it('shows hostile ids as text and runs none of them', async () => {
    const page = await pageFor(fakeEntries(), 'size=200');
    for (const id of hostileIds) expect(page).toContain(escapeHtml(id));
    expect(page).not.toMatch(/<script|<img|<style|\son[a-z]+\s*=\s*["']?document|<[^>]*javascript:/i);
    expect(page.match(/<\/table>/g)).toHaveLength(1);
  });

  it('says of every connection its state, reason, who can act, deadline, clock and next attempt', async () => {
    const page = await pageFor([
      fakeEntry({
        state: 'blocked',
        reason: 'client_rejected',
        clock: 'absolute',
        estimated: true,
        deadlineAt: fakeNow + 2 * dayMs,
      }),
    ]);
    for (const text of [
      'Blocked',
      'The provider rejects our client id or secret.',
      'Operator:',
      'in 2 days',
      '2026-11-22 08:00 UTC',
      'absolute: ends after consent',
      'estimated',
      '10 days ago',
    ]) {
      expect(page).toContain(text);
    }
  });

  it('has landmarks, one h1, a caption, scopes, and neither script nor inline style', async () => {
    const page = await pageFor();
    expect(page.match(/<h1/g)).toHaveLength(1);
    expect(page).toMatch(/<html lang="en">/);
    expect(page).toMatch(/<header[\s\S]*<main id="main"[\s\S]*<\/main>\s*<footer/);
    expect(page).toMatch(/<caption>/);
    expect(page.match(/<th scope="col"/g)).toHaveLength(6);
    expect(page).toMatch(/<th scope="row"/);
    expect(page).not.toMatch(/<script|style="|<style|https?:\/\/(?!www\.w3\.org)/);
  });

  it('reloads itself until told not to, and the switch keeps the filter', async () => {
    expect(await pageFor()).toContain('<meta http-equiv="refresh" content="10">');
    const still = await pageFor(fakeEntries(), 'live=off&provider=docusign');
    expect(still).not.toContain('http-equiv="refresh"');
    expect(still).toContain('href="/?provider=docusign"');
  });

  it('shows the page asked for, and links to its neighbours', async () => {
    const page = await pageFor(fakeEntries(100), 'size=25&page=2&state=active');
    expect(page.match(/<th scope="row"/g)).toHaveLength(25);
    expect(page).toContain('26 to 50 of 109');
    expect(page).toContain('href="/?state=active&amp;size=25&amp;page=3"');
    expect(page).toContain('href="/?state=active&amp;size=25"');
  });

  it('says what to do when there is nothing, and what to undo when nothing matches', async () => {
    expect(await pageFor([])).toContain('pilotlight:managed=true');
    expect(await pageFor([fakeEntry()], 'q=nowhere')).toContain('No connection matches.');
    expect(await pageFor([fakeEntry()], 'page=3')).toContain('There is no page 3.');
  });

  it('names what is late, what is unreadable and which client is rejected', async () => {
    const page = await pageFor(
      [fakeEntry()],
      '',
      fakeFacts({
        lamps: [{ name: 'Sweep', lastAt: fakeNow - hourMs, everyMs: 15_000 }],
        spool: { records: 3, answered: 1, unreadable: 2, oldestAt: fakeNow - hourMs },
        breakers: [
          {
            at: { ...fakeEntry().at, client: '<b>evil</b>' },
            reason: 'client_rejected',
            openedAt: fakeNow - hourMs,
            nextProbeAt: null,
          },
        ],
      }),
    );
    for (const text of [
      'Sweep late',
      '1 not yet in the store',
      '2 unreadable',
      '&lt;b&gt;evil&lt;/b&gt;',
      'the provider rejects our client id or secret, since 1 hour ago',
    ]) {
      expect(page).toContain(text);
    }
  });

  it('says in the title how many die within a day', async () => {
    expect(await pageFor([fakeEntry({ deadlineAt: fakeNow + hourMs })])).toContain(
      '<title>1 within a day · Pilotlight</title>',
    );
  });

  it('survives instants no date can show', async () => {
    const page = await pageFor([fakeEntry({ deadlineAt: 9e15, nextAt: Number.MAX_VALUE, extendedAt: -9e15 })]);
    expect(page).toContain('unknown');
  });

  it('has a page for the time the status cannot be read, which tries again', () => {
    const page = failurePage('redis_unavailable', 'production');
    expect(page).toContain('redis_unavailable');
    expect(page).toContain('http-equiv="refresh"');
  });
});

describe('lampWords', () => {
  it.each([
    [null, 'not yet'],
    [fakeNow - 45_000, 'on time'],
    [fakeNow - 45_001, 'late'],
  ])('says of a run every 15 s that last ended at %s: %s', (lastAt, word) => {
    expect(lampWords({ name: 'Sweep', lastAt, everyMs: 15_000 }, fakeNow).word).toBe(word);
  });
});

describe('readQuery', () => {
  it('leaves out what it does not understand and clamps the rest', () => {
    const read = (search: string) => readQuery(new URLSearchParams(search));
    expect(read('')).toEqual({ page: 1, size: 50, live: true });
    expect(read('state=nonsense&page=-1&size=1e9&provider=&q=%20%20')).toEqual({ page: 1, size: 50, live: true });
    expect(read('size=100000&page=999999999')).toEqual({ page: 50, size: 200, live: true });
    expect(read('size=0&page=0')).toEqual({ page: 1, size: 1, live: true });
    expect(read(`q=${'x'.repeat(500)}`).text).toHaveLength(128);
    expect(read('state=suspect&provider=docusign&q=acme&live=off')).toEqual({
      state: 'suspect',
      provider: 'docusign',
      text: 'acme',
      page: 1,
      size: 50,
      live: false,
    });
  });

  it('writes addresses it reads back as the same query', () => {
    const word = fc.option(
      fc
        .string({ minLength: 1, maxLength: 128 })
        .map((text) => text.trim())
        .filter((text) => text !== ''),
      { nil: undefined },
    );
    fc.assert(
      fc.property(
        word,
        word,
        fc.constantFrom(undefined, ...connectionStates),
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1, max: 200 }),
        fc.boolean(),
        (provider, text, state, page, size, live) => {
          const query = {
            ...(provider === undefined ? {} : { provider }),
            ...(text === undefined ? {} : { text }),
            ...(state === undefined ? {} : { state }),
            page,
            size,
            live,
          };
          expect(readQuery(new URL(hrefOf(query), 'http://localhost').searchParams)).toEqual(query);
        },
      ),
    );
  });

  it('starts at the first page when the filter changes', () => {
    expect(hrefOf({ page: 7, size: 50, live: true }, { state: 'suspect' })).toBe('/?state=suspect');
    expect(hrefOf({ page: 7, size: 50, live: true, state: 'suspect' }, { state: null })).toBe('/');
  });
});
