/** What leaves the index, and what must not: lists lag, break off and come back empty without anything being gone. */
import { describe, expect, it } from 'vitest';
import { defaultFieldNames } from '../../src/connection/document.ts';
import { fingerprinter } from '../../src/connection/fingerprint.ts';
import { silentLogger } from '../../src/runtime/logger.ts';
import { type InventoryPorts, takeInventory } from '../../src/schedule/inventory.ts';
import { type MemoryIndex, memoryIndex } from '../support/fakes/index.ts';
import { type MemoryStore, memoryStore } from '../support/fakes/store.ts';

const fingerprint = fingerprinter(Buffer.alloc(32, 2));

async function worldOf(count: number) {
  const store: MemoryStore = memoryStore(0);
  const index: MemoryIndex = memoryIndex();
  const errors: string[] = [];
  const ports: InventoryPorts = {
    store,
    index,
    clock: { now: () => 1_000, monotonic: () => 0, sleep: () => Promise.reject(new Error('nothing waits here')) },
    log: { ...silentLogger, error: (event) => void errors.push(event) },
    rules: {
      providers: new Map(),
      names: defaultFieldNames,
      environment: 'production',
      keepAccessToken: () => false,
      fingerprint,
      hostOf: () => 'h',
      readDuration: () => undefined,
    },
    idOf: (name) => name,
    nameOf: (id) => id,
    isManaged: ({ tags }) => tags['pilotlight:managed'] === 'true',
  };
  const memory = { absent: new Set<string>() };
  for (let n = 0; n < count; n++)
    store.held.set(`c${n}`, { versionId: `v${n}`, value: '{}', tags: { 'pilotlight:managed': 'true' } });
  const pass = () => takeInventory(ports, memory);
  await pass();
  store.described.length = 0;
  const hide = (...ids: string[]) => {
    for (const id of ids) {
      const held = store.held.get(id);
      if (held !== undefined) store.held.set(id, { ...held, unlisted: true });
    }
  };
  return { store, index, errors, pass, hide };
}

describe('a connection leaves the index', () => {
  it('when two passes missed it and DescribeSecret agrees, not before', async () => {
    const { store, index, pass } = await worldOf(30);
    store.held.delete('c4');
    expect(await pass()).toMatchObject({ removed: 0, missing: 1 });
    expect(index.entries.has('c4')).toBe(true);
    expect(store.described).toEqual([]);
    expect(await pass()).toMatchObject({ removed: 1, missing: 0, heldBack: false });
    expect(index.entries.has('c4')).toBe(false);
    expect(store.described).toEqual(['c4']);
  });

  it('when it is scheduled for deletion', async () => {
    const { store, index, pass } = await worldOf(3);
    store.held.set('c1', { versionId: 'v1', value: '{}', tags: {}, deletedAt: 5 });
    await pass();
    await pass();
    expect([...index.entries.keys()]).toEqual(['c0', 'c2']);
  });

  it('not while it is there and only the list lags', async () => {
    const { store, index, pass, hide } = await worldOf(30);
    hide('c4');
    for (let n = 0; n < 5; n++) expect(await pass()).toMatchObject({ removed: 0, missing: 1 });
    expect(index.entries.has('c4')).toBe(true);
    expect(store.described).toEqual(['c4', 'c4', 'c4', 'c4']);
  });

  it('not while the store cannot say', async () => {
    const { store, index, pass } = await worldOf(3);
    store.held.delete('c1');
    await pass();
    store.describe = () => Promise.reject(new Error('timed out'));
    expect(await pass()).toMatchObject({ removed: 0 });
    expect(index.entries.has('c1')).toBe(true);
  });

  it('not for being missed twice with a sighting between', async () => {
    const { store, index, pass, hide } = await worldOf(3);
    const held = store.held.get('c1');
    hide('c1');
    await pass();
    if (held !== undefined) store.held.set('c1', held);
    await pass();
    store.held.delete('c1');
    expect(await pass()).toMatchObject({ removed: 0, missing: 1 });
    expect(index.entries.has('c1')).toBe(true);
  });

  it('when it is no longer managed: who takes its tag away wants it left alone', async () => {
    const { store, index, pass, hide } = await worldOf(3);
    store.held.set('c1', { versionId: 'v1', value: '{}', tags: {} });
    hide('c1');
    await pass();
    await pass();
    expect(index.entries.has('c1')).toBe(false);
  });
});

describe('a pass that breaks off', () => {
  it('throws, and counts for nothing: neither as a sighting nor as an absence', async () => {
    const { store, index, pass } = await worldOf(250);
    store.held.delete('c4');
    await pass();
    store.failListAfter = 1;
    await expect(pass()).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(store.failListAfter).toBeUndefined();
    expect(index.entries.size).toBe(250);
    expect(await pass()).toMatchObject({ removed: 1 });
    expect(index.entries.size).toBe(249);
  });

  it('is not the second pass that misses something', async () => {
    const { store, index, pass } = await worldOf(250);
    store.failListAfter = 1;
    await expect(pass()).rejects.toMatchObject({ code: 'store_unavailable' });
    store.held.delete('c4');
    expect(await pass()).toMatchObject({ removed: 0, missing: 1 });
    expect(index.entries.size).toBe(250);
  });
});

describe('many that vanish at once', () => {
  const some = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => `c${from + n}`);

  it('are all held back above one in a hundred, on-call hears, and nothing is described', async () => {
    const { store, index, errors, pass } = await worldOf(1_000);
    for (const id of some(0, 11)) store.held.delete(id);
    await pass();
    expect(await pass()).toMatchObject({ removed: 0, missing: 11, heldBack: true });
    expect(index.entries.size).toBe(1_000);
    expect(errors).toEqual(['inventory.too_many_missing']);
    expect(store.described).toEqual([]);
  });

  it('go at one in a hundred, each confirmed', async () => {
    const { store, index, errors, pass } = await worldOf(1_000);
    for (const id of some(0, 10)) store.held.delete(id);
    await pass();
    expect(await pass()).toMatchObject({ removed: 10, heldBack: false });
    expect(index.entries.size).toBe(990);
    expect(errors).toEqual([]);
    expect(store.described).toHaveLength(10);
  });

  it('are held back where the list comes back empty, and are all there when it is whole again', async () => {
    const { index, store, pass, hide } = await worldOf(300);
    const before = new Map(store.held);
    hide(...before.keys());
    await pass();
    expect(await pass()).toMatchObject({ heldBack: true, missing: 300, seen: 0 });
    for (const [id, held] of before) store.held.set(id, held);
    expect(await pass()).toMatchObject({ heldBack: false, missing: 0, seen: 300, changed: 0 });
    expect(index.entries.size).toBe(300);
  });
});
