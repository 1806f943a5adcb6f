/** The operator's pages as text: they say what on-call needs, lead to one another, escape whatever they are given, and leak nothing. */
import { describe, expect, it } from 'vitest';
import { incidentKinds, kindWords } from '../../src/alerts/kinds.ts';
import { outcomes } from '../../src/rotation/outcome.ts';
import { PilotlightError } from '../../src/runtime/errors.ts';
import { escapeHtml } from '../../src/web/html.ts';
import { lampView, navView } from '../../src/web/nav.ts';
import { outcomeTitle } from '../../src/web/outcome-words.ts';
import { clip, connectionHref } from '../../src/web/pieces.ts';
import { mixView } from '../../src/web/providers-view.ts';
import { ask, fakeAttempts, fakeDetail, fakeIncident, fakeOperator, hostile, kept } from '../browser/fake-operator.ts';
import { fakeEntry, fakeFacts, fakeNow, hostileIds } from '../browser/fake-status.ts';

const hourMs = 3_600_000;
const places = ['/', '/connection?id=customers/acme', '/providers', '/incidents'];

async function bodyOf(address: string, over: Parameters<typeof fakeOperator>[0] = {}): Promise<string> {
  return (await ask(fakeOperator(over).routes, address)).body;
}

describe('every page for operators', () => {
  it.each(
    places,
  )('%s has landmarks, one h1, the way to the others and the lamp, and neither script nor inline style', async (place) => {
    const page = await bodyOf(place);
    expect(page.match(/<h1/g)).toHaveLength(1);
    expect(page).toMatch(/<html lang="en">/);
    expect(page).toMatch(/<header[\s\S]*<main id="main"[\s\S]*<\/main>\s*<footer/);
    expect(page.match(/aria-current="page"/g)).toHaveLength(1);
    for (const to of ['/', '/providers', '/incidents']) expect(page).toContain(`<a href="${to}"`);
    expect(page).toContain('16<span class="hidden"> open</span>');
    expect(page).toContain('Running: Sweep 7 seconds ago, Inventory 3 minutes 20 seconds ago');
    expect(page).not.toMatch(/<script|style="|<style|https?:\/\/(?!www\.w3\.org)/);
  });

  it.each(places)('%s shows neither a fingerprint nor the digest it was read from', async (place) => {
    const page = await bodyOf(place);
    expect(page).not.toContain(kept.fingerprint);
    expect(page).not.toContain(kept.seen);
  });

  it.each([
    ...places,
    '/providers?live=off',
    `/connection?id=${encodeURIComponent(hostileIds[1] ?? '')}`,
  ])('%s takes no text for markup', async (place) => {
    const page = await bodyOf(place);
    expect(page).not.toMatch(/<script|<img|<style|\son[a-z]+\s*=\s*["']?document|<[^>]*javascript:/i);
    expect(page.match(/<\/main>/g)).toHaveLength(1);
  });

  it('reloads itself until told not to, and the switch keeps the connection', async () => {
    const page = await bodyOf('/connection?id=customers/acme');
    expect(page).toContain('http-equiv="refresh"');
    expect(page).toContain('href="/connection?id=customers%2Facme&amp;live=off"');
    const still = await bodyOf('/connection?id=customers/acme&live=off');
    expect(still).not.toContain('http-equiv="refresh"');
    expect(still).toContain('href="/connection?id=customers%2Facme"');
  });

  it.each([
    ['/', { status: { read: () => Promise.reject(new PilotlightError('redis_unavailable', 'CANARY')) } }],
    ['/connection?id=customers/acme', { reader: { connection: () => Promise.reject(new Error('CANARY')) } }],
    ['/providers', { reader: { clients: () => Promise.reject(new Error('CANARY')) } }],
    ['/incidents', { reader: { incidents: () => Promise.reject(new Error('CANARY')) } }],
  ])('%s says that it cannot be read, tries again, and quotes no error', async (place, over) => {
    const { routes, failures } = fakeOperator(over);
    const { status, body } = await ask(routes, place);
    expect(status).toBe(503);
    expect(body).toContain('cannot be read');
    expect(body).toContain('http-equiv="refresh"');
    expect(body).toContain('<a href="/incidents"');
    expect(failures).toHaveLength(1);
    expect(body + failures.join()).not.toContain('CANARY');
  });

  it('shows what it can while the lamps cannot be read, and says that they cannot', async () => {
    const { routes, failures } = fakeOperator({ reader: { top: () => Promise.reject(new Error('CANARY')) } });
    const { status, body } = await ask(routes, '/providers');
    expect(status).toBe(200);
    expect(body).toContain('Whether it still runs cannot be read');
    expect(body).toContain('docusign-main');
    expect(failures).toEqual(['Error']);
    expect((await ask(routes, '/')).status).toBe(200);
  });
});

describe('the page of a connection', () => {
  it('says its state, why, who can act and when it is tried next', async () => {
    const entry = fakeEntry({
      id: 'x',
      state: 'retrying',
      reason: 'store_denied',
      nextAt: fakeNow + hourMs,
      failures: 3,
    });
    const page = await bodyOf('/connection?id=x', { entries: [entry] });
    for (const text of [
      '<h1 class="title"><bdi>x</bdi></h1>',
      'Retrying',
      'The secret store refuses access.',
      'Operator:',
      'Next attempt in 1 hour',
      'in 20 days',
      'team-crm@example.com',
      '<code>pilotlight show x</code>',
    ])
      expect(page).toContain(text);
  });

  it('has one row for every attempt, with outcome, reason, status and request', async () => {
    const page = await bodyOf('/connection?id=customers/acme');
    for (const outcome of outcomes) expect(page).toContain(outcomeTitle(outcome).title);
    for (const text of [
      'HTTP 400',
      '<code>req-1</code>',
      'recovery',
      'a person',
      escapeHtml(hostile.markup),
      escapeHtml(hostile.attribute),
    ])
      expect(page).toContain(text);
  });

  it('shows a hundred attempts at most and counts the rest', async () => {
    const [one] = fakeAttempts();
    if (one === undefined) throw new Error('no attempt');
    const detail = fakeDetail(fakeEntry(), { attempts: Array.from({ length: 130 }, () => one), incidents: [] });
    const page = await bodyOf('/connection?id=any', { reader: { connection: async () => detail } });
    expect(page.match(/<th scope="row"/g)).toHaveLength(100);
    expect(page).toContain('100 of 130');
  });

  it('is reached from a row by a link that survives any id', async () => {
    for (const id of hostileIds) {
      const entries = [fakeEntry({ id })];
      expect(await bodyOf('/', { entries })).toContain(`<a href="${escapeHtml(connectionHref(id))}">`);
      expect(await bodyOf(connectionHref(id), { entries })).toContain(
        `<h1 class="title"><bdi>${escapeHtml(id)}</bdi></h1>`,
      );
    }
  });

  it('answers 404 for what is not known, without asking for what can be no id', async () => {
    const asked: string[] = [];
    const reader = { connection: async (id: string) => void asked.push(id) as undefined };
    const { routes } = fakeOperator({ reader });
    for (const id of ['', 'x'.repeat(513), hostile.markup]) {
      const { status, body } = await ask(routes, connectionHref(id));
      expect(status).toBe(404);
      expect(body).toContain('No such connection');
      expect(body).not.toMatch(/<script|<img|http-equiv="refresh"/);
    }
    expect(asked).toEqual([hostile.markup]);
  });

  it('offers a command only for an id that a shell takes as it is', async () => {
    for (const id of ['-rf', 'a b', "a'b", '$(x)', 'a;b', 'a\u202eb']) {
      expect(await bodyOf(connectionHref(id), { entries: [fakeEntry({ id })] })).not.toContain('pilotlight show');
    }
  });
});

describe('the page of providers', () => {
  it('names the rejected client first, with reason, next try and last success', async () => {
    const page = await bodyOf('/providers');
    expect(page).toContain('<title>1 rejected · Providers · Pilotlight</title>');
    expect(page.indexOf('rejected</span>')).toBeLessThan(page.indexOf('docusign-main'));
    for (const text of [
      'the provider rejects our client id or secret, since 15 minutes ago, next try in 2 minutes',
      'never yet',
      'with its previous secret:',
      'asked us to wait until',
      '1 refused',
      'href="/?provider=docusign&amp;state=active"',
    ])
      expect(page).toContain(text);
  });

  it('gives the mix of outcomes in words and as a bar that fills its width', () => {
    const { markup } = mixView({
      windowMs: 24 * hourMs,
      counts: [
        { outcome: 'throttled', reason: 'throttled', count: 1 },
        { outcome: 'rotated', reason: 'none', count: 3 },
        { outcome: 'busy', reason: 'busy', count: 0 },
      ],
    });
    expect(markup).toContain('4 attempts in 1 day');
    expect(markup.indexOf('3 Refreshed')).toBeLessThan(markup.indexOf('1 Throttled'));
    expect(markup).not.toContain('Busy');
    expect([...markup.matchAll(/ width="([\d.]+)"/g)].map(([, width]) => Number(width))).toEqual([75, 25]);
    expect(mixView({ windowMs: hourMs, counts: [] }).markup).toContain('none in 1 hour');
  });

  it('says so where there is nothing yet', async () => {
    const page = await bodyOf('/providers', { entries: [], reader: { clients: async () => [] } });
    expect(page).toContain('No connection has been found yet');
  });
});

describe('the page of incidents', () => {
  it('lists every kind with who can act, what ends it and who was told', async () => {
    const page = await bodyOf('/incidents');
    for (const kind of incidentKinds) expect(page).toContain(escapeHtml(kindWords(kind).ends));
    for (const text of [
      'nobody told',
      'snoozed until 2026-11-20 13:00 UTC',
      'tried again',
      'channel is off',
      'the whole install',
    ])
      expect(page).toContain(text);
    expect(page).toContain('<title>18 open · Incidents · Pilotlight</title>');
  });

  it('puts what gets somebody up first, snoozed ones last, and the newest first among ended ones', async () => {
    const open = [
      fakeIncident({ key: 'a', title: 'SNOOZED', severity: 'page', snoozedUntil: fakeNow + 1 }),
      fakeIncident({ key: 'b', title: 'WARNS' }),
      fakeIncident({ key: 'c', title: 'PAGES-OLD', severity: 'page' }),
      fakeIncident({ key: 'd', title: 'PAGES-NEW', severity: 'page', openedAt: fakeNow, snoozedUntil: fakeNow }),
    ];
    const ended = [
      fakeIncident({ key: 'e', title: 'ENDED-OLD', endedAt: fakeNow - 9 }),
      fakeIncident({ key: 'f', title: 'ENDED-NEW', endedAt: fakeNow - 1 }),
    ];
    const page = await bodyOf('/incidents', { reader: { incidents: async () => ({ open, ended }) } });
    const order = [...page.matchAll(/<bdi>(SNOOZED|WARNS|PAGES-OLD|PAGES-NEW|ENDED-OLD|ENDED-NEW)/g)].map(
      ([, title]) => title,
    );
    expect(order).toEqual(['PAGES-NEW', 'PAGES-OLD', 'WARNS', 'SNOOZED', 'ENDED-NEW', 'ENDED-OLD']);
  });

  it('shows two hundred at most and counts the rest', async () => {
    const open = Array.from({ length: 201 }, (_, i) => fakeIncident({ key: `k${i}` }));
    const page = await bodyOf('/incidents', { reader: { incidents: async () => ({ open, ended: [] }) } });
    expect(page.match(/<th scope="row"/g)).toHaveLength(200);
    expect(page).toContain('200 of 201');
  });

  it('is calm where nothing is open', async () => {
    const page = await bodyOf('/incidents', { reader: { incidents: async () => ({ open: [], ended: [] }) } });
    expect(page).toContain('No incident is open.');
    expect(page).toContain('<title>Incidents · Pilotlight</title>');
  });
});

describe('what stands on top', () => {
  it('says which run is late, since when, and how often it is expected', () => {
    const { lamps } = fakeFacts();
    expect(lampView(lamps, fakeNow).markup).toContain('lamp good');
    const late = lampView(lamps, fakeNow + hourMs).markup;
    expect(late).toContain('lamp bad');
    expect(late).toContain('Sweep late: last 1 hour ago, expected every 15 seconds; Inventory late: last 1 hour');
    expect(lampView([{ name: 'Sweep', lastAt: null, everyMs: 1 }], fakeNow).markup).toContain('lamp warn');
    expect(lampView(undefined, fakeNow).markup).toContain('lamp bad');
    expect(lampView([], fakeNow).markup).toBe('');
  });

  it('counts open incidents, in red where one of them pages', () => {
    expect(navView('/', { page: 1, warn: 2 }).markup).toContain('<span class="pill bad">3');
    expect(navView('/', { page: 0, warn: 2 }).markup).toContain('<span class="pill warn">2');
    expect(navView(undefined, { page: 0, warn: 0 }).markup).not.toMatch(/pill|aria-current/);
  });
});

describe('clip', () => {
  it('cuts in whole characters and leaves short texts alone', () => {
    expect(clip('short', 5)).toBe('short');
    expect(clip('longer', 5)).toBe('longe…');
    expect(clip('\u{1f525}'.repeat(4), 3)).toBe(`${'\u{1f525}'.repeat(3)}…`);
    expect(clip('x'.repeat(1e6), 3)).toBe('xxx…');
  });
});
