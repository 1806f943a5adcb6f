/**
 * Stopping the service as Kubernetes does: the real process and real signals. The first takes no new work and finishes what
 * runs, whatever else is under way; nothing after the POST is cut off; the second ends it at once and costs no token.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { recordsOnDisk } from '../faults/processes/records.ts';
import type { WorkerProcess } from '../faults/processes/worker-process.ts';
import { createWorld, type FaultWorld } from '../faults/processes/world.ts';

let world: FaultWorld;
beforeEach(async () => {
  world = await createWorld();
});
afterEach(() => world.close());

/** One rotation at a time, so that whatever is begun besides shows. */
const oneAtATime = { name: 'pod', rotation: { concurrency: 1 } } as const;

const said = (worker: WorkerProcess, event: string) => worker.said(event);

function expectHome(connection: string): void {
  expect(world.document(connection).refresh_token).toBe(world.sandbox.oracle.liveToken(connection));
  expect(world.sandbox.oracle.doubleSpends()).toEqual([]);
}

function spoolFiles(name = 'pod'): string[] {
  const folder = world.spoolOf(name);
  return existsSync(folder) ? readdirSync(folder) : [];
}

const auditOf = (name = 'pod') =>
  readFileSync(join(world.directory, name, 'audit.log'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

test('SIGTERM while the provider holds the answer: waits for it, writes it back, takes no further job, exits 0', async () => {
  for (const connection of ['a', 'b', 'c']) world.connect(connection, 'strict');
  const held = world.front.hold('committed');
  const worker = world.start(oneAtATime);
  await held.reached;
  worker.signal('SIGTERM');
  await said(worker, 'service.draining');
  expect(worker.alive()).toBe(true);
  held.release('go');
  expect(await worker.gone).toBe('exit code 0');
  expect(await said(worker, 'service.stopped')).toMatchObject({ left: 0 });
  const [rotated] = auditOf();
  expect(rotated).toMatchObject({ outcome: 'rotated', status: 200 });
  expectHome(String(rotated?.connection));
  expect(auditOf()).toHaveLength(1);
  expect(world.sandbox.oracle.presentations()).toHaveLength(1);
  expect(spoolFiles()).toEqual([]);
});

test('takes no further job either while an inventory is still at work', async () => {
  for (const connection of ['a', 'b', 'c']) world.connect(connection, 'strict');
  const held = world.front.hold('committed');
  const worker = world.start(oneAtATime);
  await held.reached;
  const inventory = world.double.faults.add({ op: 'ListSecrets', times: 1, what: { delayMs: 1_900 } });
  await inventory.firedOnce;
  worker.signal('SIGTERM');
  await said(worker, 'service.draining');
  held.release('go');
  expect(await worker.gone).toBe('exit code 0');
  expect(world.sandbox.oracle.presentations()).toHaveLength(1);
  expect(spoolFiles()).toEqual([]);
});

test('SIGTERM while the store is down: the answer stays sealed, and the next start brings it home', async () => {
  world.connect('a', 'strict');
  const down = storeRefuses('a');
  const held = world.front.hold('committed');
  const worker = world.start(oneAtATime);
  await held.reached;
  worker.signal('SIGTERM');
  await said(worker, 'service.draining');
  held.release('go');
  expect(await worker.gone).toBe('exit code 0');
  expect(down.fired()).toBeGreaterThan(0);
  await expectSealedThenHome(() => down.remove());
});

test('a second SIGTERM after the seal, with the store down: exits at once, and the next start finishes the record', async () => {
  world.connect('a', 'strict');
  const down = storeRefuses('a');
  const worker = world.start(oneAtATime);
  // Sealed by the time the store is asked, and on it for as long as the write limit allows.
  await down.firedOnce;
  worker.signal('SIGTERM');
  await said(worker, 'service.draining');
  const toldMs = performance.now();
  worker.signal('SIGTERM');
  expect(await worker.gone).toBe('exit code 130');
  expect(performance.now() - toldMs).toBeLessThan(2_000);
  // Its own disk's answers wait for no lease of the dead.
  expect(await world.door.redis().exists('{pilotlight}:lease:a')).toBe(1);
  await expectSealedThenHome(() => down.remove());
});

test('a drain that hits its limit says how many were running and exits 1; an answer that comes after it is sealed all the same', {
  timeout: 90_000,
}, async () => {
  world.connect('a', 'strict');
  const held = world.front.hold('requested');
  // The store takes its time before the POST: request and write limit alone would be over before the drain is.
  const slow = { secret: 'a', what: { delayMs: 1_600 } } as const;
  const probe = world.double.faults.add({ op: 'PutSecretValue', ...slow });
  const down = storeRefuses('a', 0);
  const reads = world.double.faults.add({ op: ['DescribeSecret', 'GetSecretValue'], times: 10_000, ...slow });
  const worker = world.start(oneAtATime);
  await expect.poll(() => world.door.redis().exists('{pilotlight}:lease:a'), { timeout: 20_000 }).toBe(1);
  worker.signal('SIGTERM');
  await said(worker, 'service.draining');
  await held.reached;
  expect(await said(worker, 'worker.drain_limit')).toMatchObject({ left: 1 });
  held.release('go');
  expect(await worker.gone).toBe('exit code 1');
  expect(await said(worker, 'service.stopped')).toMatchObject({ left: 1 });
  expect([probe.fired(), reads.fired() > 2]).toEqual([1, true]);
  await expectSealedThenHome(() => {
    down.remove();
    reads.remove();
  });
});

/** From the first write after the POST on; the one before proves that the store can be written. */
function storeRefuses(secret: string, skip = 1) {
  const what = { error: 'InternalServiceError', status: 500 };
  return world.double.faults.add({ op: 'PutSecretValue', secret, skip, times: 10_000, what });
}

async function expectSealedThenHome(storeIsBack: () => void): Promise<void> {
  const { records, damaged } = recordsOnDisk(world.spoolOf('pod'), world.keyring);
  expect(damaged).toEqual([]);
  expect(records).toMatchObject([{ connection: 'a', answered: true }]);
  storeIsBack();
  const next = world.start(oneAtATime);
  await next.said('rotation.rotated', ({ asked }) => asked === 'recover');
  expectHome('a');
  expect(world.sandbox.oracle.presentations()).toHaveLength(1);
  await expect.poll(() => spoolFiles()).toEqual([]);
  next.signal('SIGTERM');
  expect(await next.gone).toBe('exit code 0');
}
