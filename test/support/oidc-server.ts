/**
 * An OAuth server written by others, on loopback: npm oidc-provider with rotation on, where a refresh token shown twice
 * revokes the whole grant.
 */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Provider } from 'oidc-provider';

export interface OidcServer {
  readonly issuer: Provider;
  /** Its issuer, and where its endpoints begin. */
  readonly base: string;
  stop(): Promise<void>;
}

export interface OidcServerOptions {
  readonly clients: readonly Record<string, unknown>[];
  readonly features: Record<string, unknown>;
  /** Where it keeps what it issued: makes a store for one kind of thing. Its own forgets all but the latest thousand. */
  readonly adapter?: (kind: string) => object;
  /** Lifetimes in seconds beside those all tests need. */
  readonly ttl?: Readonly<Record<string, number>>;
  /** Sees each request before the server does. */
  readonly watch?: (request: IncomingMessage) => void;
}

export async function startOidcServer(options: OidcServerOptions): Promise<OidcServer> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const issuer = new Provider(base, {
    clients: options.clients.map((one) => ({
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      ...one,
    })),
    features: options.features,
    ...(options.adapter === undefined ? {} : { adapter: options.adapter }),
    findAccount: (_context: unknown, id: string) => ({ accountId: id, claims: () => ({ sub: id }) }),
    rotateRefreshToken: true,
    scopes: ['openid', 'offline_access'],
    ttl: { RefreshToken: 30 * 86_400, AccessToken: 3_600, Grant: 60 * 86_400, IdToken: 3_600, ...options.ttl },
  });
  const answer = issuer.callback();
  server.on('request', (request, response) => {
    options.watch?.(request);
    answer(request, response);
  });
  return {
    issuer,
    base,
    async stop() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}
