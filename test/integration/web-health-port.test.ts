/**
 * Probes and metrics on a port of their own: on no other, with no page beside them, answering while the pages are busy and
 * while the process drains. Without one, all is on the one port.
 */
import { afterEach, describe, expect, it, test } from 'vitest';
import { get, healthOf, serve, stopServers } from '../browser/serve.ts';
import { accepted, refused } from '../support/load-config.ts';
import { day, type Rig, startRig } from '../support/rig.ts';

let rig: Rig | undefined;
afterEach(async () => {
  await stopServers();
  await rig?.stop();
  rig = undefined;
});

const ofHealth = ['livez', 'readyz', 'metrics'];
const ofPages = ['', 'status.json', 'style.css'];

describe('a health port', () => {
  it('has probes and metrics and no page; the other port has the pages and neither', async () => {
    const { url, healthUrl } = await serve({ healthPort: 0 });
    expect(new URL(healthUrl).port).not.toBe(new URL(url).port);
    for (const path of ofHealth) {
      expect((await get(healthUrl + path)).status, path).toBe(200);
      expect((await get(url + path)).status, path).toBe(404);
    }
    for (const path of ofPages) {
      expect((await get(url + path)).status, path).toBe(200);
      expect((await get(healthUrl + path)).status, path).toBe(404);
    }
  });

  it('serves no route of another room', async () => {
    const route = { path: '/extra', handle: () => ({ status: 200, contentType: 'text/plain', body: 'x' }) };
    const { url, healthUrl } = await serve({ healthPort: 0, routes: [route] });
    expect((await get(`${url}extra`)).status).toBe(200);
    expect((await get(`${healthUrl}extra`)).status).toBe(404);
  });

  it('keeps the strict rules: methods, headers and foreign names', async () => {
    const { healthUrl } = await serve({ healthPort: 0 });
    const got = await get(`${healthUrl}livez`, { headers: { host: 'evil.example' } });
    expect(got.status).toBe(200);
    expect(got.headers['x-content-type-options']).toBe('nosniff');
    expect((await get(`${healthUrl}metrics`, { headers: { host: 'evil.example' } })).status).toBe(421);
    expect((await get(`${healthUrl}livez`, { method: 'POST' })).status).toBe(405);
  });

  it('answers while a page hangs', async () => {
    const never = Promise.withResolvers<never>();
    const { url, healthUrl } = await serve({
      healthPort: 0,
      status: { read: () => never.promise },
      answerMsMax: 2_000,
    });
    const page = get(url);
    expect((await get(`${healthUrl}livez`)).status).toBe(200);
    expect((await page).status).toBe(503);
  });

  it('that is taken ends the start and leaves nothing listening', async () => {
    const first = await serve({ healthPort: 0 });
    const taken = Number(new URL(first.healthUrl).port);
    await expect(serve({ healthPort: taken })).rejects.toThrow(`port ${taken}`);
  });

  it('stops with the other', async () => {
    const { server, url, healthUrl } = await serve({ healthPort: 0 });
    await server.stop();
    await expect(get(`${healthUrl}livez`)).rejects.toThrow(/ECONNREFUSED/);
    await expect(get(url)).rejects.toThrow(/ECONNREFUSED/);
  });
});

it('without one everything is on one port', async () => {
  const { url, healthUrl } = await serve({ health: healthOf() });
  expect(healthUrl).toBe(url);
  for (const path of [...ofHealth, ...ofPages]) expect((await get(url + path)).status, path).toBe(200);
});

describe('the configuration', () => {
  it('has none unless it says so', () => {
    expect(accepted().web.healthPort).toBeUndefined();
    expect(accepted({ yaml: 'web: { healthPort: 8081 }\n' }).web).toMatchObject({ port: 8080, healthPort: 8081 });
  });

  it.each([
    'web: { healthPort: 70000 }\n',
    'web: { healthPort: x }\n',
    'web: { port: 9000, healthPort: 9000 }\n',
  ])('refuses %j', (yaml) => expect(refused({ yaml }).join('\n')).toMatch(/healthPort/));
});

test('a process that is told to stop is not ready at once, alive until its end, and scraped meanwhile', async () => {
  rig = await startRig({ change: (config) => ({ ...config, web: { ...config.web, healthPort: 0 } }) });
  rig.connect({ provider: 'docusign', connection: 'acme', scope: 'signature extended' });
  rig.clock.turn(15 * day);
  const slow = rig.sandbox.faults.inject({ kind: 'slow', ms: 3_000 }, { connection: 'acme' });
  const app = await rig.start();
  await expect.poll(() => slow.fired(), { timeout: 20_000 }).toBe(1);
  expect((await get(`${app.healthUrl}readyz`)).status).toBe(200);
  const stopped = app.stop();
  const ready = await get(`${app.healthUrl}readyz`);
  expect(ready.status).toBe(503);
  expect(JSON.parse(ready.body)).toMatchObject({ ready: false, phase: 'draining', reasons: ['draining'] });
  expect((await get(`${app.healthUrl}livez`)).status).toBe(200);
  const metrics = await get(`${app.healthUrl}metrics`);
  expect(metrics.status).toBe(200);
  expect(metrics.body).toMatch(/^pilotlight_redis_up 1$/m);
  expect(Math.abs(Number(/^pilotlight_store_clock_skew_seconds (\S+)$/m.exec(metrics.body)?.[1]))).toBeLessThan(2);
  expect(rig.reports.filter(({ outcome }) => outcome === 'rotated')).toEqual([]);
  expect(await stopped).toBe(0);
  expect(rig.document('acme').refresh_token).toBe(rig.sandbox.oracle.liveToken('acme'));
  await expect(get(`${app.healthUrl}livez`)).rejects.toThrow(/ECONNREFUSED/);
}, 60_000);
