/** A few at a time: how many run, in which order they are told, and what a failure or an early end leaves running. */
import { describe, expect, it } from 'vitest';
import { sideBySide } from '../../src/runtime/side-by-side.ts';

/** Acts that end when they are told to. */
function acts() {
  const open = new Map<number, PromiseWithResolvers<string>>();
  const begun: number[] = [];
  const act = (item: number) => {
    begun.push(item);
    const end = Promise.withResolvers<string>();
    open.set(item, end);
    return end.promise;
  };
  return { act, begun, end: (item: number) => open.get(item)?.resolve(`made ${item}`), open };
}

describe('many of a kind', () => {
  it('run a few at a time, and are told in the order they end', async () => {
    const { act, begun, end } = acts();
    const told = sideBySide([1, 2, 3, 4], 2, act);
    const first = told.next();
    expect(begun).toEqual([1, 2]);
    end(2);
    expect((await first).value).toBe('made 2');
    const second = told.next();
    end(3);
    expect((await second).value).toBe('made 3');
    const rest = [told.next(), told.next(), told.next()];
    end(1);
    await rest[0];
    end(4);
    expect((await Promise.all(rest)).map(({ value }) => value)).toEqual(['made 1', 'made 4', undefined]);
    expect(begun).toEqual([1, 2, 3, 4]);
  });

  it('are waited for by one who stops listening, and no further one begins', async () => {
    const { act, begun, end } = acts();
    const told = sideBySide([1, 2, 3], 2, act);
    const first = told.next();
    end(1);
    await first;
    let stopped = false;
    const stop = told.return(undefined).then(() => {
      stopped = true;
    });
    await Promise.resolve();
    expect(stopped).toBe(false);
    end(2);
    await stop;
    expect(begun).toEqual([1, 2]);
  });

  it('end with the first failure, after those that run', async () => {
    const { act, begun, end, open } = acts();
    const told = sideBySide([1, 2, 3], 2, act);
    const first = told.next();
    open.get(1)?.reject(new Error('no'));
    end(2);
    await expect(first).rejects.toThrow('no');
    expect(begun).toEqual([1, 2]);
  });
});
