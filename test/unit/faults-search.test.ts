/** The search comes to every state there is, each once, and says of each run how to have it again. */
import { describe, expect, it } from 'vitest';
import { Secret } from '../../src/runtime/secret.ts';
import { canon } from '../faults/exhaustive/canon.ts';
import { type RunChoices, replayed, search } from '../faults/exhaustive/search.ts';

const everything = { runsMax: 100_000, enough: () => false };

/** Two counters that go from 0 to `top`, one step at a time, whoever's turn it is; a fault makes a step of ten. */
function counters(top: number, faults: number) {
  const ends = new Set<string>();
  const run = async ({ choose }: RunChoices) => {
    const at = [0, 0];
    let left = faults;
    for (;;) {
      const moves = [0, 1].filter((who) => (at[who] ?? 0) % 10 < top);
      const all = moves.flatMap((who) => (left > 0 ? [[who, 1] as const, [who, 10] as const] : [[who, 1] as const]));
      if (all.length === 0) return void ends.add(at.join());
      const choice = choose(all.length, () => ({ key: at.join(), spare: left }));
      const move = choice === undefined ? undefined : all[choice];
      if (move === undefined) return;
      const [who, step] = move;
      if (step === 10) left -= 1;
      at[who] = (at[who] ?? 0) + step;
    }
  };
  return { run, ends };
}

describe('a search', () => {
  it('sees each state of two counters once, however many ways lead there', async () => {
    const { run, ends } = counters(6, 0);
    const searched = await search(run, everything);
    expect(searched).toMatchObject({ states: 7 * 7 - 1, complete: true });
    expect(searched.schedules).toBe(1 + 6 * 6);
    expect(searched.pruned).toBeGreaterThan(20);
    expect(ends.size).toBe(1);
  });

  it('goes on from a state seen before where it has more to spare than then', async () => {
    const { run, ends } = counters(4, 2);
    expect(await search(run, everything)).toMatchObject({ complete: true });
    expect([...ends].sort()).toEqual(['14,14', '14,4', '24,4', '4,14', '4,24', '4,4']);
  });

  it('says that it is not complete where it had to stop', async () => {
    const { run } = counters(6, 2);
    expect(await search(run, { runsMax: 10, enough: () => false })).toMatchObject({ schedules: 10, complete: false });
    expect(await search(run, { runsMax: 10, enough: () => true })).toMatchObject({ schedules: 0, complete: false });
  });

  it('replays a sequence, then takes the first of everything', async () => {
    const taken: number[] = [];
    const { run } = counters(2, 0);
    const { choose } = replayed([1, 1]);
    await run({
      choose(count, state) {
        const choice = choose(count, state);
        taken.push(choice ?? -1);
        return choice;
      },
    });
    expect(taken).toEqual([1, 1, 0, 0]);
  });
});

describe('a canonical text', () => {
  it('is the same for equal values whatever the order of their members, and another for every other value', () => {
    const value = { b: new Secret('t'), a: [1, new Map([['x', Buffer.from('1')]])] };
    expect(canon({ a: [1, new Map([['x', Buffer.from('1')]])], b: new Secret('t') })).toBe(canon(value));
    const others = [
      { ...value, b: new Secret('u') },
      { ...value, a: [1, new Map([['x', Buffer.from('2')]])] },
      { ...value, b: 't' },
      { ...value, c: undefined },
      Object.assign(new Error('x'), { code: 'EIO' }),
      new Error('x'),
      '1',
      1,
      null,
    ];
    expect(new Set([value, ...others].map(canon)).size).toBe(others.length + 1);
  });
});
