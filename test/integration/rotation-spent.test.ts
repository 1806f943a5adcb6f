/**
 * Tokens that must not be posted (bad-inputs 4b, 88, 91): one that is spent and current again, and one that two secrets hold.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { expectWell, startAcmeBench } from '../support/acme-bench.ts';
import { day, hour, type RotationBench } from '../support/rotation-bench.ts';

let bench: RotationBench;
beforeEach(async () => {
  bench = await startAcmeBench();
});
afterEach(() => bench.stop());

const live = () => bench.sandbox.oracle.liveToken('acme');

describe('a spent token that is current again', () => {
  /** The application read the document before our rotation and writes it back after. */
  async function rotatedBehindTheirBack(): Promise<Record<string, unknown>> {
    const stale = bench.document('acme');
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
    return stale;
  }

  test('is never posted; the live one is put into their document', async () => {
    const stale = await rotatedBehindTheirBack();
    bench.double.secrets.put('acme', JSON.stringify({ ...stale, note: 'written late' }));
    bench.clock.turn(12 * day);
    await bench.inventory();
    const report = await bench.rotate('acme');
    expect(report).toMatchObject({ outcome: 'rotated', foreign: 'restored_spent_token' });
    expect(bench.document('acme')).toMatchObject({ note: 'written late', refresh_token: live() });
    expect(bench.sandbox.oracle.presentations()).toHaveLength(1);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
    expect(bench.document('acme')).toMatchObject({ note: 'written late' });
    await expectWell(bench);
  });

  test('is never posted when it was written back twice', async () => {
    const stale = await rotatedBehindTheirBack();
    bench.double.secrets.put('acme', JSON.stringify({ ...stale, note: 'written late' }));
    bench.double.secrets.put('acme', JSON.stringify({ ...stale, note: 'and again' }));
    bench.clock.turn(12 * day);
    await bench.inventory();
    await bench.rotate('acme');
    await bench.rotate('acme');
    expect(bench.document('acme')).toMatchObject({ note: 'and again' });
    await expectWell(bench);
  });

  test('of an earlier generation is never posted either', async () => {
    await rotatedBehindTheirBack();
    const stale = bench.document('acme');
    for (let round = 0; round < 3; round++) {
      bench.clock.turn(12 * day);
      expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
    }
    bench.double.secrets.put('acme', JSON.stringify({ ...stale, note: 'very late' }));
    bench.clock.turn(12 * day);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated', foreign: 'restored_spent_token' });
    expect(bench.document('acme')).toMatchObject({ note: 'very late' });
    await expectWell(bench);
  });

  test('and whose successor is nowhere to be found is refused, not tried', async () => {
    await rotatedBehindTheirBack();
    const [spent] = (bench.document('acme').pilotlight as { spent: string[] }).spent;
    expect(spent).toMatch(/^[0-9a-f]{12}$/);
    const { refresh_token: current } = bench.document('acme');
    bench.clock.turn(12 * day);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
    const document = bench.document('acme');
    bench.double.secrets.delete('acme', { force: true });
    bench.double.secrets.create('acme', JSON.stringify({ ...document, refresh_token: current }), {
      'pilotlight:managed': 'true',
    });
    const before = bench.sandbox.oracle.presentations().length;
    expect(await bench.rotate('acme', 'manual')).toMatchObject({ outcome: 'quarantined', reason: 'token_spent' });
    expect(bench.sandbox.oracle.presentations()).toHaveLength(before);
    expect(await bench.entry('acme')).toMatchObject({ state: 'invalid', reason: 'token_spent' });
  });
});

describe('one refresh token in two secrets', () => {
  beforeEach(() => {
    bench.double.secrets.create('twin', JSON.stringify(bench.document('acme')), { 'pilotlight:managed': 'true' });
  });

  async function expectBothRefused() {
    for (const id of ['acme', 'twin']) {
      expect(await bench.rotate(id)).toMatchObject({ outcome: 'quarantined', reason: 'duplicate_token' });
      expect(await bench.entry(id)).toMatchObject({ state: 'invalid', reason: 'duplicate_token' });
    }
    expect(bench.sandbox.oracle.presentations()).toEqual([]);
  }

  test('refuses both until one is removed', async () => {
    await bench.inventory();
    await expectBothRefused();
    bench.double.secrets.delete('twin', { force: true });
    await bench.inventory();
    await bench.inventory();
    expect(await bench.entry('twin')).toBeUndefined();
    bench.clock.turn(3 * hour);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
    await expectWell(bench);
  });

  test('refuses both until one has a token of its own', async () => {
    await bench.inventory();
    await expectBothRefused();
    const own = bench.sandbox.grants.create({
      provider: 'docusign',
      connection: 'twin',
      scope: 'signature extended',
      client: { clientId: 'rig-client', clientSecret: '' },
    });
    bench.save('twin', { refresh_token: own.refreshToken, consented_at: new Date(bench.clock.now()).toISOString() });
    await bench.inventory();
    expect(await bench.entry('twin')).toMatchObject({ state: 'active' });
    bench.clock.turn(3 * hour);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
    await expectWell(bench);
  });
});
