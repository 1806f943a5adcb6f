/** Calls of the store are counted as they end, each page of a list by itself; and what they answer is untouched. */
import { expect, it } from 'vitest';
import { observedStore } from '../../src/observed-store.ts';
import type { SecretDescription } from '../../src/rotation/ports.ts';
import { PilotlightError } from '../../src/runtime/errors.ts';
import { turnableClock } from '../support/provider-bench.ts';

type Store = Parameters<typeof observedStore>[0];

function observed(list: () => AsyncIterable<readonly SecretDescription[]>) {
  const calls: string[] = [];
  const never = () => Promise.reject(new Error('not asked for'));
  const whole = {
    list,
    describe: () => Promise.reject(new PilotlightError('store_denied', 'no')),
    read: () => Promise.reject(new TypeError('odd')),
    readMany: () => Promise.resolve([]),
    versions: never,
    put: never,
    moveStage: never,
    tag: never,
    untag: never,
    create: never,
  } as unknown as Store;
  const store = observedStore(whole, {
    clock: turnableClock(),
    observeStore: (operation, outcome) => void calls.push(`${operation} ${outcome}`),
  });
  return { store, calls };
}

async function seen(
  pages: AsyncIterable<readonly SecretDescription[]>,
  max = Number.POSITIVE_INFINITY,
): Promise<number> {
  let count = 0;
  for await (const _ of pages) if (++count >= max) break;
  return count;
}

it('counts each page of a list, and a list without any', async () => {
  const some = observed(async function* () {
    yield [];
    yield [];
  });
  expect(await seen(some.store.list())).toBe(2);
  expect(some.calls).toEqual(['list ok', 'list ok']);
  const none = observed(async function* () {});
  expect(await seen(none.store.list())).toBe(0);
  expect(none.calls).toEqual(['list ok']);
});

it('counts the page that fails, by its code, and passes the error on', async () => {
  const { store, calls } = observed(async function* () {
    yield [];
    throw new PilotlightError('store_denied', 'ListSecrets');
  });
  await expect(seen(store.list())).rejects.toThrow('ListSecrets');
  expect(calls).toEqual(['list ok', 'list store_denied']);
});

it('ends the list of whoever stops reading, and counts no failure', async () => {
  let isOver = false;
  const { store, calls } = observed(async function* () {
    try {
      yield [];
      yield [];
    } finally {
      isOver = true;
    }
  });
  expect(await seen(store.list(), 1)).toBe(1);
  expect(isOver).toBe(true);
  expect(calls).toEqual(['list ok']);
});

it('counts other calls by how they end', async () => {
  const { store, calls } = observed(async function* () {});
  await store.readMany([]);
  await expect(store.describe('a')).rejects.toThrow('no');
  await expect(store.read('a', { stage: 'AWSCURRENT' })).rejects.toThrow('odd');
  expect(calls).toEqual(['readMany ok', 'describe store_denied', 'read other']);
});
