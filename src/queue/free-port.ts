import { createServer } from 'node:net';
import { PilotlightError } from '../runtime/errors.ts';
import type { Random } from '../runtime/random.ts';

/**
 * Below the ports a system hands out by itself (Linux from 32768, others from 49152): a connection somebody opens, or a
 * server that asks for any port, never comes by one that was chosen here and is not bound yet.
 */
const firstPort = 10_000;
const portsEnd = 32_768;
const attemptsMax = 100;

/** A loopback port nobody listens on at the moment, drawn by chance. Throws redis_unavailable where none is found. */
export async function freePort(random: Random): Promise<number> {
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const port = firstPort + Math.floor(random.fraction() * (portsEnd - firstPort));
    if (await isFree(port)) return port;
  }
  throw new PilotlightError('redis_unavailable', 'no free loopback port for the private Redis');
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(false) : reject(error),
    );
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
