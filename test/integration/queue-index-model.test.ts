/** The index and its due and ready sets against a model, over random sequences of commands. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createDueIndex } from '../../src/queue/due-index.ts';
import { groupName } from '../../src/queue/groups.ts';
import { createConnectionIndex } from '../../src/queue/index.ts';
import { adobe, docusign, entry, type IndexBench, indexBench } from '../support/index-bench.ts';

const bench = indexBench();

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

async function perform(step: Command, actor: Pick<IndexBench, 'index' | 'due'> = bench): Promise<void> {
  if (step.kind === 'put') await actor.index.put(step.entries.map((some) => entry(some.id, some)));
  if (step.kind === 'remove') await actor.index.remove([step.id]);
  if (step.kind === 'promote') await actor.due.promote(step.now, step.limit);
  if (step.kind === 'take') await actor.due.take(step.at, step.count, step.lookAgainAt);
  if (step.kind === 'flush') await bench.server.flush();
}

/** Every rule that must hold after any script, read straight from Redis. */
async function checkRules(): Promise<void> {
  const { redis } = bench.server;
  const entries = await bench.everything();
  expect(entries).toHaveLength(await bench.index.count());
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
    const holder = await bench.index.holderOf(print, 'nobody');
    if (holder !== undefined) expect((await bench.index.get(holder))?.fingerprint).toBe(print);
  }
}

test('no order of puts, sweeps, takes, removals and flushes leaves a scheduled entry out of both sets', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 25 }), async (steps) => {
      await bench.server.flush();
      for (const step of steps) await perform(step);
      await checkRules();
    }),
    { numRuns: 60 },
  );
});

test('nor do they when several workers and sweeps run them at the same time', async () => {
  const connections = await Promise.all([bench.server.connect(), bench.server.connect(), bench.server.connect()]);
  const actors = connections.map(({ redis }) => ({
    index: createConnectionIndex({ redis }),
    due: createDueIndex({ redis }),
  }));
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 5, maxLength: 40 }), async (steps) => {
      await bench.server.flush();
      await Promise.all(steps.map((step, i) => perform(step, actors[i % actors.length])));
      await checkRules();
    }),
    { numRuns: 40 },
  );
});
