/**
 * The end of a flag, and ends that are known without asking: a consent makes a flag void whatever its tags say, and only an absolute
 * clock proves death by itself.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { extended } from '../support/acme-bench.ts';
import { presented, revokeAcme } from '../support/client-bench.ts';
import { day, minute, type RotationBench, rigClient, startRotationBench } from '../support/rotation-bench.ts';

let bench: RotationBench;
beforeEach(async () => {
  bench = await startRotationBench();
});
afterEach(() => bench.stop());

describe('the customer consents again', () => {
  beforeEach(async () => {
    await revokeAcme(bench);
    await bench.rotate('acme');
    bench.clock.turn(minute);
    await bench.rotate('canary');
    bench.clock.turn(15 * minute);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'needsConsent' });
  });

  const consentAgain = () => {
    const { refreshToken } = bench.sandbox.grants.create({ ...extended, connection: 'acme', client: rigClient });
    bench.save('acme', { refresh_token: refreshToken, consented_at: new Date(bench.clock.now()).toISOString() });
  };

  test('the flag is void, its tags go, and the connection is scheduled again', async () => {
    bench.clock.turn(3 * day);
    consentAgain();
    await bench.inventory();
    expect(bench.double.secrets.tags('acme')).toEqual({ 'pilotlight:managed': 'true' });
    const entry = await bench.entry('acme');
    expect(entry).toMatchObject({ state: 'active', reason: 'none' });
    expect(entry?.nextAt).toBeGreaterThan(bench.clock.now() + 8 * day);
    bench.clock.turn(12 * day);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
    expect(bench.document('acme').refresh_token).toBe(bench.sandbox.oracle.liveToken('acme'));
  });

  test('even where the tags cannot be taken away', async () => {
    bench.double.faults.add({
      op: 'UntagResource',
      secret: 'acme',
      times: 10,
      what: { error: 'AccessDeniedException' },
    });
    consentAgain();
    await bench.inventory();
    expect(await bench.entry('acme')).toMatchObject({ state: 'active' });
    bench.clock.turn(12 * day);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
  });

  test('another field saved by the application is no consent', async () => {
    bench.save('acme', { note: 'nothing new' });
    await bench.inventory();
    expect(await bench.rotate('acme')).not.toMatchObject({ outcome: 'rotated' });
    expect(await bench.entry('acme')).not.toMatchObject({ state: 'active' });
  });
});

describe('an end that is known', () => {
  test('past an absolute life the customer is asked, without a request', async () => {
    bench.connect({ provider: 'docusign', connection: 'acme', scope: 'signature' });
    await bench.inventory();
    expect(await bench.entry('acme')).toMatchObject({ state: 'unkeepable', reason: 'absolute_lifetime' });
    bench.clock.turn(12 * day);
    expect(await bench.rotate('acme', 'manual')).toMatchObject({ outcome: 'notDue', reason: 'absolute_lifetime' });
    bench.clock.turn(18 * day);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'needsConsent', reason: 'expired' });
    expect(presented(bench, 'acme')).toBe(0);
    expect(bench.double.secrets.tags('acme')).toMatchObject({ 'pilotlight:reason': 'expired' });
  });

  test('and was set too early, by a tag that is corrected: the flag counts no more, and goes with the next version', async () => {
    bench.connect({ ...extended, connection: 'acme' });
    bench.double.secrets.tag('acme', { 'pilotlight:absolute-lifetime': '5d' });
    bench.clock.turn(6 * day);
    await bench.inventory();
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'needsConsent', reason: 'expired' });
    bench.double.secrets.tag('acme', { 'pilotlight:absolute-lifetime': '500d' });
    await bench.inventory();
    expect(await bench.entry('acme')).toMatchObject({ state: 'active', reason: 'none' });
    bench.clock.turn(6 * day);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
    await bench.inventory();
    expect(bench.double.secrets.tags('acme')).not.toHaveProperty('pilotlight:state');
  });

  test('a deadline that is only estimated proves nothing: the token is tried', async () => {
    bench.connect({ ...extended, connection: 'acme' });
    bench.clock.turn(40 * day);
    await bench.inventory();
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'suspect', reason: 'invalid_grant' });
    expect(presented(bench, 'acme')).toBe(1);
  });
});
