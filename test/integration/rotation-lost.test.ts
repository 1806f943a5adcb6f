/**
 * Answers that never came or say nothing (bad-inputs 4a, 25, 26, 41, 43, 54, 59, 60, 65): a token that may be spent is never called
 * dead and is sent once more when the provider's file says so.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { FaultKind } from '../../src/sandbox/providers/faults.ts';
import { connectAcme, expectSettled, extended, presentedByService, startHastyBench } from '../support/acme-bench.ts';
import { day, hour, minute, type RotationBench } from '../support/rotation-bench.ts';

let bench: RotationBench;
afterEach(() => bench.stop());

const page = '<html><body>Please sign in</body></html>';
const html = { 'content-type': 'text/html' };
const silences: readonly [string, FaultKind][] = [
  ['the connection is reset instead of an answer', { kind: 'drop', when: 'after' }],
  ['nothing ever comes', { kind: 'hang', when: 'after' }],
  ['a status line and no more', { kind: 'raw', when: 'after', bytes: Buffer.from('HTTP/1.1 200 OK\r\n') }],
  [
    'headers and an end',
    { kind: 'raw', when: 'after', bytes: Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n') },
  ],
  ['something that is not HTTP', { kind: 'raw', when: 'after', bytes: Buffer.from('220 smtp ready\r\n') }],
  ['the answer cut before its refresh token', { kind: 'truncate', keepBytes: 30 }],
  [
    '500 after it took effect',
    { kind: 'answer', when: 'after', status: 500, body: { error: 'internal_server_error', reference_id: 'r-1' } },
  ],
  ['502 of a proxy', { kind: 'answer', when: 'after', status: 502, body: page, headers: html }],
  ['504 of a proxy', { kind: 'answer', when: 'after', status: 504, body: '' }],
  ['408', { kind: 'answer', when: 'after', status: 408, body: '' }],
  ['an empty 200', { kind: 'answer', when: 'after', status: 200, body: '' }],
  ['204', { kind: 'answer', when: 'after', status: 204 }],
  ['a sign-in page with 200', { kind: 'answer', when: 'after', status: 200, body: page, headers: html }],
  [
    'a redirect',
    { kind: 'answer', when: 'after', status: 307, body: '', headers: { location: 'https://evil.example/' } },
  ],
];

describe('no usable answer', () => {
  beforeEach(async () => {
    bench = await startHastyBench();
  });

  test.each(
    silences,
  )('%s: unknown; once more after the wait, and in the grace window nothing is lost', async (_, fault) => {
    await connectAcme(bench, { graceMs: hour });
    const before = bench.double.secrets.current('acme')?.versionId;
    const struck = bench.sandbox.faults.inject(fault, { times: 1 });
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'unknown', reason: 'unknown_outcome' });
    expect(struck.fired()).toBe(1);
    const waitMs = 2 * minute;
    expect(await bench.entry('acme')).toMatchObject({
      state: 'retrying',
      reason: 'unknown_outcome',
      nextAt: bench.clock.now() + waitMs,
    });
    expect(bench.double.secrets.current('acme')?.versionId).toBe(before);
    expect(bench.double.secrets.tags('acme')).toEqual({ 'pilotlight:managed': 'true' });

    bench.clock.turn(waitMs - 1);
    await bench.recover();
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'notDue', reason: 'unknown_outcome' });
    expect(presentedByService(bench)).toHaveLength(1);
    bench.clock.turn(1);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
    expect(presentedByService(bench)).toHaveLength(2);
    await expectSettled(bench);
    bench.clock.turn(12 * day);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
    await expectSettled(bench);
  });

  test('a provider that had not committed: the second try simply succeeds', async () => {
    await connectAcme(bench);
    bench.sandbox.faults.inject({ kind: 'drop', when: 'before' }, { times: 1 });
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'unknown' });
    bench.clock.turn(2 * minute);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
    expect(bench.sandbox.oracle.doubleSpends()).toEqual([]);
    await expectSettled(bench);
  });

  test('every try unanswered: the same token goes out ever more seldom, whatever recovery and sweeps do meanwhile', async () => {
    await connectAcme(bench, { graceMs: 30 * day });
    const fault = bench.sandbox.faults.inject({ kind: 'drop', when: 'after' });
    const firstAt = bench.clock.now();
    const sentAt: number[] = [];
    for (let at = 0; at < 12 * hour; at += 2 * minute) {
      const before = presentedByService(bench).length;
      await bench.recover();
      const entry = await bench.entry('acme');
      if ((entry?.nextAt ?? 0) <= bench.clock.now()) await bench.rotate('acme');
      if (presentedByService(bench).length > before) sentAt.push(bench.clock.now() - firstAt);
      bench.clock.turn(2 * minute);
    }
    expect(sentAt.slice(0, 2)).toEqual([0, 2 * minute]);
    const gaps = sentAt.slice(1).map((at, place) => at - (sentAt[place] ?? 0));
    expect(gaps.every((gap, place) => place === 0 || gap >= 2 * (gaps[place - 1] ?? 0))).toBe(true);
    expect(sentAt.length).toBeLessThanOrEqual(9);
    expect(fault.fired()).toBe(sentAt.length);
    fault.lift();
    bench.clock.turn(day);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'rotated' });
    await expectSettled(bench);
  });

  test('the second try refused: ours, counted apart, confirmed like any suspicion and sent no more than that', async () => {
    await connectAcme(bench);
    bench.connect({ ...extended, connection: 'canary' });
    await bench.inventory();
    bench.sandbox.faults.inject({ kind: 'drop', when: 'after' }, { times: 1 });
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'unknown' });
    bench.clock.turn(2 * minute);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'suspect', reason: 'lost_rotation' });
    const suspected = bench.clock.now();
    expect(presentedByService(bench)).toHaveLength(2);
    // Recovery, sweeps and duplicate jobs leave it in peace until the confirmation is due.
    for (let waited = 0; waited < 14; waited += 2) {
      await bench.recover();
      expect(await bench.entry('acme')).toMatchObject({
        state: 'suspect',
        reason: 'lost_rotation',
        nextAt: suspected + 15 * minute,
      });
      expect(await bench.rotate('acme')).toMatchObject({ outcome: 'notDue' });
      bench.clock.turn(2 * minute);
    }
    expect(presentedByService(bench)).toHaveLength(2);
    expect(await bench.rotate('canary', 'canary')).toMatchObject({ outcome: 'rotated' });
    bench.clock.turn(minute);
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'needsConsent', reason: 'lost_rotation' });
    expect(presentedByService(bench)).toHaveLength(3);
    expect(bench.double.secrets.tags('acme')).toMatchObject({
      'pilotlight:state': 'reauth_required',
      'pilotlight:reason': 'lost_rotation',
    });
    expect(await bench.spoolFiles()).toEqual([]);
    await bench.recover();
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'notDue' });
    expect(presentedByService(bench)).toHaveLength(3);
  });

  test('a second try is no duplicate of a token somebody else replaced meanwhile', async () => {
    await connectAcme(bench);
    bench.sandbox.faults.inject({ kind: 'drop', when: 'before' }, { times: 1 });
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'unknown' });
    const { refreshToken } = bench.sandbox.oracle.applicationRefresh('acme');
    bench.save('acme', { refresh_token: refreshToken, refreshed_at: new Date(bench.clock.now()).toISOString() });
    bench.clock.turn(2 * minute);
    await bench.inventory();
    expect(await bench.rotate('acme')).toMatchObject({ outcome: 'notDue' });
    expect(presentedByService(bench)).toHaveLength(1);
    await expectSettled(bench);
  });
});
