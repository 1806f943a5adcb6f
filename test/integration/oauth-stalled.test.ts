/** A process that stood still (a long collection, SIGSTOP, a paused machine) past its own limit, while the answer came. */
import { once } from 'node:events';
import { stat } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { send } from '../support/raw-peer.ts';

/** A server on a thread of its own: it answers while this one stands still. */
const server = `
  const { createServer } = require('node:net');
  const { parentPort } = require('node:worker_threads');
  const body = JSON.stringify({ access_token: 'PLTOKEN-a', refresh_token: 'PLTOKEN-next', token_type: 'Bearer' });
  const answer = 'HTTP/1.1 200 OK\\r\\nContent-Type: application/json\\r\\nContent-Length: ' + body.length + '\\r\\n\\r\\n' + body;
  const asked = new Int32Array(new SharedArrayBuffer(4));
  createServer((socket) => {
    socket.on('error', () => {});
    let received = '';
    socket.on('data', (bytes) => {
      received += bytes;
      if (!received.includes('refresh_token=token-1')) return;
      setTimeout(() => socket.write(answer, () => {
        Atomics.store(asked, 0, 1);
        Atomics.notify(asked, 0);
      }), 300);
    });
  }).listen(0, '127.0.0.1', function () {
    parentPort.postMessage({ port: this.address().port, asked });
  });
`;

let thread: Worker;
let port: number;
let answered: Int32Array;
beforeEach(async () => {
  thread = new Worker(server, { eval: true });
  const [hello] = (await once(thread, 'message')) as [{ port: number; asked: Int32Array }];
  port = hello.port;
  answered = hello.asked;
});
afterEach(async () => {
  await thread.terminate();
});

test('an answer that lies in our buffer when the limit is found to be over is read, not thrown away', async () => {
  const limits = { connectMs: 1_000, totalMs: 1_000 };
  const exchange = send(`http://127.0.0.1:${port}/token`, { limits });
  // The request leaves with the loop's next turns; then, in the middle of other work of ours, nothing runs any more
  // until the answer has come and the limit is over.
  for (let turn = 0; turn < 50; turn++) await new Promise((next) => setImmediate(next));
  const stood = Promise.withResolvers<string>();
  stat('.', () => {
    stood.resolve(Atomics.wait(answered, 0, 0, 5_000));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_200);
  });
  expect(await stood.promise).not.toBe('timed-out');
  expect(await exchange).toMatchObject({ kind: 'answered', answer: { status: 200, complete: true } });
});
