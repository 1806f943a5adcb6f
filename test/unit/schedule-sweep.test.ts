/** The sweep: what is due goes to the queues, nearest deadline first, and waits where its client or host is closed to us. */
import { describe, expect, it } from 'vitest';
import type { ClientAtHost, IndexEntry } from '../../src/connection/entry.ts';
import type { ClientHealth } from '../../src/rotation/ports.ts';
import { silentLogger } from '../../src/runtime/logger.ts';
import { sweep } from '../../src/schedule/sweep.ts';
import { memoryClients, memoryQueues } from '../support/fakes/clients.ts';
import { acme, entryFor, memoryIndex } from '../support/fakes/index.ts';

const minute = 60_000;
const settings = {
  queueDepth: 10,
  promoteMax: 50,
  lookAgainMs: 60 * minute,
  probeEveryMs: 5 * minute,
  urgentMs: 10 * minute,
};
const other: ClientAtHost = { ...acme, client: 'other' };
const elsewhere: ClientAtHost = { ...acme, provider: 'elsewhere', host: 'auth.elsewhere.test' };

/** `count` due connections of a client, the first one's deadline the farthest. */
function dueOnes(name: string, count: number, at = acme, change: Partial<IndexEntry> = {}): IndexEntry[] {
  return Array.from({ length: count }, (_, n) =>
    entryFor(`${name}${n}`, { at, nextAt: 100 + n, deadlineAt: 10_000_000 - n, ...change }),
  );
}

function worldOf(
  entries: readonly IndexEntry[],
  health: readonly (readonly [ClientAtHost, Partial<ClientHealth>])[] = [],
) {
  const index = memoryIndex(entries);
  const { clients, set } = memoryClients(health);
  const { queues, jobs } = memoryQueues();
  const time = { now: 10_000 };
  const clock = {
    now: () => time.now,
    monotonic: () => 0,
    sleep: () => Promise.reject(new Error('nothing waits here')),
  };
  const ports = { due: index, index, queues, clients, clock, log: silentLogger };
  return { index, jobs, time, set, sweep: (change = {}) => sweep(ports, { ...settings, ...change }) };
}

/** Connections that wait for their turn: due or ready now. */
async function waiting({ index, time }: ReturnType<typeof worldOf>): Promise<number> {
  const { due, ready } = await index.backlog(time.now);
  return due + ready;
}

const ids = (jobs: readonly { connection: string }[]) => jobs.map(({ connection }) => connection);

describe('what is due', () => {
  it('is nothing: no job, nothing taken', async () => {
    const world = worldOf([entryFor('later', { nextAt: 10_001 }), entryFor('never', { nextAt: null })]);
    expect(await world.sweep()).toMatchObject({ promoted: 0, enqueued: 0, probes: 0 });
    expect(world.jobs).toEqual([]);
    expect(world.index.taken).toEqual([]);
  });

  it('is queued nearest deadline first, up to the queue’s depth; the rest waits', async () => {
    const world = worldOf(dueOnes('c', 120));
    expect(await world.sweep()).toMatchObject({ promoted: 120, enqueued: 10 });
    expect(ids(world.jobs)).toEqual(['c119', 'c118', 'c117', 'c116', 'c115', 'c114', 'c113', 'c112', 'c111', 'c110']);
    expect(world.jobs.every(({ reason }) => reason === 'due')).toBe(true);
    expect(await world.index.backlog(world.time.now)).toEqual({ due: 0, ready: 110 });
  });

  it('is not queued twice by a second sweep or a second scheduler', async () => {
    const world = worldOf(dueOnes('c', 8));
    await Promise.all([world.sweep(), world.sweep()]);
    await world.sweep();
    expect([...ids(world.jobs)].sort()).toEqual(['c0', 'c1', 'c2', 'c3', 'c4', 'c5', 'c6', 'c7']);
  });

  it('comes back when its job was lost', async () => {
    const world = worldOf(dueOnes('c', 1));
    await world.sweep();
    world.jobs.length = 0;
    world.time.now += settings.lookAgainMs - 1;
    await world.sweep();
    expect(world.jobs).toEqual([]);
    world.time.now += 1;
    await world.sweep();
    expect(ids(world.jobs)).toEqual(['c0']);
  });

  it('fills up only the room the workers made', async () => {
    const world = worldOf(dueOnes('c', 40));
    await world.sweep();
    world.jobs.splice(0, 3);
    expect(await world.sweep()).toMatchObject({ enqueued: 3 });
    expect(world.jobs).toHaveLength(10);
  });

  it('is shared fairly between clients of one provider, and one provider never takes another’s room', async () => {
    const world = worldOf([...dueOnes('a', 100), ...dueOnes('b', 100, other), ...dueOnes('e', 100, elsewhere)]);
    expect(await world.sweep()).toMatchObject({ enqueued: 20, added: { acme: 10, elsewhere: 10 } });
    const of = (letter: string) => ids(world.jobs).filter((id) => id.startsWith(letter)).length;
    expect([of('a'), of('b'), of('e')]).toEqual([5, 5, 10]);
  });

  it('of one client takes the room that another does not need', async () => {
    const world = worldOf([...dueOnes('b', 1, other), ...dueOnes('a', 100)]);
    await world.sweep();
    expect(world.jobs).toHaveLength(10);
  });
});

describe('a client that is closed to us', () => {
  it('by its breaker keeps its connections waiting, untouched, while others go on', async () => {
    const world = worldOf([...dueOnes('a', 20), ...dueOnes('b', 3, other)], [[acme, { breaker: 'open' }]]);
    await world.sweep();
    expect(ids(world.jobs).filter((id) => id.startsWith('b'))).toHaveLength(3);
    expect(ids(world.jobs).filter((id) => id.startsWith('a'))).toHaveLength(1);
  });

  it('by a host that asked us to wait is left alone until then, probes included', async () => {
    const world = worldOf(dueOnes('a', 5), [[acme, { breaker: 'open', heldUntil: 20_000 }]]);
    expect(await world.sweep()).toMatchObject({ promoted: 5, enqueued: 0, probes: 0 });
    world.set(acme, { heldUntil: 20_000 });
    world.time.now = 19_999;
    expect(await world.sweep()).toMatchObject({ enqueued: 0 });
    world.time.now = 20_000;
    expect(await world.sweep()).toMatchObject({ enqueued: 5 });
  });

  it('is tested by one connection per interval, the nearest deadline', async () => {
    const world = worldOf(dueOnes('a', 20), [[acme, { breaker: 'open' }]]);
    expect(await world.sweep()).toMatchObject({ probes: 1, enqueued: 0 });
    expect(world.jobs).toEqual([{ connection: 'a19', reason: 'probe', provider: 'acme' }]);
    world.time.now += settings.probeEveryMs - 1;
    expect(await world.sweep()).toMatchObject({ probes: 0 });
    expect(world.jobs).toHaveLength(1);
    world.time.now += 1;
    expect(await world.sweep()).toMatchObject({ probes: 1 });
    expect(world.jobs).toHaveLength(2);
  });

  it('is tested although the next probe lies further ahead than an interval: the calendar was ahead when it was set', async () => {
    const far = 10_000 + 100 * settings.probeEveryMs;
    const world = worldOf(dueOnes('a', 20), [[acme, { breaker: 'open', nextProbeAt: far }]]);
    expect(await world.sweep()).toMatchObject({ probes: 1 });
    world.time.now += 1;
    expect(await world.sweep()).toMatchObject({ probes: 0 });
  });

  it('loses no place in the line between two probes', async () => {
    const world = worldOf(dueOnes('a', 20), [[acme, { breaker: 'open' }]]);
    for (let tick = 0; tick < 10; tick++) {
      await world.sweep();
      world.time.now += 10_000;
    }
    expect(await waiting(world)).toBe(19);
    expect(ids(world.jobs)).toEqual(['a19']);
    world.time.now = 10_000 + settings.probeEveryMs;
    await world.sweep();
    expect(ids(world.jobs)).toEqual(['a19', 'a18']);
  });

  it('does not keep those from a try that are about to die, and costs nobody else the place in the line', async () => {
    const dying = [1, 2, 3].map((n) => entryFor(`d${n}`, { nextAt: 100, deadlineAt: 10_000 + n * minute }));
    const world = worldOf([...dueOnes('a', 30), ...dying], [[acme, { breaker: 'open' }]]);
    expect(await world.sweep()).toMatchObject({ probes: 1, enqueued: 2 });
    expect(world.jobs.map(({ connection, reason }) => `${connection} ${reason}`)).toEqual([
      'd1 probe',
      'd2 due',
      'd3 due',
    ]);
    world.time.now += 10_000;
    await world.sweep();
    expect(world.jobs).toHaveLength(3);
    expect(await waiting(world)).toBe(30);
  });

  it('is tested even when nothing of it is due: by the one that will be next', async () => {
    const sleeping = [entryFor('far', { nextAt: 90_000 }), entryFor('near', { nextAt: 50_000 })];
    const world = worldOf(sleeping, [[acme, { breaker: 'open' }]]);
    await world.sweep();
    expect(world.jobs).toEqual([{ connection: 'near', reason: 'probe', provider: 'acme' }]);
  });
});

describe('a client whose tokens are refused', () => {
  const suspects = [
    entryFor('s1', { state: 'suspect', nextAt: 20_000 }),
    entryFor('s2', { state: 'suspect', nextAt: 21_000 }),
    entryFor('healthy', { nextAt: 80_000 }),
    entryFor('later', { nextAt: 90_000 }),
  ];

  it('is tested early with another connection than the suspects, once per interval', async () => {
    const world = worldOf(suspects, [[acme, { suspects: 2 }]]);
    expect(await world.sweep()).toMatchObject({ probes: 1 });
    expect(world.jobs).toEqual([{ connection: 'healthy', reason: 'canary', provider: 'acme' }]);
    world.time.now += minute;
    expect(await world.sweep()).toMatchObject({ probes: 0 });
  });

  it('is not tested where there is nobody else: no suspect condemns itself', async () => {
    const world = worldOf(suspects.slice(0, 2), [[acme, { suspects: 2 }]]);
    expect(await world.sweep()).toMatchObject({ probes: 0 });
    expect(world.jobs).toEqual([]);
  });

  it('is not tested with a connection of another client', async () => {
    const world = worldOf(
      [...suspects.slice(0, 2), entryFor('o', { at: other, nextAt: 80_000 })],
      [[acme, { suspects: 2 }]],
    );
    expect(await world.sweep()).toMatchObject({ probes: 0 });
  });
});
