/**
 * `pilotlight spool` beside the real service, on its folder and its Redis: what it shows is there, what it flushes reaches
 * the store, and the worker it works beside loses nothing and takes nothing for broken.
 */
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Config } from '../../config/derive.ts';
import { openSpoolForCommand } from '../../src/opened-spool.ts';
import { systemRandom } from '../../src/runtime/random.ts';
import { loadKeyring } from '../../src/spool/keys.ts';
import { documentOf, pilotlight } from '../support/cli.ts';
import { day, type Rig, startRig } from '../support/rig.ts';

let rig: Rig;
beforeEach(async () => {
  // The worker's own recovery runs when it starts and then not again: what is finished, the command has finished.
  rig = await startRig({ change: (config) => ({ ...config, schedule: { ...config.schedule, recover: '0 0 1 1 *' } }) });
  rig.connect({ provider: 'docusign', connection: 'acme', scope: 'signature extended' });
  rig.clock.turn(15 * day);
});
afterEach(() => rig.stop());

async function spool(command: string, config: Config = rig.config) {
  const loaded = { ok: true, config, redisUrl: rig.redis.url, inKubernetes: false, sources: [] } as const;
  const openSpool = () => openSpoolForCommand(loaded, rig.deps, { metrics: rig.metrics });
  const called = await pilotlight(['spool', command, '-o', 'json'], {}, { openSpool, clock: rig.clock });
  expect(called.out + called.err).not.toContain('PLTOKEN');
  return { ...called, document: documentOf(called) };
}

const rotated = () => rig.next('acme', ({ outcome }) => outcome === 'rotated');

/** A worker whose answer is sealed and cannot reach the store. */
async function sealed() {
  const down = rig.double.faults.add({
    ...{ op: 'PutSecretValue', secret: 'acme', skip: 1, times: 1_000 },
    what: { error: 'InternalServiceError', status: 500 },
  });
  const report = rig.next('acme', ({ outcome }) => outcome === 'sealed');
  const app = await rig.start();
  await report;
  expect(down.fired()).toBeGreaterThan(0);
  return { app, storeIsBack: () => down.remove() };
}

function expectHome(presentations = 1): void {
  expect(rig.document('acme').refresh_token).toBe(rig.sandbox.oracle.liveToken('acme'));
  expect(rig.sandbox.oracle.presentations()).toHaveLength(presentations);
}

describe('beside a running worker', () => {
  test('a sealed answer is listed, verified and flushed to the store, and the worker goes on as if it had done it', async () => {
    const { storeIsBack } = await sealed();
    const [record] = (await spool('list')).document.records as [Record<string, unknown>];
    expect(record).toMatchObject({
      ...{ connection: 'acme', provider: 'docusign', client: 'rig', state: 'answered', where: 'both', problems: [] },
    });
    expect(await rig.spoolFiles()).toEqual([`${String(record.attempt)}.rec`]);
    expect(await spool('verify')).toMatchObject({ code: 0, document: { ok: true } });

    expect(await spool('flush')).toMatchObject({
      code: 1,
      document: { left: [{ connection: 'acme', state: 'answered' }] },
    });
    storeIsBack();
    expect(await spool('flush')).toMatchObject({
      code: 0,
      document: { ok: true, connections: [{ id: 'acme', outcome: 'rotated' }], left: [] },
    });
    expectHome();
    expect(await rig.spoolFiles()).toEqual([]);
    expect(await spool('list')).toMatchObject({ document: { records: [] } });

    // The worker still has the record in mind. Its next rotation finds it finished.
    const again = rotated();
    rig.clock.turn(15 * day);
    expect(await again).toMatchObject({ asked: 'due' });
    expectHome(2);
    expect(rig.reports.filter(({ outcome }) => outcome === 'quarantined')).toEqual([]);
    expect(await spool('list')).toMatchObject({ document: { records: [] } });
  });

  test('a rotation under way is left to it, and nothing of it is taken away', async () => {
    const slow = rig.sandbox.faults.inject({ kind: 'slow', ms: 2_500 }, { connection: 'acme' });
    const done = rotated();
    await rig.start();
    await expect.poll(() => slow.fired(), { timeout: 15_000 }).toBe(1);
    const flushed = await spool('flush');
    expect(flushed.code).toBe(1);
    expect(flushed.document).toMatchObject({
      connections: [{ id: 'acme', outcome: null, left: 'held' }],
      left: [{ connection: 'acme', state: 'intent', where: 'both' }],
    });
    expect(await rig.spoolFiles()).toHaveLength(1);
    await done;
    expectHome();
    expect(await spool('flush')).toMatchObject({ code: 0 });
  });
});

describe('with no worker', () => {
  test.each([
    ['from the disk, where Redis was lost', () => rig.flushRedis()],
    ['from the mirror, where the disk is gone', () => rm(rig.config.spool.directory, { recursive: true })],
  ])('a sealed answer is flushed %s', async (_where, lose) => {
    const { app, storeIsBack } = await sealed();
    await app.stop();
    storeIsBack();
    await lose();
    expect(await spool('flush')).toMatchObject({ code: 0, document: { connections: [{ outcome: 'rotated' }] } });
    expectHome();
    const audit = await readFile(join(rig.config.dataDir, 'audit-flush.log'), 'utf8');
    expect(audit.trimEnd().split('\n')).toHaveLength(1);
    expect(JSON.parse(audit)).toMatchObject({ connection: 'acme', reason: 'recover', outcome: 'rotated' });
    expect(audit).not.toContain('PLTOKEN');
  });

  test('a record whose key is not in the ring is told by verify and left alone by flush', async () => {
    const { app, storeIsBack } = await sealed();
    await app.stop();
    storeIsBack();
    const directory = join(rig.directory, 'other-keys');
    await mkdir(directory);
    await loadKeyring({ directory, createFirst: true, random: systemRandom(), sealWith: undefined });
    const keyless = { ...rig.config, spool: { ...rig.config.spool, keys: { directory, sealWith: undefined } } };
    const verified = await spool('verify', keyless as Config);
    expect(verified.code).toBe(1);
    expect(verified.document).toMatchObject({
      ok: false,
      records: [{ connection: 'acme', state: 'unreadable', where: 'both' }],
    });
    expect(await spool('flush', keyless as Config)).toMatchObject({ code: 1 });
    expect(await rig.spoolFiles()).toHaveLength(1);
    expect(await spool('flush')).toMatchObject({ code: 0 });
    expectHome();
  });

  test('without Redis the disk is shown, and said to be half', async () => {
    const { app } = await sealed();
    await app.stop();
    await rig.redis.stop();
    const listed = await spool('list');
    expect(listed.code).toBe(0);
    expect(listed.document).toMatchObject({ mirrorRead: false, records: [{ connection: 'acme', where: 'disk' }] });
    expect((await spool('verify')).code).toBe(1);
  });
});
