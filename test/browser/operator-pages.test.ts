/**
 * The operator's pages in a real browser, from a real server with hostile texts in everything: nothing of theirs runs, the way
 * between the pages works without scripts, and they fit a phone.
 */
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/runtime/clock.ts';
import { seededRandom } from '../../src/runtime/random.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { createLogin } from '../../src/web/login.ts';
import { loginRoutes } from '../../src/web/login-routes.ts';
import { guardRoutes, loginPage } from '../../src/web/login-view.ts';
import { connectionHref } from '../../src/web/pieces.ts';
import type { Route } from '../../src/web/ports.ts';
import { startChromium } from './chromium.ts';
import { fakeOperator, hostile, kept, sortingStatus } from './fake-operator.ts';
import { fakeEntries, fakeEntry, fakeFacts, fakeNow, hostileIds } from './fake-status.ts';
import { serve, stopServers } from './serve.ts';

const phone = { width: 360, height: 740 };
const desktop = { width: 1280, height: 900 };
const endless = `customers/${hostile.endless}`;
const entries = [
  ...fakeEntries(),
  fakeEntry({ id: 'customers/acme', state: 'retrying', reason: 'store_denied', failures: 2 }),
  fakeEntry({ id: endless, at: { ...fakeEntry().at, client: hostile.endless, host: hostile.endless } }),
];
const pages: readonly (readonly [name: string, address: string])[] = [
  ['the list', ''],
  ['a connection', 'connection?id=customers/acme'],
  ['a connection with endless names', `connection?id=${endless}`],
  ['a connection nobody knows', 'connection?id=x'],
  ['the providers', 'providers'],
  ['the incidents', 'incidents'],
  ['the login', 'login'],
];

/** The form itself is wired where the server takes forms; here only the page is looked at. */
const login: Route = {
  path: '/login',
  handle: () => ({
    status: 200,
    contentType: 'text/html; charset=utf-8',
    body: loginPage({ environment: 'production', refused: { kind: 'refused', why: 'wrong' } }),
  }),
};

let browser: Browser;
let url = '';

beforeAll(async () => {
  browser = await startChromium();
  const { routes } = fakeOperator({ entries, status: sortingStatus(entries) });
  url = (await serve({ statusPage: false, routes: [...routes, login], environment: 'production' })).url;
});

afterAll(async () => {
  await browser?.close();
  await stopServers();
});

/** Opens an address in a page of its own and gathers whatever the browser complains of. */
async function withPage(
  address: string,
  options: BrowserContextOptions,
  use: (page: Page, complaints: string[]) => Promise<void>,
): Promise<void> {
  const context = await browser.newContext({ viewport: desktop, ...options });
  const complaints: string[] = [];
  try {
    const page = await context.newPage();
    page.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`));
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('dialog', (dialog) => complaints.push(`dialog: ${dialog.message()}`));
    page.on('request', (request) => {
      if (!request.url().startsWith(url)) complaints.push(`asked elsewhere: ${request.url()}`);
    });
    await page.goto(url + address);
    await use(page, complaints);
  } finally {
    await context.close();
  }
}

/** The very first answer of a missing connection is a 404, which the browser reports. */
const unexpected = (complaints: readonly string[]) => complaints.filter((text) => !/status of 404/.test(text));

describe('the operator’s pages in Chromium', () => {
  it.each([
    ...pages,
    ...hostileIds.map((id, i) => [`hostile connection ${i}`, connectionHref(id).slice(1)] as const),
  ])('%s runs nothing, asks for nothing elsewhere, and breaks no content policy', async (_, address) => {
    await withPage(address, {}, async (page, complaints) => {
      expect(await page.locator('main img, main script, main style, script').count()).toBe(0);
      expect(await page.title()).toMatch(/Pilotlight$/);
      expect(unexpected(complaints)).toEqual([]);
      expect(await page.content()).not.toContain(kept.fingerprint);
    });
  });

  it.each(pages)('%s has one h1, headings without gaps, and landmarks', async (_, address) => {
    await withPage(address, {}, async (page) => {
      const levels = await page
        .locator('h1,h2,h3,h4,h5,h6')
        .evaluateAll((all) => all.map((heading) => Number(heading.tagName.slice(1))));
      expect(levels.filter((level) => level === 1)).toHaveLength(1);
      levels.forEach((level, i) => {
        expect(level - (levels[i - 1] ?? 0)).toBeLessThanOrEqual(1);
      });
      for (const role of ['banner', 'main', 'contentinfo'] as const) expect(await page.getByRole(role).count()).toBe(1);
      const ids = await page.locator('[id]').evaluateAll((all) => all.map(({ id }) => id));
      expect(new Set(ids).size).toBe(ids.length);
    });
  });

  it.each(pages)('%s never scrolls sideways, on a phone or wider', async (_, address) => {
    await withPage(address, { viewport: { width: 320, height: 640 } }, async (page) => {
      for (const width of [320, 360, 768, 1_024, 1_280]) {
        await page.setViewportSize({ width, height: 740 });
        const overflow = await page.evaluate(
          'document.documentElement.scrollWidth - document.documentElement.clientWidth',
        );
        expect(overflow, String(width)).toBe(0);
      }
    });
  });

  it.each(pages)('%s has links, fields and buttons a thumb can hit on a phone', async (_, address) => {
    await withPage(address, { viewport: phone }, async (page) => {
      const low = await page
        .locator('.nav a, .sorts a, .states a, form input:not([type=hidden], [hidden]), form select, form button')
        .evaluateAll((all) => all.map((one) => [one.textContent, one.getBoundingClientRect().height] as const));
      expect(low.filter(([, height]) => height < 40)).toEqual([]);
    });
  });

  it('goes from the list to a connection, its provider and the incidents with scripts switched off', async () => {
    await withPage('?live=off&q=customers/acme', { javaScriptEnabled: false }, async (page, complaints) => {
      await page.getByRole('rowheader').getByRole('link', { name: 'customers/acme' }).click();
      expect(await page.getByRole('heading', { level: 1 }).innerText()).toBe('customers/acme');
      expect(await page.getByRole('rowheader').count()).toBeGreaterThan(10);
      await page.getByRole('definition').getByRole('link', { name: 'docusign' }).click();
      expect(await page.getByRole('heading', { level: 1 }).innerText()).toBe('Providers');
      await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Incidents' }).click();
      expect(new URL(page.url()).pathname).toBe('/incidents');
      expect(await page.locator('[aria-current=page]').innerText()).toContain('Incidents');
      await page.getByRole('rowheader').first().waitFor();
      expect(complaints).toEqual([]);
    });
  });

  it('sorts by links, on a phone too, and keeps the order through filter and pages', async () => {
    await withPage('?live=off', { javaScriptEnabled: false, viewport: phone }, async (page) => {
      await page.getByRole('link', { name: 'state', exact: true }).click();
      expect(await page.locator('caption').innerText()).toContain('By state, worst first');
      expect(await page.getByRole('rowheader').first().innerText()).toContain('troubled/');
      await page.getByRole('link', { name: 'Next' }).click();
      expect(await page.locator('caption').innerText()).toContain('By state, worst first: 51');
      await page.getByRole('combobox', { name: 'Provider' }).selectOption('docusign');
      await page.getByRole('button', { name: 'Filter' }).click();
      const { searchParams } = new URL(page.url());
      expect([searchParams.get('sort'), searchParams.get('provider')]).toEqual(['state', 'docusign']);
    });
  });

  it('keeps rows and cells known to a screen reader when a phone shows them as cards', async () => {
    await withPage('incidents', { viewport: phone }, async (page) => {
      expect(await page.getByRole('table').count()).toBe(2);
      expect(await page.getByRole('columnheader').count()).toBe(10);
      expect(await page.getByRole('rowheader').count()).toBe(21);
    });
  });

  it('shows where the focus is on every page', async () => {
    for (const [, address] of pages) {
      await withPage(address, {}, async (page) => {
        await page.keyboard.press('Tab');
        expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to content');
        for (let i = 0; i < 8; i += 1) {
          await page.keyboard.press('Tab');
          const outline = await page.evaluate('getComputedStyle(document.activeElement).outlineStyle');
          const where = await page.evaluate('document.activeElement.tagName');
          if (where !== 'BODY') expect(outline, `${address} ${i} ${where}`).toBe('solid');
        }
      });
    }
  });

  it('goes red on top when the sweep stops', async () => {
    const facts = fakeFacts();
    const late = facts.lamps.map((lamp) => ({ ...lamp, lastAt: fakeNow - 3_600_000 }));
    const { routes } = fakeOperator({ reader: { top: async () => ({ lamps: late, open: { page: 1, warn: 0 } }) } });
    const other = await serve({ statusPage: false, routes });
    await withPage('', {}, async (page) => {
      await page.goto(`${other.url}incidents`);
      const lamp = page.getByRole('banner').locator('.lamp');
      expect(await lamp.innerText()).toContain('Sweep late');
      expect(await page.evaluate("getComputedStyle(document.querySelector('.lamp')).color")).toBe('rgb(160, 31, 25)');
    });
  });

  it('lets in by the token alone, back to what was asked for, and out again, with scripts switched off', async () => {
    const token = 'correct-horse-battery-staple';
    const login = createLogin({
      token: new Secret(token),
      clock: systemClock(),
      random: seededRandom(3),
      // Chromium takes a Secure cookie on loopback as on HTTPS.
      secure: true,
    });
    const { routes } = fakeOperator({ entries, signedIn: true });
    const guarded = guardRoutes(routes, ({ cookies }) => login.check(cookies));
    const forms = loginRoutes({ login, environment: 'production', onRefused: () => undefined });
    const other = await serve({ statusPage: false, routes: [...guarded, ...forms] });
    await withPage('', { javaScriptEnabled: false }, async (page) => {
      await page.goto(`${other.url}connection?id=customers/acme`);
      expect(await page.getByRole('heading', { level: 1 }).innerText()).toBe('Sign in');
      expect(await page.content()).not.toContain('retrying');
      await page.getByLabel('Access token').fill('wrong');
      await page.getByRole('button', { name: 'Sign in' }).click();
      expect(await page.getByRole('alert').innerText()).toBe('That is not the token.');
      await page.getByLabel('Access token').fill(token);
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { level: 1, name: 'customers/acme' }).waitFor();
      expect(page.url()).toBe(`${other.url}connection?id=customers%2Facme`);
      const [cookie] = await page.context().cookies();
      expect(cookie).toMatchObject({ name: '__Host-pilotlight', httpOnly: true, secure: true, sameSite: 'Lax' });
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.getByRole('heading', { level: 1, name: 'Sign in' }).waitFor();
      expect(await page.context().cookies()).toEqual([]);
      await page.goto(`${other.url}incidents`);
      expect(await page.getByRole('heading', { level: 1 }).innerText()).toBe('Sign in');
    });
  });
});
