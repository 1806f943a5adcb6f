/** Ports for what is started on loopback and bound a moment later. */
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { freePort } from '../../src/queue/free-port.ts';
import { hasCode } from '../../src/runtime/errors.ts';
import { seededRandom } from '../../src/runtime/random.ts';

test('a port lies below those a system hands out by itself, so that none comes by it before it is bound', async () => {
  const random = seededRandom(1);
  for (let drawn = 0; drawn < 200; drawn++) {
    const port = await freePort(random);
    expect(port).toBeGreaterThanOrEqual(10_000);
    expect(port).toBeLessThan(32_768);
  }
});

test('a port somebody listens on is passed over, and where there is no other that is said', async () => {
  const taken = await freePort(seededRandom(2));
  const server = createServer();
  await new Promise<void>((listening) => server.listen(taken, '127.0.0.1', listening));
  try {
    expect(await freePort(seededRandom(2))).not.toBe(taken);
    const always = { ...seededRandom(2), fraction: () => (taken - 10_000 + 0.5) / 22_768 };
    await expect(freePort(always)).rejects.toSatisfy((error) => hasCode(error, 'redis_unavailable'));
  } finally {
    await new Promise((closed) => server.close(closed));
  }
});
