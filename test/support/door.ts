/**
 * A door in front of a server: shut, its port is closed and whoever knocks is refused, as where nothing listens; open, it lets
 * everything through. The port stays the same, so that what was configured once finds the server again.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { freePort } from './free-port.ts';

export interface Door {
  readonly port: number;
  open(): Promise<void>;
  /** Cuts every connection as well. */
  shut(): Promise<void>;
  /** Connections let through so far. */
  through(): number;
}

/** Shut at first. `to` is asked at each connection, so that another server may stand behind it later. */
export async function makeDoor(to: () => number): Promise<Door> {
  const port = await freePort();
  const sockets = new Set<Socket>();
  let server: Server | undefined;
  let through = 0;
  const track = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
  };
  return {
    port,
    through: () => through,
    async open() {
      if (server !== undefined) return;
      const opened = createServer((near) => {
        through += 1;
        track(near);
        const far = connect(to(), '127.0.0.1');
        track(far);
        near.on('close', () => far.destroy());
        far.on('close', () => near.destroy());
        near.pipe(far).pipe(near);
      });
      server = opened;
      await listening(opened, port);
    },
    async shut() {
      const closing = server;
      server = undefined;
      if (closing === undefined) return;
      const closed = new Promise((done) => closing.close(done));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function listening(server: Server, port: number): Promise<void> {
  return new Promise((done, failed) => {
    server.once('error', failed);
    server.listen(port, '127.0.0.1', () => done());
  });
}
