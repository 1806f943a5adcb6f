/** The simulator's kernel: each fate does what it says, the same choices give the same trace, and the dead stay dead. */
import { describe, expect, test } from 'vitest';
import { readCase } from '../faults/crash-points/point.ts';
import { runCase } from '../faults/crash-points/run.ts';
import {
  choiceSequence,
  nextSequence,
  scriptedChooser,
  seededChooser,
  sequenceChooser,
} from '../faults/sim/choosers.ts';
import { type Fate, fateText, fine, readFate } from '../faults/sim/fate.ts';
import { type Actor, type Chooser, createKernel, type KernelEvent } from '../faults/sim/kernel.ts';

const startAt = Date.parse('2026-11-20T08:00:00Z');
const limitMs = 1_000;

/** A shelf on which actors put words: the smallest part of a world there is. */
function shelfWorld(chooser: Chooser) {
  const kernel = createKernel({ chooser, startAt, seed: 1 });
  const words: string[] = [];
  const put = (actor: Actor, word: string, limit = limitMs) =>
    actor.calls({
      name: 'shelf.put',
      about: word,
      limitMs: limit,
      effect: () => words.push(word),
      failed: (): number => {
        throw new Error('nobody knows');
      },
      torn: (fraction) => void words.push(word.slice(0, Math.floor(fraction * word.length))),
    });
  return { kernel, words, put };
}

interface Met {
  readonly words: readonly string[];
  readonly heard: string;
  readonly heardAt: number | undefined;
  readonly alive: boolean;
  readonly later: readonly string[];
}

/** One call that meets a fate; what its caller hears, and when. */
async function meet(fate: Fate): Promise<Met> {
  const { kernel, words, put } = shelfWorld(scriptedChooser([{ step: 0, fate }]));
  const actor = kernel.spawn('a');
  let heard = 'nothing';
  let heardAt: number | undefined;
  const hear = (text: string) => {
    heard = text;
    heardAt = kernel.monotonic();
  };
  put(actor, 'word').then(
    (count) => hear(`${count}`),
    (error: Error) => hear(error.message),
  );
  await kernel.run({ until: () => kernel.steps === 1 });
  const before = [...words];
  expect([...kernel.fates]).toEqual([[fate.kind, 1]]);
  await kernel.run();
  return { words: before, heard, heardAt, alive: actor.alive, later: words };
}

describe('what becomes of a call', () => {
  test.each<[Fate, Partial<Met>]>([
    [fine, { words: ['word'], heard: '1', heardAt: 1, alive: true }],
    [
      { kind: 'slow', ms: 500 },
      { words: ['word'], heard: '1', heardAt: 501, alive: true },
    ],
    [
      { kind: 'slow', ms: 5_000 },
      { words: ['word'], heard: 'nobody knows', heardAt: 1_001, alive: true },
    ],
    [{ kind: 'crashBefore' }, { words: [], heard: 'nothing', alive: false, later: [] }],
    [{ kind: 'crashAfter' }, { words: ['word'], heard: 'nothing', alive: false }],
    [
      { kind: 'crashTorn', fraction: 0.5 },
      { words: ['wo'], heard: 'nothing', alive: false },
    ],
    [
      { kind: 'crashLate', ms: 300 },
      { words: [], heard: 'nothing', alive: false, later: ['word'] },
    ],
    [{ kind: 'errorBefore' }, { words: [], heard: 'nobody knows', heardAt: 1, alive: true, later: [] }],
    [{ kind: 'errorAfter' }, { words: ['word'], heard: 'nobody knows', heardAt: 1, alive: true }],
    [{ kind: 'hangBefore' }, { words: [], heard: 'nobody knows', heardAt: 1_001, alive: true, later: [] }],
    [{ kind: 'hangAfter' }, { words: ['word'], heard: 'nobody knows', heardAt: 1_001, alive: true }],
    [
      { kind: 'hangLate', ms: 9_000 },
      { words: [], heard: 'nobody knows', heardAt: 1_001, later: ['word'] },
    ],
    [{ kind: 'duplicate' }, { words: ['word', 'word'], heard: '1', heardAt: 1, alive: true }],
  ])('%o', async (fate, expected) => {
    expect(await meet(fate)).toMatchObject(expected);
    expect(readFate(fateText(fate))).toEqual(fate);
  });

  test('one without a limit of its own hangs until its actor is killed', async () => {
    const { kernel, words, put } = shelfWorld(scriptedChooser([{ step: 0, fate: { kind: 'hangAfter' } }]));
    const actor = kernel.spawn('a');
    let heard = false;
    put(actor, 'word', Number.POSITIVE_INFINITY).finally(() => {
      heard = true;
    });
    expect(await kernel.run()).toBe('idle');
    expect([words, heard]).toEqual([['word'], false]);
  });
});

test('the dead never come back: their calls, waits and errors are lost, and what they ask for later never happens', async () => {
  const { kernel, words, put } = shelfWorld(scriptedChooser([{ step: 1, fate: { kind: 'crashAfter' } }]));
  const actor = kernel.spawn('a');
  const events: KernelEvent[] = [];
  kernel.onEvent((event) => events.push(event));
  const came: string[] = [];
  const life = async () => {
    await put(actor, 'first');
    came.push('first');
    await Promise.race([put(actor, 'second'), put(actor, 'beside'), actor.clock.sleep(10)]);
    came.push('never');
  };
  life().catch(() => came.push('never'));
  expect(await kernel.run()).toBe('idle');
  expect([actor.alive, kernel.isAlive('a'), words, came]).toEqual([false, false, ['first', 'second'], ['first']]);
  expect(events.map(({ fate, effects }) => [fate, effects])).toEqual([
    ['ok', 1],
    ['crashAfter', 1],
  ]);
  put(actor, 'from the grave').then(
    () => came.push('never'),
    () => came.push('never'),
  );
  expect(await kernel.run()).toBe('idle');
  expect([words, came]).toEqual([['first', 'second'], ['first']]);
  expect(() => kernel.spawn('a')).toThrow('called a before');
});

test('a stopped process hears nothing and wakes late, while what it has sent goes on', async () => {
  const { kernel, words, put } = shelfWorld(scriptedChooser([]));
  const actor = kernel.spawn('a');
  const heardAt: number[] = [];
  put(actor, 'word').then(() => heardAt.push(kernel.monotonic()));
  actor.clock.sleep(10).then(() => heardAt.push(kernel.monotonic()));
  actor.stop(60_000);
  await kernel.run({ forMs: 100 });
  expect([words, heardAt]).toEqual([['word'], []]);
  await kernel.run();
  expect(heardAt).toEqual([60_000, 60_000]);
});

test('a wait ends early when it is aborted, and a turned calendar leaves it alone', async () => {
  const { kernel } = shelfWorld(scriptedChooser([]));
  const actor = kernel.spawn('a');
  const stop = new AbortController();
  let ended = '';
  actor.clock.sleep(5_000, stop.signal).catch((reason: Error) => {
    ended = `${reason.message} at ${kernel.monotonic()}`;
  });
  kernel.after(20, () => stop.abort(new Error('enough')));
  kernel.turnCalendar(86_400_000);
  actor.skewMs = -1_000;
  expect(await kernel.run()).toBe('idle');
  expect(ended).toBe('enough at 20');
  expect([kernel.now() - startAt, actor.clock.now() - kernel.now()]).toEqual([86_400_020, -1_000]);
});

test('the same seed gives the same trace twice, and another seed another', async () => {
  const run = async (seed: number) => {
    const kernelFate = (share: number): Fate => (share < 0.2 ? { kind: 'errorAfter' } : fine);
    const { kernel, words, put } = shelfWorld(
      seededChooser({
        seed,
        latencyMs: (_, dice) => dice.below(40),
        fate: (_, dice) => kernelFate(dice.fraction()),
      }),
    );
    const actors = ['a', 'b', 'c'].map((name) => kernel.spawn(name));
    for (const actor of actors) {
      void (async () => {
        for (let nth = 0; nth < 20; nth++) await put(actor, actor.random.uuid()).catch(() => actor.clock.sleep(7));
      })();
    }
    expect(await kernel.run()).toBe('idle');
    expect(kernel.fates.get('errorAfter')).toBeGreaterThan(0);
    return { hash: kernel.trace.hash, words };
  };
  const [first, second, other] = [await run(7), await run(7), await run(8)];
  expect(first).toEqual(second);
  expect(first.hash).not.toBe(other.hash);
});

test('a sequence of choices reaches every order of two actors and every fate, each once', async () => {
  const seen = new Map<string, number>();
  let prefix: number[] | undefined = [];
  while (prefix !== undefined) {
    const sequence = choiceSequence(prefix);
    const { kernel, words, put } = shelfWorld(
      sequenceChooser({
        choose: sequence.choose,
        fates: ({ nth }) => (nth === 0 ? [fine] : [fine, { kind: 'crashBefore' }]),
      }),
    );
    for (const name of ['a', 'b']) {
      const actor = kernel.spawn(name);
      void put(actor, `${name}1`).then(() => put(actor, `${name}2`));
    }
    await kernel.run();
    const order = words.join(' ');
    seen.set(order, (seen.get(order) ?? 0) + 1);
    prefix = nextSequence(sequence);
  }
  // Six orders of all four; without a2 its crash may come at any place after a1, and so on.
  expect([...seen.keys()].filter((order) => order.length === 11)).toHaveLength(6);
  expect([...seen.values()].reduce((sum, count) => sum + count, 0)).toBe(24);
});

test('a whole simulated life is the same twice, meets its faults, and holds what must hold', async () => {
  const life = () => runCase(readCase('16:crashAfter:other:grace+40:errorAfter'), { liveOn: true });
  const [first, second] = [await life(), await life()];
  expect(first.traceHash).toBe(second.traceHash);
  expect(first).toMatchObject({ broken: [], fired: 2, windowLosses: 0, secondTriesWon: 1 });
});
