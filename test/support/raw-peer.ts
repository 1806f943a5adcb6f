/** Servers that say exactly what a test tells them to, and a token endpoint that talks to them. */
import { createServer, type Server, type Socket } from 'node:net';
import { createTokenEndpoint, type TokenEndpointOptions } from '../../src/oauth/token-endpoint.ts';
import type { Exchange } from '../../src/rotation/ports.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { seededRandom } from '../../src/runtime/random.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { providerFile } from './provider-files.ts';

const servers: Server[] = [];
const sockets = new Set<Socket>();
/** Ends every peer. */
export async function closePeers(): Promise<void> {
  for (const socket of sockets) socket.destroy();
  await Promise.all(servers.splice(0).map((server) => new Promise((closed) => server.close(closed))));
}

export interface Peer {
  readonly port: number;
  /** Everything each connection sent. */
  readonly received: string[];
}

/** A server that hands each connection to `behave` once a whole request arrived (or at once with `early`). */
export async function peer(behave: (socket: Socket) => void, early = false): Promise<Peer> {
  const received: string[] = [];
  const server = createServer({ noDelay: true }, (socket) => {
    const at = received.push('') - 1;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      const whole = /refresh_token=token-1/.test(received[at] ?? '');
      received[at] += bytes.toString('latin1');
      if (!early && !whole && /refresh_token=token-1/.test(received[at] ?? '')) behave(socket);
    });
    if (early) behave(socket);
  });
  servers.push(server);
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return { port: (server.address() as { port: number }).port, received };
}

/** Posts the refresh token `token-1` to a URL. */
export function send(tokenUrl: string, options: Partial<TokenEndpointOptions> = {}): Promise<Exchange> {
  const endpoint = createTokenEndpoint({
    clock: systemClock(),
    random: seededRandom(1),
    userAgent: 'Pilotlight/test',
    ...options,
  });
  const provider = providerFile('oauth2', { environments: { production: { tokenUrl } } });
  const subject = { provider, environment: 'production', refreshToken: new Secret('token-1') };
  return endpoint.send(endpoint.prepare(subject, { clientId: 'id', clientSecret: new Secret('secret') }));
}

export const sendTo = ({ port }: Peer, options?: Partial<TokenEndpointOptions>) =>
  send(`http://127.0.0.1:${port}/token`, options);
export const answering = (text: string | Buffer) => (socket: Socket) => void socket.end(text);
export const head = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n';
