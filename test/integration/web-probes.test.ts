/** The probes over real sockets: liveness asks only about this process, readiness says why not. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Readiness } from '../../src/web/ports.ts';
import { measureLoopLag } from '../../src/web/probes.ts';
import { get, healthOf, ready, serve, stopServers } from '../browser/serve.ts';

afterEach(stopServers);

describe('/livez', () => {
  it('fails when a loop is silent for too long or the event loop was blocked, and says so', async () => {
    const silent = await serve({ health: healthOf({ beats: [{ name: 'sweep', ageMs: 61_000, ageMsMax: 60_000 }] }) });
    expect(await get(`${silent.url}livez`)).toMatchObject({
      status: 503,
      body: '{"alive":false,"reasons":["sweep has been silent for 61 s"]}\n',
    });
    const blocked = await serve({ lag: { takeMaxMs: () => 12_000, stop() {} } });
    expect(await get(`${blocked.url}livez`)).toMatchObject({
      status: 503,
      body: '{"alive":false,"reasons":["the event loop was blocked for 12 s"]}\n',
    });
  });

  it('stays well while starting, draining or without Redis: a restart mends none of those', async () => {
    for (const phase of ['starting', 'draining', 'running'] as const) {
      const { url } = await serve({
        health: healthOf({ readiness: { phase, checks: [{ name: 'redis', ok: false }] } }),
      });
      expect((await get(`${url}livez`)).status).toBe(200);
    }
  });

  it('is well on the real event loop', async () => {
    const { url } = await serve({ lag: measureLoopLag() });
    expect((await get(`${url}livez`)).status).toBe(200);
  });
});

describe('/readyz', () => {
  it.each([
    [{ phase: 'starting', checks: [] }, ['starting']],
    [{ phase: 'draining', checks: [{ name: 'redis', ok: true }] }, ['draining']],
    [
      {
        phase: 'running',
        checks: [
          { name: 'redis', ok: false, detail: 'no answer for 12 s' },
          { name: 'spool', ok: true },
        ],
      },
      ['redis: no answer for 12 s'],
    ],
  ] as [Readiness, string[]][])('says 503 and why for %j', async (readiness, reasons) => {
    const { url } = await serve({ health: healthOf({ readiness }) });
    const got = await get(`${url}readyz`);
    expect(got.status).toBe(503);
    expect(JSON.parse(got.body)).toMatchObject({ ready: false, phase: readiness.phase, reasons });
  });

  it('goes on answering while the process drains', async () => {
    const state: { readiness: Readiness } = { readiness: ready };
    const { url } = await serve({ health: { heartbeats: () => [], readiness: () => state.readiness } });
    expect((await get(`${url}readyz`)).status).toBe(200);
    state.readiness = { phase: 'draining', checks: [] };
    expect((await get(`${url}readyz`)).status).toBe(503);
    expect((await get(`${url}metrics`)).status).toBe(200);
    expect((await get(url)).status).toBe(200);
  });
});
