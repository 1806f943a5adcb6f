/** The web server over real sockets: routes, headers, limits, and what it must never answer. */
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { hasCode, PilotlightError } from '../../src/runtime/errors.ts';
import type { Route } from '../../src/web/ports.ts';
import { get, serve, stopServers } from '../browser/serve.ts';

afterEach(stopServers);

/** Writes raw bytes and gives back everything up to the end of the connection. */
function raw(port: number, bytes: string): Promise<string> {
  return new Promise((done, failed) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    let text = '';
    socket.on('data', (part) => {
      text += part.toString();
    });
    socket.on('close', () => done(text));
    socket.on('error', failed);
  });
}

describe('createWebServer', () => {
  it.each([
    ['/', 200, 'text/html; charset=utf-8'],
    ['/status.json', 200, 'application/json; charset=utf-8'],
    ['/style.css', 200, 'text/css; charset=utf-8'],
    ['/favicon.svg', 200, 'image/svg+xml'],
    ['/metrics', 200, 'text/plain; version=0.0.4; charset=utf-8'],
    ['/livez', 200, 'application/json; charset=utf-8'],
    ['/readyz', 200, 'application/json; charset=utf-8'],
    ['/nothing', 404, 'text/plain; charset=utf-8'],
    ['/..%2f..%2fetc%2fpasswd', 404, 'text/plain; charset=utf-8'],
    ['//evil.example/', 404, 'text/plain; charset=utf-8'],
  ])('answers %s with %d as %s, with the strict headers', async (path, status, type) => {
    const { url } = await serve();
    const got = await get(url.slice(0, -1) + path);
    expect(got.status).toBe(status);
    expect(got.headers).toMatchObject({
      'content-type': type,
      'content-length': String(Buffer.byteLength(got.body)),
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'x-frame-options': 'DENY',
    });
    expect(got.headers['content-security-policy']).toMatch(/default-src 'none'(?!.*unsafe)/);
    expect(got.headers.server).toBeUndefined();
    expect(got.headers['x-powered-by']).toBeUndefined();
    const keepable = path === '/style.css' || path === '/favicon.svg';
    expect(got.headers['cache-control']).toBe(keepable ? 'public, max-age=86400' : 'no-store');
  });

  it('answers HEAD as it answers GET, without the body', async () => {
    const { url } = await serve();
    for (const path of ['', 'status.json', 'metrics', 'livez', 'nothing']) {
      const full = await get(url + path);
      const head = await get(url + path, { method: 'HEAD' });
      expect(head.status).toBe(full.status);
      expect(head.body).toBe('');
      expect(head.headers['content-type']).toBe(full.headers['content-type']);
    }
  });

  it.each([
    'POST',
    'PUT',
    'DELETE',
    'OPTIONS',
    'TRACE',
    'PATCH',
  ])('refuses %s and says what it takes', async (method) => {
    const { url } = await serve();
    const got = await get(url, { method });
    expect(got.status).toBe(405);
    expect(got.headers.allow).toBe('GET, HEAD');
    expect(got.headers.connection).toBe('close');
    expect((await get(`${url}nothing`, { method })).status).toBe(404);
  });

  it('refuses a body and never takes it for the next request', async () => {
    const { url, port } = await serve();
    expect((await get(url, { headers: { 'content-length': '3' }, body: 'abc' })).status).toBe(413);
    const smuggled = 'GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n';
    const text = await raw(
      port,
      `POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${smuggled.length}\r\n\r\n${smuggled}`,
    );
    expect(text).toMatch(/^HTTP\/1\.1 405/);
    expect(text.match(/HTTP\/1\.1/g)).toHaveLength(1);
  });

  it('refuses headers and addresses that are too long', async () => {
    const { url } = await serve();
    expect((await get(`${url}?q=${'x'.repeat(20_000)}`)).status).toBe(431);
    expect((await get(url, { headers: { 'x-long': 'x'.repeat(20_000) } })).status).toBe(431);
  });

  it('answers what is no HTTP with 400 and goes on', async () => {
    const { url, port } = await serve();
    expect(await raw(port, '\u0016\u0003\u0001 not http\r\n\r\n')).toMatch(/^HTTP\/1\.1 400/);
    expect(
      await raw(port, 'GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'),
    ).toMatch(/^HTTP\/1\.1 400/);
    expect(await raw(port, 'OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 400/,
    );
    expect(await raw(port, 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n')).toMatch(/^HTTP\/1\.1 400/);
    expect((await get(`${url}livez`)).status).toBe(200);
  });

  it.each([
    '..',
    '%2e%2e',
    '.%2E',
    '..\\',
    'x/..\\..',
  ])('takes no path for another than is written, which a proxy may let through by its beginning (%s)', async (up) => {
    const page = (body: string) => () => ({ status: 200, contentType: 'text/plain', body });
    const routes: Route[] = [
      { path: '/connections', handle: page('operators') },
      { path: '/reconsent/', below: true, handle: page('customers') },
    ];
    const { port } = await serve({ routes });
    const ask = (path: string) => raw(port, `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    expect(await ask('/reconsent/link?a=..')).toContain('customers');
    expect(await ask(`/reconsent/${up}/connections`)).toMatch(/^HTTP\/1\.1 400/);
    expect(await ask(`/reconsent/${up}connections`)).not.toContain('operators');
  });

  it('refuses a foreign Host on loopback, so that no web page reads it by rebinding a name', async () => {
    const { url } = await serve();
    for (const path of ['', 'status.json', 'metrics', 'nothing']) {
      const got = await get(url + path, { headers: { host: 'evil.example' } });
      expect(got.status).toBe(421);
      expect(got.body).not.toContain('customers');
    }
    expect((await get(`${url}livez`, { headers: { host: 'evil.example' } })).status).toBe(200);
    expect((await get(url, { headers: { host: 'localhost:9999' } })).status).toBe(200);
  });

  it('asks for a Host elsewhere only where names are given', async () => {
    const open = await serve({ host: '0.0.0.0' });
    const local = (url: string) => url.replace('0.0.0.0', '127.0.0.1');
    expect((await get(local(open.url), { headers: { host: 'pod.internal' } })).status).toBe(200);
    const named = await serve({ host: '0.0.0.0', allowedHosts: ['pilotlight.internal'] });
    expect((await get(local(named.url), { headers: { host: 'pod.internal' } })).status).toBe(421);
    expect((await get(local(named.url), { headers: { host: 'pilotlight.internal' } })).status).toBe(200);
  });

  it('has no status page where it is switched off', async () => {
    const { url } = await serve({ statusPage: false });
    for (const path of ['', 'status.json', 'style.css']) expect((await get(url + path)).status).toBe(404);
    expect((await get(`${url}metrics`)).status).toBe(200);
  });

  it('serves the routes of other rooms under the same rules', async () => {
    const route: Route = {
      path: '/extra',
      handle: ({ query }) => ({
        status: 202,
        contentType: 'text/plain',
        body: query.get('a') ?? '',
        headers: { 'x-extra': '1' },
      }),
    };
    const { url } = await serve({ routes: [route] });
    const got = await get(`${url}extra?a=b`);
    expect(got).toMatchObject({ status: 202, body: 'b', headers: { 'x-extra': '1', 'cache-control': 'no-store' } });
    expect((await get(`${url}extra`, { method: 'POST' })).status).toBe(405);
  });

  it('tells the outside nothing of an error, and the log its code only', async () => {
    const failing = { render: () => Promise.reject(new PilotlightError('redis_unavailable', 'CANARY')) };
    const { url, lines } = await serve({ metrics: failing });
    const got = await get(`${url}metrics`);
    expect(got.status).toBe(500);
    expect(lines.join('')).toContain('"error":"redis_unavailable"');
    expect(got.body + lines.join('')).not.toContain('CANARY');
  });

  it('shows a page of its own, and JSON, while the status cannot be read', async () => {
    const status = { read: () => Promise.reject(new PilotlightError('redis_unavailable', 'CANARY')) };
    const { url, lines } = await serve({ status });
    const page = await get(url);
    expect(page.status).toBe(503);
    expect(page.body).toContain('The status cannot be read');
    const data = await get(`${url}status.json`);
    expect(data).toMatchObject({ status: 503, body: '{"error":"redis_unavailable"}\n' });
    expect(page.body + data.body + lines.join('')).not.toContain('CANARY');
  });

  it('answers 503 when a reader takes too long, and stays alive when that reader fails later', async () => {
    const late = Promise.withResolvers<never>();
    const asked = { times: 0 };
    const status = {
      read() {
        asked.times += 1;
        return late.promise;
      },
    };
    const { url } = await serve({ status, answerMsMax: 50 });
    expect((await get(url)).status).toBe(503);
    expect(asked.times).toBe(1);
    late.reject(new Error('late'));
    expect((await get(`${url}livez`)).status).toBe(200);
  });

  it('filters by the query string and says the same as JSON', async () => {
    const { url } = await serve();
    const data = JSON.parse((await get(`${url}status.json?state=suspect`)).body);
    expect(data).toMatchObject({
      matching: 1,
      states: { suspect: 1 },
      connections: [{ id: 'troubled/suspect', reason: 'invalid_grant', actor: 'customer' }],
    });
    const page = await get(`${url}?state=suspect`);
    expect(page.body).toContain('troubled/suspect');
    expect(page.body).not.toContain('troubled/blocked');
  });

  it('says which address is taken', async () => {
    const { port } = await serve();
    await expect(serve({ port })).rejects.toSatisfy(
      (error) => hasCode(error, 'config_invalid') && String(error).includes(String(port)),
    );
  });

  it('stops although a client holds its connection open, and then refuses new ones', async () => {
    const { server, port, url } = await serve();
    const idle = connect(port, '127.0.0.1');
    await new Promise((connected) => idle.once('connect', connected));
    const closed = new Promise((done) => idle.once('close', done));
    idle.on('error', () => undefined);
    idle.write('GET / HTTP/1.1\r\nHost: localhost\r\n');
    await server.stop();
    await closed;
    await expect(get(url)).rejects.toThrow(/ECONNREFUSED/);
  });
});
