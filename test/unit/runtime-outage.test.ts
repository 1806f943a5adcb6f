/** When something counts as away: not for one call that failed among many, at once where nothing ever worked, told once. */
import { describe, expect, test } from 'vitest';
import { createOutages, type Outage } from '../../src/runtime/outage.ts';

function outages() {
  const told: [name: string, now: Outage | undefined, before: Outage | undefined][] = [];
  const time = { at: 1_000 };
  const made = createOutages({ now: () => time.at }, (...change) => void told.push(change));
  return { made, told, time };
}

describe('something that worked before', () => {
  test('is away after three failures in a row, since the first of them, and told once', () => {
    const { made, told, time } = outages();
    made.worked('store');
    for (let failure = 0; failure < 20; failure++) {
      time.at += 1_000;
      made.failed('store', 'unreachable');
      expect(made.of('store') === undefined).toBe(failure < 2);
    }
    expect(told).toEqual([['store', { why: 'unreachable', since: 2_000 }, undefined]]);
  });

  test('is not away for failures with successes between', () => {
    const { made, told } = outages();
    for (let call = 0; call < 30; call++) {
      if (call % 3 === 0) made.worked('store');
      else made.failed('store', 'unreachable');
    }
    expect(told).toEqual([]);
  });
});

describe('something that never worked', () => {
  test('is away at its first failure', () => {
    const { made } = outages();
    made.failed('store', 'denied');
    expect(made.of('store')).toEqual({ why: 'denied', since: 1_000 });
  });
});

test('another way of being away is told, and keeps the beginning', () => {
  const { made, told, time } = outages();
  made.failed('store', 'unreachable');
  time.at = 5_000;
  made.failed('store', 'denied');
  expect(told.at(-1)).toEqual(['store', { why: 'denied', since: 1_000 }, { why: 'unreachable', since: 1_000 }]);
});

test('its end is told once, and a new outage begins anew', () => {
  const { made, told, time } = outages();
  made.failed('store', 'unreachable');
  made.worked('store');
  made.worked('store');
  expect(told).toHaveLength(2);
  expect(told[1]).toEqual(['store', undefined, { why: 'unreachable', since: 1_000 }]);
  time.at = 9_000;
  for (let failure = 0; failure < 3; failure++) made.failed('store', 'unreachable');
  expect(made.of('store')?.since).toBe(9_000);
});

test('names are kept apart', () => {
  const { made } = outages();
  made.failed('a', 'unreachable');
  made.worked('b');
  expect([...made.read().keys()]).toEqual(['a']);
});
