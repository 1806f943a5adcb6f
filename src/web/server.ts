/**
 * The web server's life: which routes it has, where it listens, how it ends. It goes on answering while the process drains and
 * ends only when it is stopped, last of all. It changes nothing itself; routes of other rooms may. Where probes and metrics
 * have a port of their own, no page is on it and they are on no other: what an ingress reaches tells nothing of the process.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../runtime/clock.ts';
import { errorLabel, PilotlightError } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import { createListener } from './dispatch.ts';
import type { HealthReader, Route, StatusReader } from './ports.ts';
import { type LoopLag, measureLoopLag, probeRoutes } from './probes.ts';
import { statusRoutes } from './status-routes.ts';

export interface WebServerOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Probes and metrics are here and nowhere else; with the pages where absent. 0: any free port. */
  readonly healthPort?: number | undefined;
  readonly health: HealthReader;
  readonly metrics: { render(): Promise<{ readonly contentType: string; readonly body: string }> };
  readonly status: StatusReader;
  /** Serve the status page and /status.json. */
  readonly statusPage: boolean;
  /** Name of the install, shown on the page. */
  readonly environment: string;
  readonly logger: Logger;
  readonly clock: Pick<Clock, 'sleep'>;
  /** Routes of other rooms. */
  readonly routes?: readonly Route[];
  /** Further names the Host header may carry. Given, they are asked for on every address, not only on loopback. */
  readonly allowedHosts?: readonly string[];
  /** How long a route may take, ms. Default 10 s. */
  readonly answerMsMax?: number;
  /** The event loop's lag; measured when absent. */
  readonly lag?: LoopLag;
}

export interface WebServer {
  /** Throws config_invalid where the address is taken or not ours. */
  start(): Promise<{
    readonly url: string;
    /** Where probes and metrics are. */
    readonly healthUrl: string;
  }>;
  /** Ends open requests within a second, then cuts them off. */
  stop(): Promise<void>;
}

const stopGraceMs = 1_000;
/** Probes, one scraper and a few people; what is more waits in the kernel's queue. */
const connectionsMax = 256;

export function createWebServer(options: WebServerOptions): WebServer {
  const servers: Server[] = [];
  let lag: LoopLag | undefined;
  async function serve(port: number, routes: readonly Route[]): Promise<string> {
    const server = createServer(limits, createListener(options, new Map(routes.map((route) => [route.path, route]))));
    server.maxConnections = connectionsMax;
    servers.push(server);
    await listen(server, options.host, port);
    const { port: taken } = server.address() as AddressInfo;
    return `http://${options.host.includes(':') ? `[${options.host}]` : options.host}:${taken}/`;
  }
  async function stop(): Promise<void> {
    lag?.stop();
    await Promise.all(
      servers.splice(0).map((server) => (server.listening ? close(server, options.clock) : Promise.resolve())),
    );
  }
  return {
    stop,
    async start() {
      lag = options.lag ?? measureLoopLag();
      const [pages, health] = [pageRoutes(options), healthRoutes(options, lag)];
      try {
        if (options.healthPort === undefined) {
          const url = await serve(options.port, [...health, ...pages]);
          return { url, healthUrl: url };
        }
        const url = await serve(options.port, pages);
        return { url, healthUrl: await serve(options.healthPort, health) };
      } catch (error) {
        await stop();
        throw error;
      }
    },
  };
}

/** Slow and large requests end early; nothing sent to us is long. */
const limits = {
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 2_000,
  maxHeaderSize: 8_192,
  noDelay: true,
};

function healthRoutes(options: WebServerOptions, lag: LoopLag): readonly Route[] {
  const metrics: Route = {
    path: '/metrics',
    handle: async () => ({ status: 200, ...(await options.metrics.render()) }),
  };
  return [...probeRoutes(options.health, lag), metrics];
}

function pageRoutes({ status, environment, statusPage, routes = [], logger }: WebServerOptions): readonly Route[] {
  const onFailure = (label: string) => logger.warn('web.status_unreadable', { error: label });
  return [...(statusPage ? statusRoutes({ status, environment, onFailure }) : []), ...routes];
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((started, failed) => {
    const onError = (cause: unknown) =>
      failed(
        new PilotlightError(
          'config_invalid',
          `cannot listen on ${host} port ${port} (${errorLabel(cause)}); choose another host or port`,
          { cause },
        ),
      );
    server.once('error', onError);
    server.listen(port, host, () => {
      server.off('error', onError);
      started();
    });
  });
}

async function close(server: Server, clock: Pick<Clock, 'sleep'>): Promise<void> {
  const ended = new AbortController();
  const closed = new Promise<void>((done) => {
    server.close(() => {
      ended.abort();
      done();
    });
  });
  server.closeIdleConnections();
  clock.sleep(stopGraceMs, ended.signal).then(
    () => server.closeAllConnections(),
    () => undefined,
  );
  await closed;
}
