/** TLS before the sandbox: decrypts, hands on, and knows of each connection how many bytes of a request it could read. */
import { connect } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import { selfSigned } from '../../support/self-signed.ts';

/** How much of a request could be decrypted. */
export interface Readable {
  bytes: number;
}

export interface TlsFront {
  readonly port: number;
  /** Trust this. */
  readonly ca: string;
  /** The latest connection that came from this port: ports come round again. */
  connectionFrom(port: number): Readable | undefined;
  stop(): Promise<void>;
}

export async function startTlsFront(
  to: { readonly host: string; readonly port: number },
  name: string,
): Promise<TlsFront> {
  const { key, cert } = selfSigned([name]);
  const read = new Map<number, Readable>();
  const sockets = new Set<{ destroy(): void }>();
  const server = createServer({ key, cert }, (near: TLSSocket) => {
    const far = connect(to);
    const readable = read.get(near.remotePort ?? 0);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        near.destroy();
        far.destroy();
        sockets.delete(socket);
      });
    }
    near.on('data', (chunk: Buffer) => {
      if (readable !== undefined) readable.bytes += chunk.length;
    });
    near.pipe(far).pipe(near);
  });
  server.on('connection', (socket) => {
    read.set(socket.remotePort ?? 0, { bytes: 0 });
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  // A handshake that is cut short is what happens here all the time.
  server.on('tlsClientError', (_, socket) => socket.destroy());
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    port: (server.address() as { port: number }).port,
    ca: cert,
    connectionFrom: (port) => read.get(port),
    async stop() {
      const closed = new Promise((done) => server.close(done));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
