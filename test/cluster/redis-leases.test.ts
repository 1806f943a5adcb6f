/**
 * Leases after a failover, on real servers: a replica that took over may lack the last of them, so for the length of one
 * it grants none; a primary that was deposed and is back is no better; and the mirror is filled again from the disk.
 */
import { afterEach, describe, expect, test } from 'vitest';
import type { App } from '../../src/app.ts';
import { createLeases } from '../../src/queue/leases.ts';
import type { LeaseAnswer } from '../../src/rotation/ports.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { silentLogger } from '../../src/runtime/logger.ts';
import { systemRandom } from '../../src/runtime/random.ts';
import { until } from '../support/redis-process.ts';
import { type Topology, topologies, withTopology } from '../support/redis-topology.ts';
import { day, minute, type Rig, startRig } from '../support/rig.ts';

const clock = systemClock();
const soon = { timeout: 60_000 };
let rig: Rig;
let topology: Topology;
afterEach(async () => {
  await rig.stop();
  await topology.stop();
});

describe.each(topologies)('on %s', (_name, start) => {
  const leaseMs = 3_000;
  const word = (answer: LeaseAnswer) => ('refused' in answer ? answer.refused : 'granted');

  async function startApp(): Promise<App> {
    topology = await start();
    rig = await startRig({ change: withTopology(topology) });
    return rig.start({ role: 'worker' });
  }

  /** Asks until the word is another one; answers how long that took. */
  async function youngFor(acquire: () => Promise<LeaseAnswer>): Promise<number> {
    await until('the new server says that it is young', async () => word(await acquire()) === 'epoch_young');
    const from = clock.monotonic();
    await until('a lease is granted', async () => word(await acquire()) === 'granted');
    return clock.monotonic() - from;
  }

  test('no lease for the length of one after each change of servers, back to the first one included', async () => {
    const { services } = await startApp();
    const leases = createLeases({
      redis: services.redis.redis,
      clock,
      random: systemRandom(),
      logger: silentLogger,
      leaseMs,
    });
    let asked = 0;
    const acquire = () => leases.acquire(`c${asked++}`, { ms: 500, passCoolDown: false });
    await topology.ageEpoch();
    await until('Redis is reached', async () => word(await acquire()) === 'granted');
    const first = await topology.holder();
    first.pause();
    const second = await topology.failedOver(first);
    const waitedMs = await youngFor(acquire);
    expect(waitedMs).toBeGreaterThan(leaseMs / 2);
    // The first is no primary any more, with the run id that the epoch knows, and takes over once more.
    first.resume();
    await until('the first follows the second', async () => {
      const info = await first.admin.info('replication');
      return info.includes('role:slave') && info.includes('master_link_status:up');
    });
    second.pause();
    expect(await topology.failedOver(second)).toBe(first);
    expect(await youngFor(acquire)).toBeGreaterThan(leaseMs / 2);
    second.resume();
  });

  test('an open record is in the mirror again before a lease is granted, and is finished then', async () => {
    const app = await startApp();
    await topology.ageEpoch();
    rig.connect({ provider: 'docusign', connection: 'acme', scope: 'signature extended' });
    rig.clock.turn(15 * day);
    const away = rig.double.faults.add({
      op: ['PutSecretValue'],
      secret: 'acme',
      skip: 1,
      times: 1_000,
      what: { error: 'InternalServiceError', status: 500 },
    });
    const sealed = rig.next('acme', ({ outcome }) => outcome === 'sealed');
    await app.queues.add('docusign', [{ connection: 'acme', reason: 'manual' }]);
    await sealed;
    expect(away.fired()).toBeGreaterThan(0);
    const first = await topology.holder();
    await first.kill();
    const second = await topology.failedOver(first);
    // What had not been replicated is gone: here everything.
    await second.admin.flushall();
    await expect.poll(() => second.admin.smembers('{pilotlight}:spools'), soon).toEqual(['acme']);
    expect(await second.admin.exists('{pilotlight}:lease:acme')).toBe(0);
    away.remove();
    await expect
      .poll(async () => {
        rig.clock.turn(minute);
        return (await rig.spoolFiles()).length;
      }, soon)
      .toBe(0);
    expect(rig.document('acme').refresh_token).toBe(rig.sandbox.oracle.liveToken('acme'));
    expect(rig.sandbox.oracle.presentations('acme')).toHaveLength(1);
    expect(rig.sandbox.oracle.doubleSpends()).toEqual([]);
  });
});
