/** The index and its due and ready sets against a model, over random sequences of commands. */
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { ClientAtHost, IndexEntry } from '../../src/connection/entry.ts';
import { createDueIndex } from '../../src/queue/due-index.ts';
import { groupName } from '../../src/queue/groups.ts';
import { createConnectionIndex } from '../../src/queue/index.ts';
import type { ConnectionIndex } from '../../src/rotation/ports.ts';
import type { DueIndex } from '../../src/schedule/ports.ts';
import { startTestRedis, type TestRedis } from '../support/redis.ts';

let server: TestRedis;
let index: ConnectionIndex;
let due: DueIndex;

beforeAll(async () => {
  server = await startTestRedis();
  index = createConnectionIndex({ redis: server.redis });
  due = createDueIndex({ redis: server.redis });
});
beforeEach(() => server.flush());
afterAll(() => server.stop());

const docusign: ClientAtHost = { provider: 'docusign', environment: 'production', client: 'main', host: 'd.example' };
const adobe: ClientAtHost = { provider: 'adobe', environment: 'production', client: 'main', host: 'a.example' };

function entry(id: string, more: Partial<IndexEntry> = {}): IndexEntry {
  return {
    id,
    at: docusign,
    state: 'active',
    reason: 'none',
    since: 1_000,
    seen: 'abcdefgh',
    fingerprint: '',
    nextAt: 5_000,
    deadlineAt: 9_000,
    clock: 'idle',
    estimated: false,
    extendedAt: null,
    failures: 0,
    ...more,
  };
}

async function everything(): Promise<IndexEntry[]> {
  const all: IndexEntry[] = [];
  for await (const page of index.scan()) all.push(...page);
  return all.sort((a, b) => (a.id < b.id ? -1 : 1));
}

const ids = ['a', 'b', 'c', 'd', `long/${'y'.repeat(100)}`];
const prints = ['', '000000000000', 'ffffffffffff'];
const when = fc.integer({ min: 0, max: 20 });
const command = fc.oneof(
  fc.record({
    kind: fc.constant('put' as const),
    entries: fc.array(
      fc.record({
        id: fc.constantFrom(...ids),
        at: fc.constantFrom(docusign, adobe),
        nextAt: fc.option(when),
        deadlineAt: fc.option(when),
        fingerprint: fc.constantFrom(...prints),
      }),
      { minLength: 1, maxLength: 4 },
    ),
  }),
  fc.record({ kind: fc.constant('remove' as const), id: fc.constantFrom(...ids) }),
  fc.record({ kind: fc.constant('promote' as const), now: when, limit: fc.integer({ min: 1, max: 3 }) }),
  fc.record({
    kind: fc.constant('take' as const),
    at: fc.constantFrom(docusign, adobe),
    count: fc.integer({ min: 1, max: 3 }),
    lookAgainAt: when,
  }),
  fc.record({ kind: fc.constant('flush' as const) }),
);
type Command = typeof command extends fc.Arbitrary<infer C> ? C : never;

async function perform(step: Command, actor = { index, due }): Promise<void> {
  if (step.kind === 'put') await actor.index.put(step.entries.map((some) => entry(some.id, some)));
  if (step.kind === 'remove') await actor.index.remove([step.id]);
  if (step.kind === 'promote') await actor.due.promote(step.now, step.limit);
  if (step.kind === 'take') await actor.due.take(step.at, step.count, step.lookAgainAt);
  if (step.kind === 'flush') await server.flush();
}

/** Every rule that must hold after any script, read straight from Redis. */
async function checkRules(): Promise<void> {
  const { redis } = server;
  const entries = await everything();
  expect(entries).toHaveLength(await index.count());
  const sets = new Map<string, string[]>();
  const note = (id: string, name: string) => sets.set(id, [...(sets.get(id) ?? []), name]);
  const groups = await redis.hgetall('{pilotlight}:groups');
  for (const [name, number] of Object.entries(groups)) {
    const group = String(number);
    const waiting = await redis.zrange(`{pilotlight}:due:${group}`, 0, '-1', 'WITHSCORES');
    const ready = await redis.zrange(`{pilotlight}:ready:${group}`, 0, '-1');
    for (let i = 0; i < waiting.length; i += 2) note(String(waiting[i]), name);
    for (const id of ready) note(String(id), name);
    expect(await redis.zscore('{pilotlight}:next', group)).toBe(waiting[1] ?? null);
    expect(await redis.sismember('{pilotlight}:ready-groups', group)).toBe(ready.length > 0 ? 1 : 0);
  }
  for (const { id, at, nextAt } of entries) {
    expect(sets.get(id) ?? [], id).toEqual(nextAt === null ? [] : [groupName(at)]);
    sets.delete(id);
  }
  expect([...sets.keys()]).toEqual([]);
  for (const print of prints.slice(1)) {
    const holder = await index.holderOf(print, 'nobody');
    if (holder !== undefined) expect((await index.get(holder))?.fingerprint).toBe(print);
  }
}

test('no order of puts, sweeps, takes, removals and flushes leaves a scheduled entry out of both sets', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 25 }), async (steps) => {
      await server.flush();
      for (const step of steps) await perform(step);
      await checkRules();
    }),
    { numRuns: 60 },
  );
});

test('nor do they when several workers and sweeps run them at the same time', async () => {
  const connections = await Promise.all([server.connect(), server.connect(), server.connect()]);
  const actors = connections.map(({ redis }) => ({
    index: createConnectionIndex({ redis }),
    due: createDueIndex({ redis }),
  }));
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 5, maxLength: 40 }), async (steps) => {
      await server.flush();
      await Promise.all(steps.map((step, i) => perform(step, actors[i % actors.length])));
      await checkRules();
    }),
    { numRuns: 40 },
  );
});
