/** One fsync for many callers: each is covered by a sync that began after it came, and a failure reaches all it concerns. */
import { describe, expect, it } from 'vitest';
import { sharedSync } from '../../src/spool/shared-sync.ts';

function counted() {
  const running: { succeed: () => void; fail: (error: Error) => void }[] = [];
  const sync = sharedSync(() => new Promise<void>((succeed, fail) => running.push({ succeed, fail })));
  return { sync, running };
}

const settled = (promise: Promise<void>) =>
  promise.then(
    () => 'synced' as const,
    (error: Error) => error.message,
  );
/** Lets every promise that can go on do so. */
const turn = () => new Promise<void>((done) => setImmediate(done));

describe('a shared sync', () => {
  it('runs one more for everybody who came while one was running, however many', async () => {
    const { sync, running } = counted();
    const first = settled(sync());
    const others = [1, 2, 3, 4, 5].map(() => settled(sync()));
    expect(running).toHaveLength(1);
    running[0]?.succeed();
    expect(await first).toBe('synced');
    await turn();
    expect(running).toHaveLength(2);
    let early = 0;
    for (const other of others) void other.then(() => early++);
    await turn();
    expect(early).toBe(0);
    running[1]?.succeed();
    expect(await Promise.all(others)).toEqual(['synced', 'synced', 'synced', 'synced', 'synced']);
    expect(running).toHaveLength(2);
  });

  it('never answers with one that began before the caller came', async () => {
    const { sync, running } = counted();
    const done: string[] = [];
    void sync().then(() => done.push('first'));
    void sync().then(() => done.push('second'));
    running[0]?.succeed();
    await turn();
    expect(done).toEqual(['first']);
    void sync().then(() => done.push('third'));
    running[1]?.succeed();
    await turn();
    expect(done).toEqual(['first', 'second']);
    running[2]?.succeed();
    await turn();
    expect(done).toEqual(['first', 'second', 'third']);
  });

  it('that fails fails those who waited for the next one too: Linux may report that as a success', async () => {
    const { sync, running } = counted();
    const first = settled(sync());
    const waiting = settled(sync());
    running[0]?.fail(new Error('EIO'));
    expect([await first, await waiting]).toEqual(['EIO', 'EIO']);
    expect(running).toHaveLength(1);
    const later = settled(sync());
    running[1]?.succeed();
    expect(await later).toBe('synced');
  });

  it('starts anew once all is quiet', async () => {
    const { sync, running } = counted();
    for (const round of [0, 1, 2]) {
      const done = settled(sync());
      running[round]?.succeed();
      expect(await done).toBe('synced');
      await turn();
    }
    expect(running).toHaveLength(3);
  });
});
