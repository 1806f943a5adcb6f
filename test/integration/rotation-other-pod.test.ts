/** A pod that is gone with its disk: what the mirror in Redis and the store's own labels still tell another worker. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createSpoolMirror } from '../../src/queue/spool-mirror.ts';
import { extended, startAcmeBench } from '../support/acme-bench.ts';
import { day, minute, type RotationBench } from '../support/rotation-bench.ts';

let bench: RotationBench;
beforeEach(async () => {
  bench = await startAcmeBench({ note: 'ours' });
});
afterEach(() => bench.stop());

const mirror = () => createSpoolMirror({ redis: bench.redis.redis });

/** Bytes mirrored of the one record there is. */
async function mirrored(connection = 'acme'): Promise<Buffer | undefined> {
  return [...(await mirror().of(connection)).values()][0];
}

/** The current document holds the live token, and the mirror nothing. */
async function expectSettled(): Promise<void> {
  expect(bench.document('acme').refresh_token).toBe(bench.sandbox.oracle.liveToken('acme'));
  expect(await mirroredConnections()).toEqual([]);
}

async function mirroredConnections(): Promise<string[]> {
  const found: string[] = [];
  for await (const page of mirror().connections()) found.push(...page);
  return found;
}

describe('a record', () => {
  test('is in the mirror before the request, with its answer soon after, and gone when all is done', async () => {
    const seen: number[] = [];
    const look = async () => void seen.push((await mirrored())?.length ?? 0);
    bench.at('posting', look);
    bench.at('put', () => expect.poll(look).toBeUndefined());
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
    const [intent = 0, answered = 0] = seen;
    expect(intent).toBeGreaterThan(0);
    expect(answered).toBeGreaterThan(intent);
    expect(await mirror().of('acme')).toEqual(new Map());
    expect(await mirroredConnections()).toEqual([]);
  });

  test('that Redis does not acknowledge is followed by no request', async () => {
    await bench.redis.redis.set('{pilotlight}:spool:acme', 'no hash');
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'retryLater' });
    expect(bench.sandbox.oracle.presentations()).toEqual([]);
    expect(await bench.spoolFiles()).toEqual([]);
  });

  test('only grows there: a bare intent never takes the place of the answer', async () => {
    const held = mirror();
    await held.keep('acme', 'one', Buffer.from('header and answer'));
    await held.keep('acme', 'one', Buffer.from('header'));
    expect((await held.of('acme')).get('one')?.toString()).toBe('header and answer');
  });

  test('is put back where Redis lost it, and finished from there by another pod', async () => {
    await bench.crash('acme', 'sealed');
    await bench.flushRedis();
    expect(await mirrored()).toBeUndefined();
    await bench.ports().spool.refreshMirror();
    await bench.replace('acme');
    expect(await bench.recover()).toMatchObject([{ connection: 'acme', outcome: 'rotated' }]);
    await expectSettled();
  });
});

describe('the pod is gone', () => {
  test.each([
    'sealed',
    'put',
    'swapped',
  ] as const)('with its answer at "%s": another one finishes it from the mirror', async (step) => {
    await bench.crash('acme', step);
    const intent = bench.ports().spool.all()[0]?.intent;
    await expect.poll(async () => (await mirrored())?.length ?? 0).toBeGreaterThan(900);
    await bench.replace('acme');
    expect(bench.ports().spool.all()).toEqual([]);
    expect(await bench.recover()).toMatchObject([{ connection: 'acme', asked: 'recover', outcome: 'rotated' }]);
    expect(bench.double.secrets.current('acme')?.versionId).toBe(intent?.versionNew);
    expect(bench.sandbox.oracle.presentations()).toHaveLength(1);
    await expectSettled();
    expect(await bench.recover()).toEqual([]);
  });

  test('and its lease is not over: its answer waits twenty seconds for it, and then for no lease', async () => {
    await bench.crash('acme', 'put');
    await expect.poll(async () => (await mirrored())?.length ?? 0).toBeGreaterThan(900);
    await bench.replace('acme');
    await bench.redis.redis.set('{pilotlight}:lease:acme', 'of the dead', 'PX', 200_000);
    bench.clock.turn(19_000);
    expect(await bench.recover()).toEqual([]);
    bench.clock.turn(2_000);
    expect(await bench.recover()).toMatchObject([{ outcome: 'rotated' }]);
    await expectSettled();
  });

  test('before its answer came: the same token is tried once more, after the wait, and both records go', async () => {
    await bench.crash('acme', 'posting');
    await bench.replace('acme');
    expect(await bench.recover()).toMatchObject([{ outcome: 'notDue', reason: 'unknown_outcome' }]);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'notDue', reason: 'unknown_outcome' });
    bench.clock.turn(30 * minute);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
    await expectSettled();
  });

  test('before its answer came, which may lie sealed on its disk: nobody is asked to consent for an hour', async () => {
    bench.connect({ ...extended, connection: 'canary' });
    await bench.inventory();
    await bench.crash('acme', 'posting');
    const startedAt = bench.clock.now();
    await bench.replace('acme');
    bench.sandbox.grants.revoke('acme');
    bench.clock.turn(30 * minute);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'suspect', reason: 'lost_rotation' });
    expect(await bench.entry('acme')).toMatchObject({ nextAt: startedAt + 60 * minute });
    bench.clock.turn(29 * minute);
    expect(await bench.rotate('canary', 'manual')).toMatchObject({ outcome: 'rotated' });
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'notDue' });
    expect(bench.double.secrets.tags('acme')).toEqual({ 'pilotlight:managed': 'true' });
    bench.clock.turn(minute);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'needsConsent', reason: 'lost_rotation' });
    expect(await mirroredConnections()).toEqual([]);
  });

  test('before its answer came, at a provider that keeps the token; when its disk is back, nothing is refreshed for it', async () => {
    bench.connect({ provider: 'adobe-acrobat-sign', scope: 'agreement_read', connection: 'kept' });
    await bench.inventory();
    bench.clock.turn(25 * day);
    await bench.crash('kept', 'posting');
    const old = bench.ports();
    await bench.replace('kept');
    bench.clock.turn(30 * minute);
    expect(await bench.rotate('kept')).toMatchObject({ outcome: 'rotated' });
    const before = bench.sandbox.oracle.presentations('kept').length;
    expect(old.spool.recordsOf('kept')).toHaveLength(1);
    await bench.recover(old);
    expect(old.spool.recordsOf('kept')).toEqual([]);
    expect(await bench.rotate('kept')).toMatchObject({ outcome: 'notDue' });
    expect(bench.sandbox.oracle.presentations('kept')).toHaveLength(before);
  });

  test('and comes back with its disk after another one has finished: nothing is written twice', async () => {
    await bench.crash('acme', 'put');
    await expect.poll(async () => (await mirrored())?.length ?? 0).toBeGreaterThan(900);
    const old = bench.ports();
    await bench.replace('acme');
    await bench.recover();
    await expectSettled();
    const versions = bench.double.secrets.versions('acme').map(({ versionId }) => versionId);
    const returned = await bench.recover(old);
    expect(returned).toMatchObject([{ outcome: 'rotated' }]);
    expect(bench.double.secrets.versions('acme').map(({ versionId }) => versionId)).toEqual(versions);
    expect(old.spool.all()).toEqual([]);
    await expectSettled();
  });

  test('and Redis as well, after the put: inventory brings it back and the next rotation adopts the version', async () => {
    await bench.crash('acme', 'put');
    await bench.replace('acme');
    await bench.flushRedis();
    await bench.inventory();
    expect((await bench.entry('acme'))?.nextAt).toBeLessThanOrEqual(bench.clock.now());
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
    expect(bench.sandbox.oracle.presentations()).toHaveLength(1);
    await expectSettled();
  });

  test('and its mirrored record too: inventory has the version looked at, though the index knows of nothing new', async () => {
    await bench.crash('acme', 'put');
    await bench.replace('acme');
    await bench.redis.redis.del('{pilotlight}:spool:acme', '{pilotlight}:spools');
    const entry = await bench.entry('acme');
    if (entry === undefined) throw new Error('acme is not indexed');
    await bench.services.index.put([{ ...entry, state: 'reauth_required', nextAt: null }]);
    await bench.inventory();
    expect((await bench.entry('acme'))?.nextAt).toBe(bench.clock.now());
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
    await expectSettled();
  });
});

describe('a mirrored record that cannot be opened', () => {
  test('blocks its own connection, is told, and stays', async () => {
    bench.connect({ provider: 'docusign', connection: 'other', scope: 'signature extended' });
    await bench.inventory();
    bench.clock.turn(12 * day);
    await mirror().keep('acme', 'somebody', Buffer.from('PILOTLIGHT SPOOL 9\nnothing we know'));
    await mirror().keep('other', 'else', Buffer.alloc(0));
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'quarantined', reason: 'record_unreadable' });
    expect(bench.sandbox.oracle.presentations('acme')).toEqual([]);
    expect((await mirror().of('acme')).size).toBe(1);
    await mirror().drop('other', 'else');
    expect(await bench.rotate('other')).toMatchObject({ outcome: 'rotated' });
  });

  test('is noticed where it was put in another one’s place', async () => {
    bench.connect({ provider: 'docusign', connection: 'other', scope: 'signature extended' });
    await bench.inventory();
    bench.clock.turn(12 * day);
    await bench.crash('acme', 'sealed');
    await expect.poll(async () => (await mirrored())?.length ?? 0).toBeGreaterThan(900);
    const bytes = (await mirrored()) ?? Buffer.alloc(0);
    await bench.replace('acme');
    await mirror().keep('other', 'moved', bytes);
    expect(await bench.rotate('other')).toMatchObject({ outcome: 'quarantined', reason: 'record_unreadable' });
  });

  test.each([5, 30, 200])('is noticed where its last %d bytes are missing', async (cut) => {
    await bench.crash('acme', 'sealed');
    await expect.poll(async () => (await mirrored())?.length ?? 0).toBeGreaterThan(900);
    const [attempt = ''] = (await mirror().of('acme')).keys();
    const bytes = (await mirrored()) ?? Buffer.alloc(0);
    await bench.replace('acme');
    await mirror().drop('acme', attempt);
    await mirror().keep('acme', attempt, bytes.subarray(0, -cut));
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'quarantined', reason: 'record_unreadable' });
  });
});
