/** Failures that prove that no byte of a request left: the token is unspent. And TLS, which is never optional. */
import { createServer, type TLSSocket } from 'node:tls';
import { afterEach, describe, expect, test } from 'vitest';
import type { TokenEndpointOptions } from '../../src/oauth/token-endpoint.ts';
import { answering, closePeers, peer, send, sendTo } from '../support/raw-peer.ts';
import { selfSigned } from '../support/self-signed.ts';

const tlsPeers: (() => Promise<void>)[] = [];
afterEach(async () => {
  await closePeers();
  for (const close of tlsPeers.splice(0)) await close();
});

describe('nothing was sent', () => {
  test('when the connection is refused', async () => {
    const closed = await peer(() => {});
    await closePeers();
    expect(await sendTo(closed)).toEqual({ kind: 'notSent', label: 'connection_refused' });
  });

  test('when the name does not exist', async () => {
    const resolve: TokenEndpointOptions['resolve'] = (_name, _options, found) =>
      found(Object.assign(new Error('no'), { code: 'ENOTFOUND' }), []);
    expect(await send('https://idp.example/token', { resolve })).toEqual({ kind: 'notSent', label: 'dns_not_found' });
  });

  test.each([
    '127.0.0.1',
    '10.1.2.3',
    '169.254.169.254',
    '192.168.0.1',
    '::1',
    'fd00::1',
    '::ffff:10.0.0.1',
    '0.0.0.0',
  ])('when the name leads to the private address %s', async (address) => {
    const addresses = [
      { address: '93.184.216.34', family: 4 },
      { address, family: address.includes(':') ? 6 : 4 },
    ];
    const resolve: TokenEndpointOptions['resolve'] = (_name, _options, found) => found(null, addresses);
    expect(await send('https://idp.example/token', { resolve })).toEqual({ kind: 'notSent', label: 'private_address' });
  });

  test('when the server speaks no TLS', async () => {
    const plain = await peer(answering('HTTP/1.1 400 Bad Request\r\n\r\n'), true);
    const exchange = await send(`https://127.0.0.1:${plain.port}/token`);
    expect(exchange).toEqual({ kind: 'notSent', label: 'tls_failed' });
    expect(plain.received.join('')).not.toContain('token-1');
  });

  test('when TLS does not finish within the connect limit', async () => {
    const mute = await peer(() => {}, true);
    const limits = { connectMs: 50 };
    expect(await send(`https://127.0.0.1:${mute.port}/token`, { limits })).toEqual({
      kind: 'notSent',
      label: 'connect_timeout',
    });
  });
});

describe('over TLS', () => {
  async function tlsPeer(names: readonly string[]) {
    const { key, cert } = selfSigned(names);
    const received: string[] = [];
    const sockets = new Set<TLSSocket>();
    const server = createServer({ key, cert }, (socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('data', (bytes) => {
        received.push(bytes.toString('latin1'));
        if (received.join('').includes('refresh_token=token-1'))
          socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}');
      });
    });
    server.on('tlsClientError', () => {});
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    tlsPeers.push(async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => server.close(closed));
    });
    return { port: (server.address() as { port: number }).port, cert, received };
  }

  test('a certificate of a trusted authority for this name is accepted', async () => {
    const server = await tlsPeer(['localhost']);
    const exchange = await send(`https://localhost:${server.port}/token`, { trustedCa: server.cert });
    expect(exchange).toMatchObject({ kind: 'answered', answer: { status: 200, complete: true } });
    expect(server.received.join('')).toContain('token-1');
  });

  test.each([
    ['of an authority nobody knows', ['localhost'], false],
    ['for another name', ['other.example'], true],
  ])('a certificate %s ends it before a byte of the request is sent', async (_title, names, trusted) => {
    const server = await tlsPeer(names);
    const options = trusted ? { trustedCa: server.cert } : {};
    expect(await send(`https://localhost:${server.port}/token`, options)).toEqual({
      kind: 'notSent',
      label: 'tls_certificate',
    });
    expect(server.received).toEqual([]);
  });
});
