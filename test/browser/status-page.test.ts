/**
 * The status page in a real browser, from a real server with hostile connections: nothing of theirs runs, the content policy
 * is never touched, it reads and filters without scripts, and it fits a phone.
 */
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/runtime/clock.ts';
import { silentLogger } from '../../src/runtime/logger.ts';
import type { StatusReader } from '../../src/web/ports.ts';
import { createWebServer, type WebServer } from '../../src/web/server.ts';
import { findChromium, startChromium } from './chromium.ts';
import { fakeEntries, fakeEntry, fakeFacts, fakeNow, fakeStatus, hostileIds } from './fake-status.ts';

const phone = { width: 360, height: 740 };
const desktop = { width: 1360, height: 900 };

/** As bad as a night gets: late, unreadable, rejected, with a client's name that is an attack. */
const troubledFacts = fakeFacts({
  lamps: [
    { name: 'Sweep', lastAt: fakeNow - 3_600_000, everyMs: 15_000 },
    { name: 'Inventory', lastAt: null, everyMs: 300_000 },
  ],
  spool: { records: 3, answered: 2, unreadable: 1, oldestAt: fakeNow - 400_000 },
  breakers: [
    {
      at: { ...fakeEntry().at, client: `<img src=x onerror=alert(1)>${'client'.repeat(40)}` },
      reason: 'client_rejected',
      openedAt: fakeNow - 900_000,
      nextProbeAt: fakeNow + 120_000,
    },
  ],
});

let browser: Browser;
let server: WebServer;
let url = '';
const opened = { reads: 0 };

beforeAll(async () => {
  browser = await startChromium();
  const reader = fakeStatus(fakeEntries(), troubledFacts);
  const status: StatusReader = {
    read(query) {
      opened.reads += 1;
      return reader.read(query);
    },
  };
  server = createWebServer({
    host: '127.0.0.1',
    port: 0,
    health: { heartbeats: () => [], readiness: () => ({ phase: 'running', checks: [] }) },
    metrics: { render: async () => ({ contentType: 'text/plain', body: '' }) },
    status,
    statusPage: true,
    environment: 'production',
    logger: silentLogger,
    clock: systemClock(),
  });
  url = (await server.start()).url;
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
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
    page.on('requestfailed', (request) => complaints.push(`failed: ${request.url()}`));
    page.on('request', (request) => {
      if (!request.url().startsWith(url)) complaints.push(`asked elsewhere: ${request.url()}`);
    });
    await page.goto(url + address);
    await use(page, complaints);
  } finally {
    await context.close();
  }
}

const overflowOf = (page: Page) =>
  page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');

describe('the status page in Chromium', () => {
  it('shows every hostile id as text, runs none, and breaks no content policy', async () => {
    await withPage('?live=off&size=200', {}, async (page, complaints) => {
      const text = await page.locator('tbody').innerText();
      for (const id of hostileIds.filter((id) => !/\p{Cf}/u.test(id))) expect(text).toContain(id);
      expect(text).toContain('acme\\u{202e}gpj.exe');
      expect(await page.title()).toMatch(/Pilotlight$/);
      expect(await page.locator('tbody img, tbody script, tbody style, script').count()).toBe(0);
      expect(complaints).toEqual([]);
    });
  });

  it('would be told of a breach of the policy: a script put into the page by hand is refused', async () => {
    await withPage('?live=off', {}, async (page, complaints) => {
      const refused = page.waitForEvent('console', {
        predicate: (message) => /content security policy/i.test(message.text()),
      });
      await page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"document.title=1\">')");
      await refused;
      expect(complaints.join('\n')).toMatch(/content security policy/i);
      expect(await page.title()).not.toBe('1');
    });
  });

  it('is styled: the sheet is allowed by its own policy, in light and in dark', async () => {
    const grounds: unknown[] = [];
    for (const colorScheme of ['light', 'dark'] as const) {
      await withPage('?live=off', { colorScheme }, async (page) => {
        grounds.push(await page.evaluate('getComputedStyle(document.body).backgroundColor'));
      });
    }
    expect(grounds).toEqual(['rgb(248, 244, 238)', 'rgb(20, 17, 14)']);
  });

  it('has one h1, headings without gaps, landmarks, and a table with caption and headers', async () => {
    await withPage('?live=off', {}, async (page) => {
      const levels = await page
        .locator('h1,h2,h3,h4,h5,h6')
        .evaluateAll((all) => all.map((heading) => Number(heading.tagName.slice(1))));
      expect(levels.filter((level) => level === 1)).toHaveLength(1);
      levels.forEach((level, i) => {
        expect(level - (levels[i - 1] ?? 0)).toBeLessThanOrEqual(1);
      });
      for (const role of ['banner', 'main', 'contentinfo', 'search'] as const)
        expect(await page.getByRole(role).count()).toBe(1);
      expect(await page.getByRole('columnheader').count()).toBe(6);
      expect(await page.getByRole('rowheader').count()).toBe(50);
      expect(await page.locator('table > caption').innerText()).toContain('1 to 50');
    });
  });

  it('filters and turns pages with scripts switched off', async () => {
    await withPage('?live=off', { javaScriptEnabled: false }, async (page, complaints) => {
      await page.getByRole('combobox', { name: 'State' }).selectOption({ label: 'Suspect' });
      await page.getByRole('button', { name: 'Filter' }).click();
      expect(new URL(page.url()).searchParams.get('state')).toBe('suspect');
      expect(await page.getByRole('rowheader').allInnerTexts()).toEqual([expect.stringContaining('troubled/suspect')]);
      await page.getByRole('link', { name: 'Show all' }).click();
      await page.getByRole('link', { name: 'Next' }).click();
      expect(await page.locator('caption').innerText()).toContain('51 to');
      await page.getByRole('searchbox').fill('<script>');
      await page.keyboard.press('Enter');
      await page.waitForURL(/q=%3Cscript%3E/);
      expect(await page.getByRole('searchbox').inputValue()).toBe('<script>');
      expect(await page.getByRole('rowheader').count()).toBe(1);
      expect(complaints).toEqual([]);
    });
  });

  it.each([
    phone,
    { width: 320, height: 640 },
    { width: 768, height: 1_024 },
    desktop,
  ])('never scrolls sideways at $width pixels', async (viewport) => {
    await withPage('?live=off&size=200', { viewport }, async (page) => {
      expect(await overflowOf(page)).toBe(0);
    });
  });

  it('keeps rows and cells known to a screen reader when a phone shows them as cards', async () => {
    await withPage('?live=off', { viewport: phone }, async (page) => {
      expect(await page.getByRole('table').count()).toBe(1);
      expect(await page.getByRole('rowheader').count()).toBe(50);
      expect(await page.getByRole('columnheader').count()).toBe(6);
    });
  });

  it('can be used from the keyboard, and shows where the focus is', async () => {
    await withPage('?live=off', {}, async (page) => {
      await page.keyboard.press('Tab');
      expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to content');
      await page.keyboard.press('Tab');
      expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe('solid');
    });
  });

  it('asks the reader again when it reloads itself, and has no reload where that is switched off', async () => {
    await withPage('', {}, async (page) => {
      expect(await page.locator('meta[http-equiv=refresh]').getAttribute('content')).toBe('10');
      const before = opened.reads;
      await page.reload();
      expect(opened.reads).toBeGreaterThan(before);
      await page.getByRole('link', { name: 'stop reloading' }).click();
      expect(await page.locator('meta[http-equiv=refresh]').count()).toBe(0);
    });
  });
});

describe('findChromium', () => {
  it('says what to install when there is no Chromium', () => {
    expect(() => findChromium(() => false)).toThrow(/apt-get install chromium$/);
  });
});
