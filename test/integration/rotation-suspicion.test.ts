/**
 * From a refused token to a flag (bad-inputs 4a, 44, 45, 48, 51): nobody is asked to consent again on one sighting, or on a client
 * that succeeds nowhere.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { extended } from '../support/acme-bench.ts';
import { clientHealth, presented, revokeAcme } from '../support/client-bench.ts';
import { day, hour, minute, type RotationBench, startRotationBench } from '../support/rotation-bench.ts';
import { otherClient, rigClient } from '../support/world.ts';

let bench: RotationBench;
beforeEach(async () => {
  bench = await startRotationBench();
});
afterEach(() => bench.stop());

describe('a token is refused', () => {
  beforeEach(() => revokeAcme(bench));

  test('seen twice, 15 minutes apart, with a success of the client since: flagged, and left in peace', async () => {
    const firstAt = bench.clock.now();
    const judged = bench.double.secrets.current('acme')?.versionId;
    expect(await bench.rotate('acme')).toMatchObject({
      outcome: 'suspect',
      reason: 'invalid_grant',
      status: 400,
      error: 'invalid_grant',
    });
    expect(await bench.entry('acme')).toMatchObject({
      state: 'suspect',
      since: firstAt,
      nextAt: firstAt + 15 * minute,
      failures: 1,
    });
    bench.clock.turn(minute);
    expect(await bench.rotate('canary')).toMatchObject({ outcome: 'rotated' });

    bench.clock.turn(14 * minute - 1);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'notDue' });
    expect(presented(bench, 'acme')).toBe(1);
    expect(bench.double.secrets.tags('acme')).toEqual({ 'pilotlight:managed': 'true' });
    bench.clock.turn(1);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'needsConsent', reason: 'invalid_grant' });
    expect(bench.double.secrets.tags('acme')).toEqual({
      'pilotlight:managed': 'true',
      'pilotlight:state': 'reauth_required',
      'pilotlight:reason': 'invalid_grant',
      'pilotlight:since': new Date(firstAt).toISOString(),
      'pilotlight:version': judged,
    });
    expect(await bench.entry('acme')).toMatchObject({
      state: 'reauth_required',
      reason: 'invalid_grant',
      nextAt: null,
    });
    expect(await bench.spoolFiles()).toEqual([]);

    for (let pass = 0; pass < 3; pass++) {
      bench.clock.turn(day);
      await bench.inventory();
      await bench.recover();
      expect(await bench.rotate('acme')).toMatchObject({ outcome: 'notDue', reason: 'invalid_grant' });
    }
    expect(presented(bench, 'acme')).toBe(2);
    expect(await bench.entry('acme')).toMatchObject({ state: 'reauth_required', nextAt: null });
  });

  test('while many of its provider are refused at once nobody is flagged before a person confirmed it', async () => {
    const mass = '{pilotlight}:mass';
    await bench.redis.redis.hset(mass, 'docusign', JSON.stringify({ since: bench.clock.now() }));
    await bench.rotate('acme');
    bench.clock.turn(minute);
    await bench.rotate('canary');
    bench.clock.turn(15 * minute);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'suspect', reason: 'invalid_grant' });
    expect(await bench.entry('acme')).toMatchObject({ state: 'suspect', nextAt: bench.clock.now() + 15 * minute });
    expect(bench.double.secrets.tags('acme')).toEqual({ 'pilotlight:managed': 'true' });
    const confirmed = { since: bench.clock.now(), confirmedAt: bench.clock.now() };
    await bench.redis.redis.hset(mass, 'docusign', JSON.stringify(confirmed));
    bench.clock.turn(10 * minute);
    await bench.rotate('canary', 'canary');
    bench.clock.turn(5 * minute);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'needsConsent' });
  });

  test('without a success of the client it stays a suspicion, looked at more and more seldom, for days', async () => {
    const waits: number[] = [];
    for (let sighting = 1; sighting <= 8; sighting++) {
      expect(await bench.rotate('acme')).toMatchObject({ outcome: 'suspect' });
      const entry = await bench.entry('acme');
      expect(entry).toMatchObject({ state: 'suspect', failures: sighting });
      waits.push((entry?.nextAt ?? 0) - bench.clock.now());
      bench.clock.turn(waits.at(-1) ?? 0);
    }
    expect(waits[0]).toBe(15 * minute);
    expect(waits.at(-1)).toBe(6 * hour);
    expect(bench.double.secrets.tags('acme')).toEqual({ 'pilotlight:managed': 'true' });
    await bench.rotate('canary');
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'needsConsent' });
  });

  test('a success that was under way at the first sighting proves nothing', async () => {
    const late = bench.sandbox.faults.inject({ kind: 'slow', ms: 300 }, { connection: 'canary' });
    const underWay = bench.rotate('canary');
    await expect.poll(() => presented(bench, 'canary')).toBe(1);
    bench.clock.turn(1);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'suspect' });
    expect(await underWay).toMatchObject({ outcome: 'rotated' });
    expect(late.fired()).toBe(1);
    bench.clock.turn(15 * minute);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'suspect', reason: 'invalid_grant' });
    expect(bench.double.secrets.tags('acme')).toEqual({ 'pilotlight:managed': 'true' });
  });

  test('a success before the first sighting proves nothing', async () => {
    expect(await bench.rotate('canary')).toMatchObject({ outcome: 'rotated' });
    bench.clock.turn(1);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'suspect' });
    bench.clock.turn(hour);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'suspect' });
  });

  test('a success of another client proves nothing', async () => {
    bench.connect({ ...extended, connection: 'elsewhere', client: otherClient }, { client: 'other' });
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'suspect' });
    expect(await bench.rotate('elsewhere', 'manual')).toMatchObject({ outcome: 'rotated' });
    bench.clock.turn(hour);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'suspect' });
  });

  test('a Redis that lost the first sighting: the count begins anew', async () => {
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'suspect' });
    bench.clock.turn(minute);
    await bench.rotate('canary');
    bench.clock.turn(hour);
    await bench.flushRedis();
    await bench.inventory();
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'suspect' });
    expect(bench.double.secrets.tags('acme')).toEqual({ 'pilotlight:managed': 'true' });
  });

  test('a flag that cannot be written is written at the next sighting', async () => {
    await bench.rotate('acme');
    bench.clock.turn(minute);
    await bench.rotate('canary');
    bench.clock.turn(15 * minute);
    const denied = bench.double.faults.add({
      op: 'TagResource',
      secret: 'acme',
      what: { error: 'AccessDeniedException' },
    });
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'suspect', reason: 'store_denied' });
    expect(denied.fired()).toBe(1);
    const entry = await bench.entry('acme');
    expect(entry).toMatchObject({ state: 'suspect' });
    bench.clock.turn(Math.max(0, (entry?.nextAt ?? 0) - bench.clock.now()));
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'needsConsent' });
    expect(bench.double.secrets.tags('acme')).toMatchObject({ 'pilotlight:state': 'reauth_required' });
  });

  test('a store that fails on the way to the confirmation does not forget the suspicion', async () => {
    await bench.rotate('acme');
    bench.clock.turn(minute);
    await bench.rotate('canary');
    bench.clock.turn(15 * minute);
    bench.double.faults.add({ op: 'DescribeSecret', secret: 'acme', what: { error: 'AccessDeniedException' } });
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'retryLater' });
    expect(await bench.entry('acme')).toMatchObject({ state: 'suspect', failures: 1 });
    bench.clock.turn(14 * minute);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'needsConsent' });
  });

  test('while its sibling is still writing back: no suspicion, because the secret has moved on', async () => {
    const { refreshToken } = bench.sandbox.grants.create({ ...extended, connection: 'acme', client: rigClient });
    bench.at('answered', () => {
      bench.save('acme', { refresh_token: refreshToken, consented_at: new Date(bench.clock.now()).toISOString() });
    });
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'retryLater', reason: 'busy', foreign: 'refreshed' });
    expect((await clientHealth(bench))?.suspects).toBe(0);
    await bench.inventory();
    expect(await bench.entry('acme')).toMatchObject({ state: 'active' });
  });

  test('with a store that does not answer the question who wrote last: no more than a suspicion', async () => {
    bench.at('answered', () => {
      bench.double.faults.add({ op: 'DescribeSecret', secret: 'acme', what: { error: 'AccessDeniedException' } });
    });
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'suspect' });
  });
});

describe('a whim of the provider', () => {
  test('a suspect that is taken the second time is simply alive', async () => {
    await revokeAcme(bench);
    const { refreshToken } = bench.connect({ ...extended, connection: 'alive' });
    bench.clock.turn(12 * day);
    const whim = bench.sandbox.faults.inject(
      { kind: 'answer', when: 'before', status: 400, body: { error: 'invalid_grant' } },
      { connection: 'alive', times: 1 },
    );
    expect(await bench.rotate('alive')).toMatchObject({ outcome: 'suspect' });
    expect(whim.fired()).toBe(1);
    bench.clock.turn(15 * minute);
    expect(await bench.rotate('alive')).toMatchObject({ outcome: 'rotated' });
    expect(bench.document('alive').refresh_token).not.toBe(refreshToken);
    expect(await bench.entry('alive')).toMatchObject({ state: 'active', reason: 'none', failures: 0 });
    expect(bench.sandbox.oracle.doubleSpends()).toEqual([]);
  });

  test.each([
    ['invalid_grant with 401', 401, { error: 'invalid_grant' }],
    ['invalid_token with 401', 401, { error: 'invalid_token' }],
    ['invalid_grant with 200', 200, { error: 'invalid_grant' }],
    ['DocuSign: expired_client_token', 400, { error: 'invalid_grant', error_description: 'expired_client_token' }],
  ])('%s is a suspicion too', async (_, status, body) => {
    await revokeAcme(bench);
    bench.sandbox.faults.inject({ kind: 'answer', when: 'before', status, body }, { connection: 'canary', times: 1 });
    expect(await bench.rotate('canary')).toMatchObject({ outcome: 'suspect', reason: 'invalid_grant' });
    bench.clock.turn(15 * minute);
    expect(await bench.rotate('canary')).toMatchObject({ outcome: 'rotated' });
  });
});
