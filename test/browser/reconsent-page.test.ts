/**
 * The customer's way in a real browser: cookies, origins and the content policy as browsers really treat them, at a provider
 * whose sign-in is spread over hosts. It reads well on a phone, and nothing of others runs.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { type ReconsentBench, startReconsentBench } from '../support/reconsent-bench.ts';
import { startChromium } from './chromium.ts';

let browser: Browser;
let provider: Server;
let bench: ReconsentBench;
let signIn = '';
const referrers: (string | undefined)[] = [];
const hostile = `"><img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`;

/** `/consent` leads on to a sign-in at another host, whose one link leads back. */
beforeAll(async () => {
  browser = await startChromium();
  provider = createServer(({ url = '', headers }, response) => {
    if (url === '/favicon.ico') {
      response.writeHead(204).end();
      return;
    }
    referrers.push(headers.referer);
    if (url.startsWith('/consent')) {
      response.writeHead(302, { location: `${signIn}${url.slice('/consent'.length)}` }).end();
      return;
    }
    const page = new URL(url, signIn);
    const back = bench.authorization.consent(page).href.replaceAll('&', '&amp;');
    response.writeHead(200, { 'content-type': 'text/html' }).end(`<a href="${back}">Allow</a>`);
  });
  await new Promise<void>((listening) => provider.listen(0, '127.0.0.1', listening));
  signIn = `http://localhost:${(provider.address() as AddressInfo).port}/sign-in`;
});
beforeEach(async () => {
  const port = await freePort();
  bench = await startReconsentBench({ publicUrl: `http://127.0.0.1:${port}` }, port);
  const { authorization } = bench;
  const pageOf = authorization.consentPage;
  authorization.consentPage = (request) => {
    const page = pageOf(request);
    return page === undefined ? undefined : new URL(`/consent${page.search}`, signIn.replace('localhost', '127.0.0.1'));
  };
});
afterEach(() => bench.stop());
afterAll(async () => {
  await browser.close();
  provider.closeAllConnections();
  await new Promise((closed) => provider.close(closed));
});

async function open(link: string, options: BrowserContextOptions = {}): Promise<{ page: Page; errors: string[] }> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const errors: string[] = [];
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
  page.on('pageerror', (error) => errors.push(String(error)));
  await page.goto(link);
  return { page, errors };
}

it('leads from the link over the provider back to a stored grant, without a script and on a phone', async () => {
  const link = bench.flagged('acme', {}, { 'pilotlight:owner': 'Acme Corp' });
  const { page, errors } = await open(link, { javaScriptEnabled: false, viewport: { width: 320, height: 640 } });
  expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('Reconnect DocuSign eSignature');
  const box = await page.getByRole('button').boundingBox();
  expect(box?.height).toBeGreaterThanOrEqual(44);
  await page.getByRole('button', { name: 'Continue to DocuSign eSignature' }).click();
  await page.getByRole('link', { name: 'Allow' }).click();
  expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('Done: you are connected');
  expect(bench.document('acme').refresh_token).toMatch(/^PLTOKEN-new-/);
  await page.reload();
  expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('This page was opened before');
  // A page that answers with a status above 400 is reported as a resource that failed; nothing else may be.
  expect(errors.filter((error) => !error.includes('status of 409'))).toEqual([]);
  // The link opens something: no other site is told of it.
  expect(referrers.filter((referrer) => referrer?.includes('/reconsent/'))).toEqual([]);
  await page.context().close();
});

it('shows hostile names as text, in both colours, without a sideways scroll', async () => {
  const link = bench.flagged('acme', {}, { 'pilotlight:owner': 'x'.repeat(120) });
  bench.aws.double.secrets.tag('acme', { 'pilotlight:owner': hostile });
  for (const colorScheme of ['light', 'dark'] as const) {
    const { page, errors } = await open(link, { colorScheme, viewport: { width: 320, height: 640 } });
    expect(await page.title()).toBe('Reconnect DocuSign eSignature · Acme');
    expect(await page.getByText(hostile).count()).toBe(1);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(320);
    expect(errors).toEqual([]);
    await page.context().close();
  }
});

it('does not let another site press the button', async () => {
  const link = bench.flagged();
  const { page } = await open(link);
  const token = await page.locator('input[name=form]').getAttribute('value');
  await page.goto('about:blank');
  await page.setContent(
    `<form method="post" action="${link}"><input name="form" value="${token}"><button>Go</button></form>`,
  );
  await page.getByRole('button').click();
  await page.getByRole('alert').waitFor();
  expect(bench.states.held.size).toBe(0);
  expect(bench.audited.map(({ outcome }) => outcome)).toEqual(['form_refused']);
  await page.context().close();
});
