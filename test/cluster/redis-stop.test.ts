/** Told to stop while every server of a Cluster, or every server behind the Sentinels and they too, is gone or hangs. */
import { afterEach, describe, expect, test } from 'vitest';
import { createClosers } from '../../src/runtime/closers.ts';
import type { RedisProcess } from '../support/redis-process.ts';
import { type Topology, topologies } from '../support/redis-topology.ts';
import { expectEndsSoon, type Place, startService } from '../support/service-process.ts';

const closers = createClosers();
afterEach(() => closers.closeAll());

/** A worker waits for jobs: that is what a lost Redis leaves hanging. */
async function untilWaiting({ holder }: Topology): Promise<void> {
  const waits = async () => String(await (await holder()).admin.client('LIST')).includes('cmd=bzpopmin');
  await expect.poll(waits, { timeout: 60_000 }).toBe(true);
}

describe.each(topologies)('on %s', (_name, start) => {
  test.for<[how: string, lose: (server: RedisProcess) => unknown]>([
    ['gone', (server) => server.kill()],
    ['hanging', (server) => server.pause()],
  ])('every server %s: ends soon, and well', { timeout: 120_000 }, async ([, lose]) => {
    const topology = await start();
    closers.push('topology', () => topology.stop());
    const service = startService(topology.redis as Place, closers);
    await service.said('service.started');
    await untilWaiting(topology);
    await Promise.all([...topology.servers, ...topology.sentinels].map(lose));
    await expectEndsSoon(service);
  });
});
