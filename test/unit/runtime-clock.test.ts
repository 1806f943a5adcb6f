/** Waiting. No assertion depends on how fast this machine is. */
import { getEventListeners } from 'node:events';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../src/runtime/clock.ts';

describe('waiting', () => {
  test('takes at least the time asked for, less what a timer rounds', async () => {
    const clock = systemClock();
    const before = clock.monotonic();
    await clock.sleep(20);
    expect(clock.monotonic() - before).toBeGreaterThanOrEqual(18);
  });

  test('ends at once with the reason when it is called off', async () => {
    const calledOff = new AbortController();
    const waiting = systemClock().sleep(60_000, calledOff.signal);
    const reason = new Error('stopping');
    calledOff.abort(reason);
    await expect(waiting).rejects.toBe(reason);
  });

  test('does not begin when it was called off before', async () => {
    const reason = new Error('stopped');
    await expect(systemClock().sleep(60_000, AbortSignal.abort(reason))).rejects.toBe(reason);
  });

  test('leaves no listener on the signal behind, however often it is used', async () => {
    const { signal } = new AbortController();
    for (let i = 0; i < 20; i++) await systemClock().sleep(0, signal);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  test.for([-5, Number.NEGATIVE_INFINITY, 0])('%d ms is no wait at all', async (ms) => {
    await systemClock().sleep(ms);
  });

  test('months are waited for and not fired at once, as a timer alone would', async () => {
    const calledOff = new AbortController();
    let woke = false;
    const waiting = systemClock()
      .sleep(90 * 86_400_000, calledOff.signal)
      .then(() => (woke = true));
    await systemClock().sleep(10);
    expect(woke).toBe(false);
    calledOff.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
  });
});
