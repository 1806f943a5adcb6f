/**
 * On-call's whole way: a consent is revoked, one page and one message arrive, the customer follows the link in a browser,
 * the same connection lives on and both hear the end. Then one wrong client secret for five thousand connections. Redis
 * loses everything in the middle of each.
 */
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { startChromium } from '../browser/chromium.ts';
import { type AlertRig, extended, flagAcme, startAlertRig } from '../support/alert-rig.ts';
import { freePort } from '../support/free-port.ts';
import { day, minute, rigClient } from '../support/rig.ts';

let browser: Browser;
let bench: AlertRig;
const summary: Record<string, Record<string, number>> = {};
beforeAll(async () => {
  browser = await startChromium();
});
afterEach(() => bench.stop());
afterAll(async () => {
  await browser.close();
  // What an issue's reader looks for.
  process.stdout.write(`\n${JSON.stringify(summary, null, 2)}\n`);
});

const soon = { timeout: 60_000, interval: 100 };
const flagged = (connections: readonly string[]) =>
  connections.filter((one) => 'pilotlight:state' in bench.rig.double.secrets.tags(one));

/** A working service on a port of its own, so that links lead back to it. */
async function start(): Promise<void> {
  const port = await freePort();
  bench = await startAlertRig((config) => ({
    ...config,
    web: { ...config.web, port },
    reconsent: { ...config.reconsent, publicUrl: `http://127.0.0.1:${port}` },
  }));
}

test('a revoked connection comes back with one link', async () => {
  await start();
  const { rig } = bench;
  await flagAcme(rig);
  const key = 'production/connection/acme/consent';
  await expect.poll(() => bench.open(), soon).toEqual([key]);
  await expect.poll(() => bench.chat.messages.size, soon).toBe(1);
  await rig.flushRedis();

  const event = JSON.stringify(bench.told('trigger'));
  const link = /http:\/\/127\.0\.0\.1:\d+\/reconsent\/[\w.-]+/.exec(event)?.[0];
  expect(link).toBeDefined();
  rig.sandbox.consents.expect({ provider: 'docusign', connection: 'acme' });
  const page = await (await browser.newContext()).newPage();
  await page.goto(link ?? '');
  expect(await page.textContent('body')).toContain('DocuSign');
  await page.getByRole('button').first().click();
  await page.getByRole('button', { name: 'Allow' }).click();
  await page.waitForURL(/oauth\/callback\/docusign/);
  expect(await page.locator('h1').textContent()).not.toMatch(/not|fail|expired/i);
  await page.context().close();

  const live = rig.sandbox.oracle.liveToken('acme');
  expect(live).toBeDefined();
  expect(rig.document('acme')).toMatchObject({ refresh_token: live, scope: 'signature extended' });
  await expect.poll(() => bench.open(), soon).toEqual([]);
  await expect.poll(() => flagged(['acme']), soon).toEqual([]);
  await expect.poll(() => bench.told('resolve', key).length, soon).toBe(1);
  const opened = bench.told('trigger', key);
  expect(new Set(bench.told('trigger').map(({ dedup_key }) => dedup_key))).toEqual(new Set([key]));
  expect(bench.pager.incidents.get(key)?.open).toBe(false);
  summary['consent revoked'] = {
    pages: new Set(opened.map(({ dedup_key }) => dedup_key)).size,
    resolves: bench.told('resolve', key).length,
    chatMessages: bench.chat.messages.size,
    wronglyFlagged: flagged(['canary']).length,
  };
});

test('five thousand connections with a wrong client secret are one incident, and none is flagged', async () => {
  await start();
  const { rig } = bench;
  const connections = Array.from({ length: 5_000 }, (_, place) => `customers/${place}`);
  for (const connection of connections) rig.connect({ ...extended, connection });
  rig.sandbox.clients.setSecrets('docusign', rigClient.clientId, ['another']);
  rig.clock.turn(12 * day);
  await rig.start();
  const ofClient = () => bench.open().filter((one) => one.includes('/client/docusign/'));
  await expect.poll(() => ofClient().length, soon).toBe(1);
  await rig.flushRedis();
  rig.sandbox.clients.setSecrets('docusign', rigClient.clientId, [rigClient.clientSecret]);
  await expect
    .poll(
      () => {
        const left = connections.filter((one) => rig.sandbox.oracle.tokens(one).length < 2).length;
        // Later no faster than the day: a calendar that stands still is a scheduler that does.
        rig.clock.turn(left > 4_000 ? minute : 500);
        return left;
      },
      { timeout: 240_000, interval: 500 },
    )
    .toBe(0);
  const openLater = () => {
    rig.clock.turn(100);
    return bench.open();
  };
  await expect.poll(openLater, soon).toEqual([]);
  expect(flagged(connections)).toEqual([]);
  const told = new Set(bench.told('trigger').map(({ dedup_key }) => dedup_key));
  expect([...told].filter((one) => !one.includes('/client/'))).toEqual([]);
  summary['wrong client secret'] = {
    pages: told.size,
    resolves: new Set(
      bench
        .told('resolve')
        .map(({ dedup_key }) => dedup_key)
        .filter((one) => told.has(one)),
    ).size,
    wronglyFlagged: flagged(connections).length,
    refreshed: connections.length,
  };
});
