/**
 * Refusals that are nobody's fault or the network's (bad-inputs 4a, 46, 47, 49, 52 to 58, 61, 65): a limit holds back what it is
 * a limit of, what was refused before anything was committed goes again, and what was not sent was not spent.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Config } from '../../config/derive.ts';
import { clientHealth, connectAll, expectAlive } from '../support/client-bench.ts';
import { freePort } from '../support/free-port.ts';
import { day, hour, minute, otherClient, type RotationBench, startRotationBench } from '../support/rotation-bench.ts';

let bench: RotationBench;
beforeEach(async () => {
  bench = await startRotationBench();
});
afterEach(() => bench.stop());

describe('429', () => {
  const throttle = (provider: string, retryAfterMs: number) =>
    bench.sandbox.faults.inject({ kind: 'throttle', retryAfterMs }, { provider, times: 1 });

  test('of a provider that counts by source holds back all of its connections, of every client', async () => {
    await connectAll(bench, 'oauth2', 'a', 'b');
    bench.connect({ provider: 'oauth2', connection: 'c', client: otherClient }, { client: 'other' });
    bench.connect({ provider: 'docusign', connection: 'd', scope: 'signature extended' });
    await bench.inventory();
    bench.clock.turn(4 * day);
    throttle('oauth2', 10 * minute);
    const until = bench.clock.now() + 10 * minute;
    expect(await bench.rotate('a')).toMatchObject({ outcome: 'throttled', status: 429 });
    expect((await bench.entry('a'))?.nextAt).toBeGreaterThanOrEqual(until);
    for (const id of ['b', 'c']) {
      expect(await bench.rotate(id, 'canary')).toMatchObject({ outcome: 'throttled' });
      expect((await bench.entry(id))?.nextAt).toBeGreaterThanOrEqual(until);
    }
    expect(bench.sandbox.oracle.presentations()).toHaveLength(1);
    expect(await bench.rotate('d', 'manual')).toMatchObject({ outcome: 'rotated' });
    bench.clock.turn(10 * minute);
    expect(await bench.rotate('c', 'manual')).toMatchObject({ outcome: 'rotated' });
    for (const id of ['a', 'b']) expect(await bench.rotate(id)).toMatchObject({ outcome: 'rotated' });
    await expectAlive(bench, 'a', 'b', 'c', 'd');
  });

  test('of a provider that counts by client leaves its other clients alone', async () => {
    await connectAll(bench, 'esignglobal', 'a', 'b');
    bench.connect({ provider: 'esignglobal', connection: 'c', client: otherClient }, { client: 'other' });
    bench.clock.turn(2 * day);
    throttle('esignglobal', 10 * minute);
    expect(await bench.rotate('a')).toMatchObject({ outcome: 'throttled' });
    expect(await bench.rotate('b')).toMatchObject({ outcome: 'throttled' });
    expect(await bench.rotate('c', 'manual')).toMatchObject({ outcome: 'rotated' });
    bench.clock.turn(10 * minute);
    for (const id of ['a', 'b']) expect(await bench.rotate(id)).toMatchObject({ outcome: 'rotated' });
    await expectAlive(bench, 'a', 'b', 'c');
  });

  test('of a provider that counts by account delays that connection alone', async () => {
    await connectAll(bench, 'docusign', 'a', 'b');
    throttle('docusign', 10 * minute);
    expect(await bench.rotate('a')).toMatchObject({
      outcome: 'throttled',
      error: 'HOURLY_APIINVOCATION_LIMIT_EXCEEDED',
    });
    expect(await bench.rotate('b')).toMatchObject({ outcome: 'rotated' });
    bench.clock.turn(10 * minute);
    expect(await bench.rotate('a')).toMatchObject({ outcome: 'rotated' });
    await expectAlive(bench, 'a', 'b');
  });

  test.each([
    ['a negative wait', '-5', 0, hour],
    ['a wait of thirty thousand years', '999999999999', 5 * hour, 6 * hour],
    ['two waits', '120, 120', 0, hour],
    ['garbage', 'soon', 0, hour],
    ['a date in the past', 'Thu, 01 Jan 1998 00:00:00 GMT', 0, hour],
    ['a date five minutes away', 'Tue, 15 Dec 2026 08:05:00 GMT', 5 * minute, 6 * minute],
  ])('with %s in Retry-After is waited for within reason', async (_, retryAfter, least, most) => {
    await connectAll(bench, 'docusign', 'a');
    expect(new Date(bench.clock.now()).toISOString()).toBe('2026-12-15T08:00:00.000Z');
    bench.sandbox.faults.inject(
      { kind: 'answer', when: 'before', status: 429, headers: { 'retry-after': retryAfter } },
      { times: 1 },
    );
    expect(await bench.rotate('a')).toMatchObject({ outcome: 'throttled' });
    const waitMs = ((await bench.entry('a'))?.nextAt ?? 0) - bench.clock.now();
    expect(waitMs).toBeGreaterThan(least === 0 ? 0 : least - 1);
    expect(waitMs).toBeLessThanOrEqual(most);
    bench.clock.turn(waitMs);
    expect(await bench.rotate('a')).toMatchObject({ outcome: 'rotated' });
    await expectAlive(bench, 'a');
  });
});

describe('refused before anything was committed', () => {
  const page = '<html>blocked</html>';
  const html = { 'content-type': 'text/html' };

  test.each([
    [
      '503 with Retry-After',
      503,
      { error: 'temporarily_unavailable' },
      { 'retry-after': '1800' },
      'retryLater',
      'provider_unavailable',
    ],
    ['503 with a maintenance page', 503, page, html, 'retryLater', 'provider_unavailable'],
    ['400 with a page of a firewall', 400, page, html, 'retryLater', 'provider_unavailable'],
    ['400 with nothing', 400, '', {}, 'retryLater', 'provider_unavailable'],
    ['400 with a code nobody knows', 400, { error: 'flux_capacitor' }, {}, 'retryLater', 'provider_unavailable'],
    ['409', 409, '', {}, 'retryLater', 'provider_unavailable'],
    ['401 without a code', 401, page, html, 'retryLater', 'provider_unavailable'],
    ['400 invalid_request', 400, { error: 'invalid_request' }, {}, 'misconfigured', 'request_rejected'],
    ['400 unsupported_grant_type', 400, { error: 'unsupported_grant_type' }, {}, 'misconfigured', 'request_rejected'],
    ['400 invalid_scope', 400, { error: 'invalid_scope' }, {}, 'misconfigured', 'request_rejected'],
    ['403 of a firewall', 403, page, html, 'misconfigured', 'request_rejected'],
    ['404', 404, page, html, 'misconfigured', 'request_rejected'],
    ['405', 405, page, html, 'misconfigured', 'request_rejected'],
  ] as const)('%s: the same token goes later, nobody is suspected', async (_, status, body, headers, outcome, reason) => {
    await connectAll(bench, 'oauth2', 'a');
    const fault = bench.sandbox.faults.inject({ kind: 'answer', when: 'before', status, body, headers }, { times: 1 });
    expect(await bench.rotate('a')).toMatchObject({ outcome, reason, status });
    expect(fault.fired()).toBe(1);
    const entry = await bench.entry('a');
    expect(entry).toMatchObject({ state: outcome === 'retryLater' ? 'retrying' : 'blocked', reason });
    if ('retry-after' in headers) expect(entry?.nextAt).toBeGreaterThanOrEqual(bench.clock.now() + 30 * minute);
    expect((await clientHealth(bench))?.suspects ?? 0).toBe(0);
    expect(await bench.spoolFiles()).toEqual([]);
    bench.clock.turn(hour);
    expect(await bench.rotate('a', outcome === 'retryLater' ? 'due' : 'probe')).toMatchObject({ outcome: 'rotated' });
    await expectAlive(bench, 'a');
  });
});

describe('a request that never left', () => {
  test('a connection refused is told as the network, and the token is unspent', async () => {
    await bench.stop();
    const port = await freePort();
    const nowhere = (config: Config): Config => ({ ...config, sandbox: { connectTo: `http://127.0.0.1:${port}` } });
    bench = await startRotationBench({ change: nowhere });
    await connectAll(bench, 'docusign', 'a');
    expect(await bench.rotate('a')).toMatchObject({
      outcome: 'retryLater',
      reason: 'network',
      error: 'connection_refused',
    });
    expect(await bench.entry('a')).toMatchObject({ state: 'retrying', reason: 'network' });
    expect(await bench.spoolFiles()).toEqual([]);
    expect(await bench.rotate('a', 'manual')).toMatchObject({ outcome: 'retryLater', reason: 'network' });
  });
});

describe('a worker that is told to stop', () => {
  test('before the request nothing is spent and nothing stays behind', async () => {
    await connectAll(bench, 'docusign', 'a');
    const stop = new AbortController();
    bench.at('intended', () => stop.abort());
    expect(await bench.rotate('a', 'due', stop.signal)).toMatchObject({ outcome: 'busy' });
    expect(await bench.rotate('a', 'due', stop.signal)).toMatchObject({ outcome: 'retryLater', reason: 'busy' });
    expect(bench.sandbox.oracle.presentations()).toEqual([]);
    expect(await bench.spoolFiles()).toEqual([]);
    expect(await bench.rotate('a')).toMatchObject({ outcome: 'rotated' });
  });

  test('after the request it is finished all the same', async () => {
    await connectAll(bench, 'docusign', 'a');
    const stop = new AbortController();
    bench.at('posting', () => stop.abort());
    expect(await bench.rotate('a', 'due', stop.signal)).toMatchObject({ outcome: 'rotated' });
    await expectAlive(bench, 'a');
  });
});
