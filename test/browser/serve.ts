/** Real web servers over fake readers, and a plain client, for the tests of the web room. Whatever is started is stopped. */
import { request } from 'node:http';
import { systemClock } from '../../src/runtime/clock.ts';
import { createLogger } from '../../src/telemetry/log.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import type { HealthReader, Readiness } from '../../src/web/ports.ts';
import { createWebServer, type WebServer, type WebServerOptions } from '../../src/web/server.ts';
import { fakeEntries, fakeStatus } from './fake-status.ts';

const running: WebServer[] = [];

/** Stops every server a test started. */
export async function stopServers(): Promise<void> {
  await Promise.all(running.splice(0).map((server) => server.stop()));
}

export const ready: Readiness = { phase: 'running', checks: [{ name: 'redis', ok: true }] };

export function healthOf(
  over: Partial<{ readiness: Readiness; beats: ReturnType<HealthReader['heartbeats']> }> = {},
): HealthReader {
  return {
    heartbeats: () => over.beats ?? [{ name: 'sweep', ageMs: 10, ageMsMax: 60_000 }],
    readiness: () => over.readiness ?? ready,
  };
}

/** A web server on a free port of loopback, with its log lines. */
export async function serve(over: Partial<WebServerOptions> = {}) {
  const lines: string[] = [];
  const server = createWebServer({
    host: '127.0.0.1',
    port: 0,
    health: healthOf(),
    metrics: createMetrics({
      providers: ['docusign'],
      queues: [],
      build: { version: '0', commit: '0', node: '0' },
      runtimeMetrics: false,
    }),
    status: fakeStatus(fakeEntries()),
    statusPage: true,
    environment: 'test',
    logger: createLogger({ level: 'debug', destination: { write: (line) => lines.push(line) }, clock: systemClock() }),
    clock: systemClock(),
    lag: { takeMaxMs: () => 0, stop() {} },
    ...over,
  });
  running.push(server);
  const { url, healthUrl } = await server.start();
  return { server, url, healthUrl, lines, port: Number(new URL(url).port) };
}

export interface Got {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: string;
}

export function get(
  url: string,
  options: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Got> {
  return new Promise((done, failed) => {
    const sent = request(
      url,
      { method: options.method ?? 'GET', headers: options.headers ?? {}, agent: false },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('end', () =>
          done({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts).toString() }),
        );
        response.on('error', failed);
      },
    );
    sent.on('error', failed);
    sent.end(options.body);
  });
}
