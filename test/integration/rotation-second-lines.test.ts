/** Second lines of defence, each with the first one out of the way: what usually hides behind something that comes before it. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createSpoolMirror } from '../../src/queue/spool-mirror.ts';
import type { RotationPorts } from '../../src/rotation/attempt.ts';
import { rotate } from '../../src/rotation/rotate.ts';
import { PilotlightError } from '../../src/runtime/errors.ts';
import { expectWell, extended, startAcmeBench } from '../support/acme-bench.ts';
import { day, type RotationBench, rigClient } from '../support/rotation-bench.ts';

let bench: RotationBench;
beforeEach(async () => {
  bench = await startAcmeBench();
});
afterEach(() => bench.stop());

/** A second connection, due as well. */
async function connectOther(): Promise<void> {
  bench.connect({ ...extended, connection: 'other' });
  await bench.inventory();
  bench.clock.turn(12 * day);
}

const run = (connection: string, ports = bench.ports(), settings = bench.settings) =>
  rotate({ connection, reason: 'due' }, ports, settings, new AbortController().signal);
/** Held in the store; files of a pod that is gone are nobody's business. */
const expectLive = () => expect(bench.document('acme').refresh_token).toBe(bench.sandbox.oracle.liveToken('acme'));
const shown = (connection: string) => bench.sandbox.oracle.presentations(connection).length;

test('no token is spent while as many answers as are allowed wait for the store', async () => {
  await connectOther();
  await bench.crash('acme', 'sealed');
  const settings = { ...bench.settings, unwrittenMax: 1 };
  expect(await run('other', bench.ports(), settings)).toMatchObject({ outcome: 'retryLater', reason: 'spool_backlog' });
  expect(shown('other')).toBe(0);
  await bench.recover();
  expect(await run('other', bench.ports(), settings)).toMatchObject({ outcome: 'rotated' });
  await expectWell(bench);
});

describe('an answer that no disk takes', () => {
  /** Whatever is sealed fails, in whatever place. */
  function withoutDisk(ports: RotationPorts): { ports: RotationPorts; refused: () => number } {
    let refused = 0;
    const fail = () => {
      refused += 1;
      return Promise.reject(new PilotlightError('spool_unwritable', 'the disk is gone'));
    };
    const begin: RotationPorts['spool']['begin'] = async (intent) => {
      const record = await ports.spool.begin(intent);
      return {
        intent: record.intent,
        found: false,
        state: 'intent',
        answer: record.answer,
        seal: fail,
        setAside: record.setAside,
        remove: record.remove,
      };
    };
    return { ports: { ...ports, spool: { ...ports.spool, begin } }, refused: () => refused };
  }

  test('goes straight to the store', async () => {
    const { ports, refused } = withoutDisk(bench.ports());
    expect(await run('acme', ports)).toMatchObject({ outcome: 'rotated' });
    expect(refused()).toBe(2);
    await expectWell(bench);
  });

  test('is written for as long as the process lives, however long the store refuses', async () => {
    const { ports } = withoutDisk(bench.ports());
    let rounds = 0;
    const fault = bench.double.faults.add({
      op: 'UpdateSecretVersionStage',
      times: Number.POSITIVE_INFINITY,
      what: { error: 'InternalServiceError', status: 500 },
    });
    const clock = {
      ...ports.clock,
      async sleep(ms: number, signal?: AbortSignal) {
        if (ms < 5_000 || signal !== undefined) return ports.clock.sleep(ms, signal);
        rounds += 1;
        if (rounds === 2) fault.remove();
      },
    };
    expect(await run('acme', { ...ports, clock })).toMatchObject({ outcome: 'rotated' });
    expect(rounds).toBe(2);
    expect(fault.fired()).toBeGreaterThan(1);
    await expectWell(bench);
  });
});

describe('recovery', () => {
  test('goes on to the next connection where one cannot be looked at', async () => {
    await connectOther();
    await bench.crash('acme', 'sealed');
    await bench.crash('other', 'sealed');
    const denied = bench.double.faults.add({
      op: 'DescribeSecret',
      secret: 'acme',
      what: { error: 'AccessDeniedException', status: 400 },
    });
    const outcomes = Object.fromEntries(
      (await bench.recover()).map(({ connection, outcome }) => [connection, outcome]),
    );
    expect(outcomes).toEqual({ acme: 'retryLater', other: 'rotated' });
    expect(denied.fired()).toBe(1);
    expect(await bench.recover()).toMatchObject([{ connection: 'acme', outcome: 'rotated' }]);
    for (const connection of ['acme', 'other']) await expectWell(bench, connection);
  });

  test('puts its records back into the mirror that Redis lost, also where it cannot finish them', async () => {
    const mirror = createSpoolMirror({ redis: bench.redis.redis });
    await bench.crash('acme', 'sealed');
    await bench.flushRedis();
    expect((await mirror.of('acme')).size).toBe(0);
    const fault = bench.double.faults.add({
      op: 'PutSecretValue',
      times: Number.POSITIVE_INFINITY,
      what: { error: 'InternalServiceError', status: 500 },
    });
    expect(await bench.recover()).toMatchObject([{ outcome: 'sealed' }]);
    expect(fault.fired()).toBeGreaterThan(0);
    expect((await mirror.of('acme')).size).toBe(1);
    fault.remove();
    await bench.replace('acme');
    expect(await bench.recover()).toMatchObject([{ outcome: 'rotated' }]);
    expectLive();
  });
});

test('a version of ours that only its label still tells of becomes current, and nobody else is said to have written', async () => {
  expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
  bench.clock.turn(12 * day);
  await bench.crash('acme', 'put');
  await bench.replace('acme');
  await bench.flushRedis();
  const report = await bench.rotate('acme');
  expect(report).toMatchObject({ outcome: 'rotated' });
  expect(report.foreign).toBeUndefined();
  expect(shown('acme')).toBe(2);
  expectLive();
});

test('a token that another secret holds is refused before any inventory has seen it there', async () => {
  bench.double.secrets.create('twin', JSON.stringify(bench.document('acme')), { 'pilotlight:managed': 'true' });
  expect(await bench.rotate('twin')).toMatchObject({ outcome: 'quarantined', reason: 'duplicate_token' });
  expect(bench.sandbox.oracle.presentations()).toEqual([]);
});

test('an answer mirrored under another connection’s name is written into neither', async () => {
  await connectOther();
  await bench.crash('acme', 'sealed');
  const mirror = createSpoolMirror({ redis: bench.redis.redis });
  await expect.poll(async () => [...(await mirror.of('acme')).values()][0]?.length ?? 0).toBeGreaterThan(900);
  const theirs = bench.document('other');
  for (const [attempt, bytes] of await mirror.of('acme')) await mirror.keep('other', attempt, bytes);
  await bench.replace('acme');
  expect(await bench.rotate('other')).toMatchObject({ outcome: 'quarantined', reason: 'record_unreadable' });
  expect(bench.document('other')).toEqual(theirs);
});

test('a client secret that a provider repeats in its refusal is told to nobody, be it words like any other', async () => {
  const client_secret = 'correct horse battery staple';
  bench.double.secrets.put('clients/rig', JSON.stringify({ client_id: rigClient.clientId, client_secret }));
  const body = { error: 'invalid_client', error_description: `wrong: ${client_secret}` };
  const fault = bench.sandbox.faults.inject({ kind: 'answer', when: 'before', status: 401, body });
  const report = await bench.rotate('acme');
  expect(report).toMatchObject({ outcome: 'misconfigured', error: 'invalid_client' });
  expect(fault.fired()).toBe(1);
  expect(JSON.stringify([report, bench.lines])).not.toContain('horse');
});
