/** The inventory brings the index into line with the store: reads only what changed and removes only what is surely gone. */
import { describe, expect, it } from 'vitest';
import { defaultFieldNames } from '../../src/connection/document.ts';
import type { IndexEntry } from '../../src/connection/entry.ts';
import { fingerprinter, seenDigest } from '../../src/connection/fingerprint.ts';
import { flagTags } from '../../src/connection/flag.ts';
import { PilotlightError } from '../../src/runtime/errors.ts';
import { type LogFields, silentLogger } from '../../src/runtime/logger.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { type InventoryMemory, type InventoryPorts, takeInventory } from '../../src/schedule/inventory.ts';
import { type MemoryIndex, memoryIndex } from '../support/fakes/index.ts';
import { day, iso, on } from '../support/fakes/lives.ts';
import { type Held, type MemoryStore, memoryStore } from '../support/fakes/store.ts';
import { providerFile } from '../support/provider-files.ts';

const fingerprint = fingerprinter(Buffer.alloc(32, 2));
const prefix = 'oauth/';

function secretOf(n: number | string, change: Record<string, unknown> = {}): Held {
  const value = {
    provider: 'docusign',
    environment: 'production',
    client: 'main',
    refresh_token: `token-${n}`,
    scope: 'signature extended',
    refreshed_at: iso(-1),
    ...change,
  };
  return { versionId: `v-${n}`, value: JSON.stringify(value), tags: { 'pilotlight:managed': 'true' } };
}

interface World extends InventoryPorts {
  readonly store: MemoryStore;
  readonly index: MemoryIndex;
  readonly memory: InventoryMemory;
  readonly events: { event: string; fields: LogFields }[];
  now: number;
}

function worldOf(count: number, pageSize = 100): World {
  const events: World['events'] = [];
  const note = (event: string, fields: LogFields = {}) => void events.push({ event, fields });
  const world: World = {
    now: on(0),
    store: memoryStore(on(-1), pageSize),
    index: memoryIndex(),
    memory: { absent: new Set() },
    events,
    clock: { now: () => world.now, monotonic: () => 0, sleep: () => Promise.reject(new Error('nothing waits here')) },
    log: { ...silentLogger, info: note, warn: note, error: note },
    rules: {
      providers: new Map([['docusign', providerFile('docusign')]]),
      names: defaultFieldNames,
      environment: 'production',
      keepAccessToken: () => false,
      fingerprint,
      hostOf: () => 'account.test',
      readDuration: () => undefined,
    },
    idOf: (name) => (name.startsWith(prefix) ? name.slice(prefix.length) : undefined),
    nameOf: (id) => prefix + id,
    isManaged: ({ tags }) => tags['pilotlight:managed'] === 'true',
  };
  for (let n = 0; n < count; n++) world.store.held.set(`${prefix}c${n}`, secretOf(n));
  return world;
}

const pass = (world: World) => takeInventory(world, world.memory);

async function indexed(world: World, id: string, change: Partial<IndexEntry>): Promise<IndexEntry> {
  const entry = world.index.entries.get(id);
  if (entry === undefined) throw new Error(`${id} is not indexed`);
  await world.index.put([{ ...entry, ...change }]);
  return { ...entry, ...change };
}

function change(world: World, id: string, changes: Partial<Held>): void {
  const held = world.store.held.get(prefix + id);
  if (held === undefined) throw new Error(`${id} is not held`);
  world.store.held.set(prefix + id, { ...held, ...changes });
}

describe('a pass', () => {
  it('indexes what it finds, over many pages, with nothing of a token', async () => {
    const world = worldOf(250, 20);
    world.store.held.set('elsewhere/x', secretOf('x'));
    expect(await pass(world)).toMatchObject({ seen: 250, changed: 250, removed: 0, missing: 0, heldBack: false });
    expect(await world.index.count()).toBe(250);
    expect(world.index.entries.get('c7')).toMatchObject({
      state: 'active',
      deadlineAt: on(29),
      fingerprint: fingerprint(new Secret('token-7')),
      seen: seenDigest('v-7', { 'pilotlight:managed': 'true' }),
    });
    expect(JSON.stringify([...world.index.entries])).not.toContain('token-');
  });

  it('reads no value of what did not change', async () => {
    const world = worldOf(150);
    await pass(world);
    world.store.reads.length = 0;
    world.now += day;
    expect(await pass(world)).toMatchObject({ seen: 150, changed: 0 });
    expect(world.store.reads).toEqual([]);
  });

  it('reads exactly what has another version or another tag of ours', async () => {
    const world = worldOf(50);
    await pass(world);
    world.store.reads.length = 0;
    change(world, 'c3', { ...secretOf('3b', { refreshed_at: iso(-2) }) });
    change(world, 'c9', { tags: { 'pilotlight:managed': 'true', 'pilotlight:snoozed-until': iso(3) } });
    change(world, 'c11', { tags: { 'pilotlight:managed': 'true', team: 'sales' } });
    expect(await pass(world)).toMatchObject({ changed: 2 });
    expect(world.store.reads).toEqual([`${prefix}c3`, `${prefix}c9`]);
    expect(world.index.entries.get('c3')).toMatchObject({ deadlineAt: on(28) });
  });

  it('builds the whole index anew after Redis was lost', async () => {
    const world = worldOf(30);
    await pass(world);
    const before = new Map(world.index.entries);
    await world.index.remove([...before.keys()]);
    await pass(world);
    expect(new Map(world.index.entries)).toEqual(before);
  });

  it('says of broken secrets what is wrong and goes on with the others', async () => {
    const world = worldOf(3);
    change(world, 'c1', { value: '{"refresh_token":' });
    change(world, 'c2', { fails: new PilotlightError('store_denied', 'no') });
    world.store.held.set(`${prefix}empty`, { versionId: '', value: '', tags: {} });
    world.store.held.set(`${prefix}slow`, { ...secretOf('s'), fails: new PilotlightError('store_throttled', 'later') });
    await pass(world);
    const reasons = Object.fromEntries(
      [...world.index.entries].map(([id, { state, reason }]) => [id, `${state} ${reason}`]),
    );
    expect(reasons).toEqual({
      c0: 'active none',
      c1: 'invalid content_not_json',
      c2: 'invalid store_denied',
      empty: 'invalid no_current_version',
    });
    world.store.reads.length = 0;
    await pass(world);
    // Denied may end by itself, and what was not read is not known.
    expect(world.store.reads).toEqual([`${prefix}c2`, `${prefix}slow`]);
  });
});

describe('a read that lags behind the list', () => {
  it('is repeated by the next pass', async () => {
    const world = worldOf(1);
    change(world, 'c0', { fails: new PilotlightError('store_not_found', 'not yet') });
    await pass(world);
    expect(world.index.entries.get('c0')).toMatchObject({ state: 'invalid', reason: 'no_current_version' });
    world.store.held.set(`${prefix}c0`, secretOf(0));
    await pass(world);
    expect(world.index.entries.get('c0')).toMatchObject({ state: 'active', nextAt: expect.any(Number) });
  });
});

it.each([
  'foreign_rotation',
  'replica',
] as const)('a secret refused as %s is looked at by every pass: what ends that is in no digest', async (reason) => {
  const world = worldOf(1);
  await pass(world);
  await indexed(world, 'c0', { state: 'invalid', reason, nextAt: null });
  await pass(world);
  expect(world.index.entries.get('c0')).toMatchObject({ state: 'active', nextAt: expect.any(Number) });
});

describe('what was indexed while the calendar was ahead', () => {
  it.each<[string, Partial<IndexEntry>]>([
    ['a wait that no wait reaches', { state: 'retrying', reason: 'network', nextAt: on(30) }],
    ['a state entered in days to come', { state: 'suspect', reason: 'invalid_grant', since: on(30) }],
    ['an extension that is still to come', { extendedAt: on(30), nextAt: on(50), deadlineAt: on(60) }],
  ])('counts for nothing: %s', async (_, ahead) => {
    const world = worldOf(1);
    await pass(world);
    const right = world.index.entries.get('c0');
    await indexed(world, 'c0', ahead);
    await pass(world);
    expect(world.index.entries.get('c0')).toEqual(right);
  });

  it.each<[string, Partial<IndexEntry>]>([
    ['a wait of a day', { state: 'retrying', reason: 'unknown_outcome', nextAt: on(1) }],
    ['a due instant months ahead', { nextAt: on(120), deadlineAt: on(360) }],
    ['an end months ahead', { state: 'unkeepable', reason: 'absolute_lifetime', nextAt: on(120) }],
  ])('is not to be confused with %s', async (_, usual) => {
    const world = worldOf(1);
    await pass(world);
    const known = await indexed(world, 'c0', usual);
    await pass(world);
    expect(world.index.entries.get('c0')).toEqual(known);
  });

  it('is not kept alive by its own document', async () => {
    const world = worldOf(1);
    world.now = on(40);
    const token = fingerprint(new Secret('token-0'));
    const own = { attempt: 'v-0', from: 'v', token, spent: [], extended_at: iso(40) };
    change(world, 'c0', secretOf(0, { refreshed_at: iso(40), pilotlight: own }));
    await pass(world);
    world.now = on(0);
    await pass(world);
    expect(world.index.entries.get('c0')).toMatchObject({ state: 'active', estimated: true });
    expect(world.index.entries.get('c0')?.nextAt).toBeLessThanOrEqual(on(0));
  });
});

describe('a connection under way', () => {
  it.each([
    'suspect',
    'sealed',
    'retrying',
    'blocked',
    'quarantined',
  ] as const)('stays %s when only a tag changed, with the times its attempt set', async (state) => {
    const world = worldOf(1);
    await pass(world);
    const known = await indexed(world, 'c0', {
      state,
      reason: 'invalid_grant',
      since: on(-2),
      failures: 1,
      nextAt: on(4),
    });
    change(world, 'c0', { tags: { 'pilotlight:managed': 'true', 'pilotlight:owner': 'ops' } });
    await pass(world);
    const seen = seenDigest('v-0', { 'pilotlight:managed': 'true', 'pilotlight:owner': 'ops' });
    expect(world.index.entries.get('c0')).toEqual({ ...known, seen });
  });

  it('is free once recovery has finished it, though its provider keeps the token and inventory writes last', async () => {
    const world = worldOf(1);
    const { rules } = world;
    const adobe = (more: Record<string, unknown>) => secretOf(0, { provider: 'adobe-acrobat-sign', ...more });
    const keeping = { ...rules, providers: new Map([['adobe-acrobat-sign', providerFile('adobe-acrobat-sign')]]) };
    const passes = () => takeInventory({ ...world, rules: keeping }, world.memory);
    change(world, 'c0', adobe({}));
    await passes();
    await indexed(world, 'c0', { state: 'quarantined', reason: 'answer_not_understood', nextAt: null });
    const token = fingerprint(new Secret('token-0'));
    const own = { attempt: 'v-new', from: 'v-0', token, spent: [], extended_at: iso(0) };
    change(world, 'c0', { ...adobe({ refreshed_at: iso(0), pilotlight: own }), versionId: 'v-new' });
    await passes();
    expect(world.index.entries.get('c0')).toMatchObject({ state: 'active', nextAt: expect.any(Number) });
  });

  it('starts anew when its token is another', async () => {
    const world = worldOf(1);
    await pass(world);
    await indexed(world, 'c0', { state: 'suspect', reason: 'invalid_grant', failures: 3 });
    change(world, 'c0', secretOf('new'));
    await pass(world);
    expect(world.index.entries.get('c0')).toMatchObject({ state: 'active', reason: 'none', failures: 0 });
  });

  it('is freed when its client was corrected in the secret: the old client’s breaker is not its own', async () => {
    const world = worldOf(1);
    await pass(world);
    await indexed(world, 'c0', { state: 'blocked', reason: 'client_rejected' });
    change(world, 'c0', { ...secretOf('0', { client: 'corrected' }), versionId: 'v-0b' });
    await pass(world);
    expect(world.index.entries.get('c0')).toMatchObject({ state: 'active', at: { client: 'corrected' } });
  });
});

describe('a flag', () => {
  const flag = (version: string) =>
    flagTags({ state: 'reauth_required', reason: 'invalid_grant', since: on(-2), version });
  const managed = { 'pilotlight:managed': 'true' };

  it('that judges the current version stands', async () => {
    const world = worldOf(1);
    change(world, 'c0', { tags: { ...managed, ...flag('v-0') } });
    await pass(world);
    expect(world.index.entries.get('c0')).toMatchObject({
      state: 'reauth_required',
      reason: 'invalid_grant',
      nextAt: null,
    });
    expect(world.store.untagged).toEqual([]);
  });

  it('is void once another version is current: cleared, scheduled again, and nothing else of the tags lost', async () => {
    const world = worldOf(1);
    change(world, 'c0', { tags: { ...managed, ...flag('v-before'), team: 'sales' } });
    await pass(world);
    expect(world.index.entries.get('c0')).toMatchObject({ state: 'active' });
    expect(world.index.entries.get('c0')?.nextAt).toBeGreaterThan(world.now);
    expect(world.store.held.get(`${prefix}c0`)?.tags).toEqual({ ...managed, team: 'sales' });
  });

  it('that cannot be cleared does not hold the pass up', async () => {
    const world = worldOf(2);
    change(world, 'c0', { tags: { ...managed, ...flag('v-before') } });
    const denied = {
      ...world,
      store: { ...world.store, untag: () => Promise.reject(new PilotlightError('store_denied', 'no')) },
    };
    expect(await takeInventory(denied, world.memory)).toMatchObject({ changed: 2 });
    expect(world.events.map(({ event }) => event)).toContain('flag.clear_failed');
  });

  it('written since the list was made is not cleared for the older one that the list still shows', async () => {
    const world = worldOf(1);
    change(world, 'c0', { tags: { ...managed, ...flag('v-0') }, listedTags: { ...managed, ...flag('v-before') } });
    await pass(world);
    expect(world.store.held.get(`${prefix}c0`)?.tags).toMatchObject(flag('v-0'));
  });
});
