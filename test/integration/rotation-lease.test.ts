/** What a rotation asks of its lease: at the last look before the POST, and after it, when it becomes a cool-down. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createLeases } from '../../src/queue/leases.ts';
import type { RotationReport } from '../../src/rotation/outcome.ts';
import { recover } from '../../src/rotation/recover.ts';
import { rotate } from '../../src/rotation/rotate.ts';
import { silentLogger } from '../../src/runtime/logger.ts';
import { systemRandom } from '../../src/runtime/random.ts';
import { expectSettled, startAcmeBench } from '../support/acme-bench.ts';
import type { RotationBench } from '../support/rotation-bench.ts';

const coolDownMs = 600_000;
let bench: RotationBench;
beforeEach(async () => {
  bench = await startAcmeBench(
    {},
    { change: (config) => ({ ...config, rotation: { ...config.rotation, coolDown: coolDownMs } }) },
  );
});
afterEach(() => bench.stop());

/** A job as the worker gets it, with everything earlier ones left behind. */
function job(settings = bench.settings, reason: 'due' | 'manual' = 'due'): Promise<RotationReport> {
  return rotate({ connection: 'acme', reason }, bench.ports(), settings, new AbortController().signal);
}

const posted = () => bench.sandbox.oracle.presentations().length;
const coolsMs = () => bench.redis.redis.pttl('{pilotlight}:cool:acme');

describe('nothing is posted', () => {
  test('where the lease went to somebody else while the intent was written', async () => {
    bench.at('intended', () => void bench.redis.redis.set('{pilotlight}:lease:acme', 'somebody else'));
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'busy' });
    expect(posted()).toBe(0);
    expect(await bench.spoolFiles()).toEqual([]);
    expect(await coolsMs()).toBe(-2);
    expect(await bench.redis.redis.get('{pilotlight}:lease:acme')).toBe('somebody else');
  });

  test('where what is left of the lease is shorter than request and writing may take', async () => {
    const { leaseMs, writeLimitMs } = bench.settings;
    const tooLong = { requestLimitMs: leaseMs - writeLimitMs };
    // Before anybody stands in line, and as if the rest had passed while the intent was written.
    expect(await job({ ...bench.settings, ...tooLong })).toMatchObject({ outcome: 'busy' });
    const settings = { ...bench.settings };
    let intended = 0;
    bench.at('intended', () => {
      intended += 1;
      Object.assign(settings, tooLong);
    });
    expect(await job(settings)).toMatchObject({ outcome: 'busy' });
    expect(intended).toBe(1);
    expect(posted()).toBe(0);
    expect(await bench.spoolFiles()).toEqual([]);
    bench.at('intended', () => undefined);
    expect(await job()).toMatchObject({ outcome: 'rotated' });
  });
});

describe('after a POST', () => {
  test('a job that was queued twice waits, though nothing else would keep it', async () => {
    expect(await job()).toMatchObject({ outcome: 'rotated' });
    expect(await coolsMs()).toBeGreaterThan(coolDownMs / 4);
    expect(await job(bench.settings, 'manual')).toMatchObject({ outcome: 'busy', reason: 'cooling_down' });
    expect(posted()).toBe(1);
  });

  test('recovery does not wait', async () => {
    bench.at('swapped', () => {
      throw new Error('the worker trips');
    });
    expect(await job()).toMatchObject({ outcome: 'sealed' });
    expect(await coolsMs()).toBeGreaterThan(coolDownMs / 4);
    const found: RotationReport[] = [];
    for await (const report of recover(bench.ports(), bench.settings)) found.push(report);
    expect(found).toMatchObject([{ outcome: 'rotated' }]);
    expect(posted()).toBe(1);
    await expectSettled(bench);
  });
});

test('without a POST the next job need not wait', async () => {
  const { double, sandbox } = bench;
  const fault = double.faults.add({ op: 'PutSecretValue', times: 1, what: { error: 'AccessDeniedException' } });
  expect(await job()).toMatchObject({ outcome: 'retryLater' });
  expect(fault.fired()).toBe(1);
  expect(await coolsMs()).toBe(-2);
  expect(await job()).toMatchObject({ outcome: 'rotated' });
  expect(sandbox.oracle.presentations()).toHaveLength(1);
});

test('what Redis takes to answer is taken from the lease', async () => {
  let passedMs = 0;
  const { redis } = bench.redis;
  const slow: typeof redis = Object.create(redis, {
    evalsha: {
      value(...asked: Parameters<typeof redis.evalsha>) {
        passedMs += 5_000;
        return redis.evalsha(...asked);
      },
    },
  });
  const clock = { ...bench.clock, monotonic: () => passedMs };
  const { leaseMs } = bench.settings;
  const leases = createLeases({ redis: slow, clock, random: systemRandom(), logger: silentLogger, leaseMs });
  const answer = await leases.acquire('acme', { ms: leaseMs, passCoolDown: false });
  if ('refused' in answer) throw new Error(`refused: ${answer.refused}`);
  expect(passedMs).toBe(5_000);
  expect(answer.lease.remainingMs()).toBe(leaseMs - passedMs);
});
