/** The small world of the exhaustive search: it repeats itself, it rotates, and what is done to it is seen. */
import { describe, expect, it } from 'vitest';
import { modes, planFor, readReplay, replayText } from '../faults/exhaustive/plan.ts';
import { runSchedule } from '../faults/exhaustive/schedule.ts';
import { type RunChoices, replayed, search } from '../faults/exhaustive/search.ts';
import { connection, createSmallWorld, type SmallWorld } from '../faults/exhaustive/world.ts';
import type { WriterName } from '../faults/exhaustive/writers.ts';
import type { Fate } from '../faults/sim/fate.ts';
import type { Chooser } from '../faults/sim/kernel.ts';
import type { ModeName } from '../faults/sim/provider-modes.ts';

const bounds = { faultsMax: 2, deviationsMax: 1, hintsAreLocal: true };

const run = (choices: RunChoices, mode: ModeName, writer: WriterName = 'nobody') =>
  runSchedule(choices, { mode, writer, bounds, traceLinesMax: 1_000, goOn: true, ended: () => false });

/** First come, first served; one call of worker a meets its fate. */
function meeting(name: string, fate: Fate) {
  const met: string[] = [];
  const chooser: Chooser = {
    latencyMs: () => 0,
    pick: () => 0,
    fate(call) {
      if (call.name !== name || !call.actor.startsWith('a.') || met.length > 0) return { kind: 'ok' };
      met.push(call.about);
      return fate;
    },
  };
  return { chooser, met };
}

/** Worker a rotates, and something becomes of one of its calls. */
async function rotated(mode: ModeName, name: string, fate: Fate): Promise<{ world: SmallWorld; met: string[] }> {
  const { chooser, met } = meeting(name, fate);
  const world = createSmallWorld(mode, chooser, 100);
  await world.indexed();
  void world.slots[0]?.worker.rotate(connection);
  await world.kernel.run();
  return { world, met };
}

describe('a schedule', () => {
  it.for(modes)('at a %s provider rotates once, and everything holds at last', async (mode) => {
    const { violations, settled, world } = await run(replayed([]), mode);
    expect(violations).toEqual([]);
    expect(settled).toEqual({ failures: [], dead: undefined, waited: false });
    expect([...world.reported].sort()).toEqual(['busy', 'notDue', 'rotated']);
  });

  it('is the same for the same choices, and another for others', async () => {
    const hashes: string[] = [];
    for (const choices of [
      [0, 1, 1],
      [0, 1, 1],
      [0, 2],
    ])
      hashes.push((await run(replayed(choices), 'strict', 'refresher')).world.kernel.trace.hash);
    expect(hashes[1]).toBe(hashes[0]);
    expect(hashes[2]).not.toBe(hashes[0]);
  });

  it('is shown again by what was taken in it, whatever the bounds were', async () => {
    const first = await run(replayed([0, 1, 0, 1]), 'strict', 'saver');
    const [task] = planFor({ long: false, quick: false }).filter(({ writer }) => writer === 'saver');
    if (task === undefined) throw new Error('nobody saves');
    const again = readReplay(replayText(task, first.turns.taken));
    const second = await runSchedule(replayed(again.taken), {
      ...again.task,
      traceLinesMax: 0,
      goOn: true,
      ended: () => false,
    });
    expect(second.world.kernel.trace.hash).toBe(first.world.kernel.trace.hash);
    expect(() => readReplay('strict:somebody:0.1')).toThrow('no replay');
  });
});

it.for(['saver', 'person', 'refresher'] as const)('the turns of a %s that are left out lead nowhere else', {
  timeout: 30_000,
}, async (writer) => {
  const endsOf = async (foreignAnyTime: boolean) => {
    const ends = new Set<string>();
    const ended = (key: string) => {
      ends.add(key);
      return true;
    };
    const within = { ...bounds, deviationsMax: 0, foreignAnyTime };
    const { schedules } = await search(
      async (choices) => {
        await runSchedule(choices, { mode: 'strict', writer, bounds: within, traceLinesMax: 0, goOn: true, ended });
      },
      { runsMax: 2_000, enough: () => false },
    );
    return { ends: [...ends].sort(), schedules };
  };
  const [fewer, all] = [await endsOf(false), await endsOf(true)];
  expect(all.schedules).toBeGreaterThan(fewer.schedules);
  expect(fewer.ends.length).toBeGreaterThan(3);
  expect(fewer.ends).toEqual(all.ends);
});

describe('what is done to the world is seen', () => {
  it('a strict provider commits and its answer dies with the worker: the stated window, and no violation', async () => {
    const { world, met } = await rotated('strict', 'provider.request', { kind: 'crashAfter' });
    expect(met).toEqual([connection]);
    expect(world.violations).toEqual([]);
    expect(world.invariants.windowLosses.neverSealed).toBe(1);
  });

  it('the same at a provider that keeps the token costs nothing', async () => {
    const { world, met } = await rotated('nonRotating', 'provider.request', { kind: 'crashAfter' });
    expect(met).toEqual([connection]);
    expect([world.violations, world.invariants.windowLosses.neverSealed]).toEqual([[], 0]);
  });

  it('a sealed record that is deleted before its token is stored: lost, and said to be', async () => {
    const { world, met } = await rotated('strict', 'disk.write', { kind: 'crashAfter' });
    expect([met.length, world.violations]).toEqual([1, []]);
    const [slot] = world.slots;
    const [file = ''] = slot?.disk.files.keys() ?? [];
    void slot?.disk.bind(world.foreigner('a.2').calls).remove(file);
    await world.kernel.run();
    expect(world.violations.map(({ property }) => property)).toEqual(['lostTokens', 'recordDeletedEarly']);
  });

  it('a lease is lost by standing still until it is over', async () => {
    const world = createSmallWorld('strict', meeting('', { kind: 'ok' }).chooser, 0);
    await world.indexed();
    void world.slots[0]?.worker.rotate(connection);
    await world.kernel.run({ until: () => world.leaseHeld() });
    const over = world.befall('lease.lost');
    expect(over - world.kernel.monotonic()).toBe(world.install.settings.leaseMs);
    world.befall('redis.flush');
    expect(world.leaseHeld()).toBe(false);
  });
});
