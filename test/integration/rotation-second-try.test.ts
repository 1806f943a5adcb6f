/**
 * Answers that are cut but hold the token, and connections for which a second try could do harm (bad-inputs 4a, 28, 29, 66): the
 * token is salvaged, and nobody's family is put at risk.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connectAcme, expectSettled, presentedByService, startHastyBench } from '../support/acme-bench.ts';
import { day, type RotationBench, rigClient } from '../support/rotation-bench.ts';

let bench: RotationBench;
afterEach(() => bench.stop());

describe('an answer that is cut but holds the token', () => {
  beforeEach(async () => {
    bench = await startHastyBench();
  });

  test('a reset right after the last byte: the answer is whole', async () => {
    await connectAcme(bench);
    bench.sandbox.faults.inject({ kind: 'truncate', keepBytes: 100_000 }, { times: 1 });
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
    await expectSettled(bench);
  });

  test('a chunked answer that dies after the refresh token: it is salvaged', async () => {
    await connectAcme(bench);
    const token = `salvaged-${'x'.repeat(40)}`;
    const part = `{"refresh_token":"${token}","access_token":"half a`;
    const bytes = Buffer.from(
      `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n${part.length.toString(16)}\r\n${part}\r\n`,
    );
    bench.sandbox.faults.inject({ kind: 'raw', when: 'before', bytes }, { times: 1 });
    expect(await bench.rotate('acme')).toMatchObject({
      outcome: 'rotated',
      oddities: expect.arrayContaining(['salvaged']),
    });
    expect(bench.document('acme').refresh_token).toBe(token);
    expect(await bench.spoolFiles()).toEqual([]);
  });

  test('an answer later than the provider usually is, but within the limit, counts', async () => {
    await connectAcme(bench);
    bench.sandbox.faults.inject({ kind: 'slow', ms: 300 }, { times: 1 });
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
    await expectSettled(bench);
  });
});

describe('where a second try could harm', () => {
  const inDoubt = { state: 'suspect', reason: 'unknown_outcome', nextAt: null };

  test('a provider file that says never: no second try, ever, until somebody brings a token', async () => {
    bench = await startHastyBench((config) => ({
      ...config,
      providers: {
        ...config.providers,
        ...(config.providers.oauth2 && { oauth2: { ...config.providers.oauth2, secondTry: 'never' } }),
      },
    }));
    bench.connect({ provider: 'oauth2', connection: 'acme' });
    await bench.inventory();
    bench.clock.turn(12 * day);
    bench.sandbox.faults.inject({ kind: 'drop', when: 'before' }, { times: 1 });
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'unknown', reason: 'unknown_outcome' });
    expect(await bench.entry('acme')).toMatchObject(inDoubt);
    bench.clock.turn(5 * day);
    await bench.recover();
    for (const reason of ['due', 'probe', 'canary', 'manual'] as const)
      expect(await bench.rotate('acme', reason)).toMatchObject({ outcome: 'notDue', reason: 'unknown_outcome' });
    expect(presentedByService(bench)).toHaveLength(1);
    expect(bench.double.secrets.tags('acme')).toEqual({ 'pilotlight:managed': 'true' });

    expect(await bench.entry('acme')).toMatchObject(inDoubt);
    const { refreshToken } = bench.sandbox.grants.create({ provider: 'oauth2', connection: 'acme', client: rigClient });
    bench.save('acme', { refresh_token: refreshToken, consented_at: new Date(bench.clock.now()).toISOString() });
    await bench.inventory();
    expect(await bench.entry('acme')).toMatchObject({ state: 'active' });
    bench.clock.turn(12 * day);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
    await expectSettled(bench);
  });

  test('a connection that its application refreshes too: a second try could end their family', async () => {
    bench = await startHastyBench();
    bench.connect({ provider: 'oauth2', connection: 'acme' });
    await bench.inventory();
    bench.clock.turn(12 * day);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
    const { refreshToken } = bench.sandbox.oracle.applicationRefresh('acme');
    bench.save('acme', { refresh_token: refreshToken, refreshed_at: new Date(bench.clock.now()).toISOString() });
    await bench.inventory();
    bench.clock.turn(23 * day);
    bench.sandbox.faults.inject({ kind: 'drop', when: 'after' }, { times: 1 });
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'unknown' });
    expect(await bench.entry('acme')).toMatchObject(inDoubt);
    const before = presentedByService(bench).length;
    bench.clock.turn(3 * day);
    await bench.recover();
    await bench.inventory();
    for (const asked of ['due', 'manual'] as const) await bench.rotate('acme', asked);
    expect(presentedByService(bench)).toHaveLength(before);
    expect(bench.sandbox.oracle.death('acme')).toBeUndefined();
    expect(await bench.entry('acme')).toMatchObject(inDoubt);

    const newer = bench.sandbox.oracle.applicationRefresh('acme');
    bench.save('acme', { refresh_token: newer.refreshToken, refreshed_at: new Date(bench.clock.now()).toISOString() });
    await bench.inventory();
    expect(await bench.entry('acme')).toMatchObject({ state: 'active' });
  });

  test('one that keeps its token (Adobe) is tried again after half a minute, at no risk', async () => {
    bench = await startHastyBench();
    bench.connect({ provider: 'adobe-acrobat-sign', connection: 'acme' });
    await bench.inventory();
    bench.clock.turn(25 * day);
    bench.sandbox.faults.inject({ kind: 'hang', when: 'after' }, { times: 1 });
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'unknown' });
    bench.clock.turn(30_000);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
    await expectSettled(bench);
  });
});
