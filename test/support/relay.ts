/** A TCP relay whose other side a test takes away and brings back: whoever connects meanwhile is turned away at once. */
import { connect, createServer, type Socket } from 'node:net';

export interface Relay {
  readonly port: number;
  /** Lets connections through from now on. */
  open(): void;
  /** Cuts every connection and turns new ones away. */
  cut(): void;
  stop(): Promise<void>;
}

/** Starts closed. */
export async function startRelay(to: { readonly host: string; readonly port: number }): Promise<Relay> {
  let through = false;
  const sockets = new Set<Socket>();
  const track = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
  };
  const server = createServer((near) => {
    track(near);
    if (!through) return near.resetAndDestroy();
    const far = connect(to);
    track(far);
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const cut = () => {
    through = false;
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as { port: number }).port,
    open: () => {
      through = true;
    },
    cut,
    async stop() {
      const closed = new Promise((done) => server.close(done));
      cut();
      await closed;
    },
  };
}
