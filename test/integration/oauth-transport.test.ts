/** The transport against servers that misbehave once they have the request: unanswered, answered, and never followed. */
import { afterEach, describe, expect, test } from 'vitest';
import { createTokenEndpoint } from '../../src/oauth/token-endpoint.ts';
import type { Exchange } from '../../src/rotation/ports.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { seededRandom } from '../../src/runtime/random.ts';
import { answering, closePeers, head, peer, sendTo } from '../support/raw-peer.ts';

afterEach(closePeers);

describe('sent, and nothing readable came back', () => {
  test('when the connection is reset after the request', async () => {
    const server = await peer((socket) => void socket.resetAndDestroy());
    expect(await sendTo(server)).toEqual({ kind: 'unanswered', label: 'connection_reset' });
    expect(server.received).toHaveLength(1);
  });

  test('when the connection is accepted and closed at once', async () => {
    const server = await peer((socket) => void socket.destroy(), true);
    expect(await sendTo(server)).toMatchObject({ kind: 'unanswered' });
  });

  test('when no answer comes within the limit', async () => {
    const server = await peer(() => {});
    expect(await sendTo(server, { limits: { totalMs: 80 } })).toEqual({ kind: 'unanswered', label: 'timeout' });
  });

  test.each([
    ['half a status line', 'HTTP/1.', 'connection_reset'],
    ['another protocol', 'SSH-2.0-OpenSSH\r\n', 'http_malformed'],
    ['more than 16 KB of headers', `${head}X-A: ${'a'.repeat(20_000)}\r\n\r\n{}`, 'headers_too_large'],
    ['a broken header', `${head}X-A\u0000: b\r\n\r\n{}`, 'http_malformed'],
    [
      'switching of protocols',
      'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n',
      'http_malformed',
    ],
    ['only a 100', 'HTTP/1.1 100 Continue\r\n\r\n', 'connection_reset'],
  ])('when %s comes back', async (_title, text, label) => {
    const server = await peer(answering(text));
    expect(await sendTo(server)).toEqual({ kind: 'unanswered', label });
  });
});

describe('answered', () => {
  function answerOf(exchange: Exchange) {
    if (exchange.kind !== 'answered') throw new Error(`${exchange.kind} ${exchange.label}`);
    return { ...exchange.answer, body: exchange.answer.body.toString('latin1') };
  }

  test('with everything the reader needs, and nothing else', async () => {
    const server = await peer(
      answering(`${head}Content-Length: 2\r\nX-Request-Id: r-1\r\nSet-Cookie: a=b\r\nRetry-After: 5\r\n\r\n{}`),
    );
    expect(answerOf(await sendTo(server))).toEqual({
      status: 200,
      headers: { 'content-type': 'application/json', 'x-request-id': 'r-1', 'retry-after': '5' },
      body: '{}',
      complete: true,
      receivedAt: expect.any(Number),
    });
    expect(server.received[0]).toMatch(/^POST \/token HTTP\/1\.1\r\n/);
    expect(server.received[0]).toMatch(new RegExp(`\r\nhost: 127.0.0.1:${server.port}\r\n`, 'i'));
    expect(server.received[0]).toMatch(/\r\nconnection: close\r\n/i);
    expect(server.received[0]).toMatch(/\r\ncontent-length: \d+\r\n/i);
    expect(server.received[0]).not.toMatch(/transfer-encoding|cookie|expect/i);
  });

  test.each([
    [
      'a length that is not reached',
      `${head}Content-Length: 100\r\n\r\n{"refresh_token":"new-`,
      '{"refresh_token":"new-',
    ],
    ['chunks that break off', `${head}Transfer-Encoding: chunked\r\n\r\n5\r\n{"a":\r\n`, '{"a":'],
    ['a broken chunk', `${head}Transfer-Encoding: chunked\r\n\r\n5\r\n{"a":\r\nZZ\r\n`, '{"a":'],
  ])('cut short by %s', async (_title, text, body) => {
    const server = await peer(answering(text));
    expect(answerOf(await sendTo(server))).toMatchObject({ status: 200, body, complete: false });
  });

  test('cut short by a reset in the middle', async () => {
    const server = await peer(
      (socket) => void socket.write(`${head}Content-Length: 100\r\n\r\n{"a"`, () => socket.resetAndDestroy()),
    );
    expect(await sendTo(server)).toMatchObject({ kind: expect.stringMatching(/^(answered|unanswered)$/) });
  });

  test('cut short by the limit while bytes drip', async () => {
    const server = await peer((socket) => {
      socket.write(`${head}Content-Length: 1000\r\n\r\n{"refresh_token":"new"`);
    });
    const answer = answerOf(await sendTo(server, { limits: { totalMs: 150 } }));
    expect(answer).toMatchObject({ complete: false, body: '{"refresh_token":"new"' });
  });

  test('cut at the most bytes taken, however much is sent', async () => {
    const server = await peer((socket) => {
      socket.write(`${head}\r\n`);
      const pump = () => {
        while (!socket.destroyed && socket.write('x'.repeat(65_536)));
      };
      socket.on('drain', pump);
      pump();
    });
    const answer = answerOf(await sendTo(server, { limits: { bodyBytesMax: 100_000 } }));
    expect(answer.complete).toBe(false);
    expect(answer.body).toHaveLength(100_000);
  });

  test('whole where only the end of the connection ends the body', async () => {
    const server = await peer(answering(`${head}\r\n{"a":1}`));
    expect(answerOf(await sendTo(server))).toMatchObject({ body: '{"a":1}', complete: true });
  });

  test('after early hints', async () => {
    const server = await peer(
      answering(`HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${head}Content-Length: 2\r\n\r\n{}`),
    );
    expect(answerOf(await sendTo(server))).toMatchObject({ status: 200, body: '{}', complete: true });
  });

  test('before the request was read to its end', async () => {
    const server = await peer(
      answering('HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n'),
      true,
    );
    expect(await sendTo(server)).toMatchObject({ kind: expect.stringMatching(/^(answered|unanswered)$/) });
  });

  test('with bytes still compressed, for the seal to hold what came', async () => {
    const bytes = Buffer.from([0x1f, 0x8b, 0x08, 0x00]);
    const server = await peer(
      answering(Buffer.concat([Buffer.from(`${head}Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\n`), bytes])),
    );
    expect(answerOf(await sendTo(server))).toMatchObject({
      headers: { 'content-encoding': 'gzip' },
      body: bytes.toString('latin1'),
    });
  });

  test.each([301, 302, 303, 307, 308])('%i, and nobody follows it', async (status) => {
    const elsewhere = await peer(answering(`${head}Content-Length: 2\r\n\r\n{}`));
    const location = `http://127.0.0.1:${elsewhere.port}/steal`;
    const server = await peer(
      answering(`HTTP/1.1 ${status} Moved\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`),
    );
    expect(answerOf(await sendTo(server))).toMatchObject({ status, complete: true });
    expect(elsewhere.received).toEqual([]);
    expect(server.received).toHaveLength(1);
  });
});

test('each request has a connection of its own, even where the server would keep one', async () => {
  const server = await peer(
    (socket) => void socket.write(`${head}Connection: keep-alive\r\nContent-Length: 2\r\n\r\n{}`),
  );
  await sendTo(server);
  await sendTo(server);
  expect(server.received).toHaveLength(2);
});

test('a sandbox anywhere but on this machine is refused', () => {
  for (const url of ['http://10.0.0.1:80', 'http://sandbox.example', 'https://127.0.0.1']) {
    const make = () => createTokenEndpoint({ clock: systemClock(), random: seededRandom(1), connectTo: new URL(url) });
    expect(make).toThrow(expect.objectContaining({ code: 'config_invalid' }));
  }
});
