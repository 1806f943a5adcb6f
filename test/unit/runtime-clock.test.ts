/** Waiting. No assertion depends on how fast this machine is. */
import { getEventListeners } from 'node:events';
import { describe, expect, test } from 'vitest';
import { atMost, systemClock } from '../../src/runtime/clock.ts';

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

describe('waiting for something that cannot be told to give up', () => {
  const never = new Promise<string>(() => undefined);

  test('answers what it came to, and lets the timer go', async () => {
    const signals: (AbortSignal | undefined)[] = [];
    const sleep = (_ms: number, signal?: AbortSignal) => {
      signals.push(signal);
      return new Promise<void>(() => undefined);
    };
    expect(await atMost({ ...systemClock(), sleep }, 60_000, Promise.resolve('there'), 'late')).toBe('there');
    expect(signals.map((signal) => signal?.aborted)).toEqual([true]);
  });

  test('answers that it is late once its time is up', async () => {
    expect(await atMost(systemClock(), 1, never, 'late')).toBe('late');
  });

  test('throws what it threw in time; what it throws later is nobody’s', async () => {
    await expect(atMost(systemClock(), 60_000, Promise.reject(new Error('broken')), 'late')).rejects.toThrow('broken');
    const { promise, reject } = Promise.withResolvers<string>();
    expect(await atMost(systemClock(), 1, promise, 'late')).toBe('late');
    // Unhandled, it would end the run.
    reject(new Error('too late'));
    await new Promise((turn) => setImmediate(turn));
  });
});
