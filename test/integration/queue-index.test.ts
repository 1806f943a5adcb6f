/** The connection index on a real Redis: what is put is found, scheduled and counted, and fits its memory. */
import { expect, test } from 'vitest';
import { seededRandom } from '../../src/runtime/random.ts';
import { adobe, docusign, entry, indexBench } from '../support/index-bench.ts';

const bench = indexBench();

test('what is put is read again, one by one, many at once and in a scan', async () => {
  const long = entry(`long/${'x'.repeat(500)}`, {
    at: adobe,
    fingerprint: '0123456789ab',
    clock: null,
    deadlineAt: null,
  });
  const plain = entry('customers/1/docusign', { nextAt: 1_790_000_000_123, extendedAt: 77, failures: 3 });
  await bench.index.put([long, plain]);
  expect(await bench.index.get(long.id)).toEqual(long);
  expect(await bench.index.getMany([plain.id, 'nobody', long.id])).toEqual([plain, undefined, long]);
  expect(await bench.everything()).toEqual([plain, long]);
  expect(await bench.index.count()).toBe(2);
});

test('a later put replaces the whole entry, and remove forgets it', async () => {
  await bench.index.put([entry('a', { fingerprint: '0123456789ab' }), entry('b')]);
  await bench.index.put([entry('a', { at: adobe, state: 'suspect', reason: 'invalid_grant', nextAt: 1 })]);
  expect((await bench.index.get('a'))?.at).toEqual(adobe);
  expect(await bench.due.upcoming(docusign, 10)).toEqual(['b']);
  expect(await bench.due.upcoming(adobe, 10)).toEqual(['a']);
  await bench.index.remove(['a', 'nobody']);
  expect(await bench.index.get('a')).toBeUndefined();
  expect(await bench.index.count()).toBe(1);
  expect(await bench.due.backlog(10_000)).toEqual({ due: 1, ready: 0 });
});

test('the last of several entries for one connection in one put is the one that counts', async () => {
  await bench.index.put([entry('a', { failures: 1 }), entry('a', { at: adobe, failures: 2, nextAt: null })]);
  expect((await bench.index.get('a'))?.failures).toBe(2);
  expect(await bench.index.count()).toBe(1);
  expect(await bench.due.backlog(1e15)).toEqual({ due: 0, ready: 0 });
});

test('batches larger than one script are written and read whole', async () => {
  const entries = Array.from({ length: 1_203 }, (_, i) => entry(`c/${String(i).padStart(5, '0')}`, { nextAt: i }));
  await bench.index.put(entries);
  expect(await bench.everything()).toEqual(entries);
  expect(await bench.index.getMany(entries.map(({ id }) => id))).toEqual(entries);
  expect(await bench.due.promote(599, 10_000)).toBe(600);
  expect(await bench.due.backlog(1_202)).toEqual({ due: 603, ready: 600 });
  await bench.index.remove(entries.map(({ id }) => id));
  expect(await bench.index.count()).toBe(0);
  expect(await bench.due.ready()).toEqual([]);
});

test('the nearest deadline is taken first, and an unknown one before all', async () => {
  await bench.index.put([
    entry('late', { deadlineAt: 90_000 }),
    entry('soon', { deadlineAt: 20_000 }),
    entry('unknown', { deadlineAt: null }),
    entry('long-past', { deadlineAt: -5_000 }),
    entry('not-due', { nextAt: 6_000, deadlineAt: 1 }),
  ]);
  expect(await bench.due.promote(5_000, 100)).toBe(4);
  expect(await bench.due.ready()).toEqual([{ at: docusign, ready: 4 }]);
  expect(await bench.due.take(docusign, 3, 50_000, -9e12)).toEqual([]);
  expect(await bench.due.take(docusign, 3, 50_000)).toEqual(['unknown', 'long-past', 'soon']);
  expect(await bench.due.take(docusign, 3, 50_000)).toEqual(['late']);
  expect(await bench.due.take(docusign, 3, 50_000)).toEqual([]);
  expect(await bench.due.ready()).toEqual([]);
});

test('what was taken comes back at the instant given, so that a lost job costs delay only', async () => {
  await bench.index.put([entry('a')]);
  await bench.due.promote(5_000, 10);
  await bench.due.take(docusign, 1, 7_000);
  expect(await bench.due.promote(6_999, 10)).toBe(0);
  expect(await bench.due.promote(7_000, 10)).toBe(1);
  expect((await bench.index.get('a'))?.nextAt).toBe(5_000);
});

test('an entry put while it is ready goes back to the due set, or nowhere when nothing is to be done', async () => {
  await bench.index.put([entry('a'), entry('b')]);
  await bench.due.promote(5_000, 10);
  await bench.index.put([entry('a', { nextAt: 8_000 }), entry('b', { nextAt: null })]);
  expect(await bench.due.ready()).toEqual([]);
  expect(await bench.due.upcoming(docusign, 10)).toEqual(['a']);
  expect(await bench.due.backlog(1e15)).toEqual({ due: 1, ready: 0 });
});

test("one client's backlog does not use up another's share of a sweep", async () => {
  await bench.index.put(Array.from({ length: 400 }, (_, i) => entry(`d/${i}`, { nextAt: 1 })));
  await bench.index.put([entry('a/1', { at: adobe, nextAt: 2 })]);
  expect(await bench.due.promote(10, 50)).toBe(50);
  expect((await bench.due.ready()).find((group) => group.at.provider === 'adobe')?.ready).toBe(1);
  expect(await bench.due.promote(10, 1_000)).toBe(351);
});

test('a clock that is turned back promotes nothing and loses nothing', async () => {
  await bench.index.put([entry('a')]);
  expect(await bench.due.promote(-1, 10)).toBe(0);
  expect(await bench.due.promote(Number.NaN, 10)).toBe(0);
  expect(await bench.due.backlog(5_000)).toEqual({ due: 1, ready: 0 });
});

test('the holder of a fingerprint is who has it first, until it changes or goes', async () => {
  const print = '0123456789ab';
  await bench.index.put([entry('a', { fingerprint: print })]);
  expect(await bench.index.holderOf(print, 'a')).toBeUndefined();
  expect(await bench.index.holderOf(print, 'b')).toBe('a');
  await bench.index.put([entry('b', { fingerprint: print })]);
  expect(await bench.index.holderOf(print, 'b')).toBe('a');
  await bench.index.put([entry('a', { fingerprint: 'ba9876543210' })]);
  expect(await bench.index.holderOf(print, 'c')).toBeUndefined();
  expect(await bench.index.holderOf('ba9876543210', 'c')).toBe('a');
  await bench.index.put([entry('b', { fingerprint: print })]);
  expect(await bench.index.holderOf(print, 'c')).toBe('b');
  await bench.index.remove(['b']);
  expect(await bench.index.holderOf(print, 'c')).toBeUndefined();
});

test('entries without a refresh token hold none', async () => {
  await bench.index.put([entry('a'), entry('b')]);
  expect(await bench.index.holderOf('', 'c')).toBeUndefined();
  expect(await bench.server.redis.keys('*:f:*')).toEqual([]);
});

test('a value of an unknown version is not understood, is replaced by the next put, and stays scheduled once only', async () => {
  await bench.index.put([entry('a', { at: adobe })]);
  const [bucket] = await bench.server.redis.keys('*:e:*');
  await bench.server.redis.hset(bucket ?? '', 'a', '9 from the future');
  expect(await bench.index.get('a')).toBeUndefined();
  expect(await bench.everything()).toEqual([]);
  await bench.index.put([entry('a')]);
  expect(await bench.index.get('a')).toEqual(entry('a'));
  expect(await bench.due.backlog(1e15)).toEqual({ due: 1, ready: 0 });
  expect(await bench.due.upcoming(adobe, 10)).toEqual([]);
});

test('after a flush in the middle everything can be put again, and numbers of groups do not get mixed up', async () => {
  await bench.index.put([entry('d'), entry('a', { at: adobe })]);
  await bench.due.promote(5_000, 10);
  await bench.server.flush();
  expect(await bench.due.promote(5_000, 10)).toBe(0);
  expect(await bench.due.take(docusign, 5, 9_000)).toEqual([]);
  expect(await bench.index.count()).toBe(0);
  await bench.index.put([entry('a', { at: adobe }), entry('d')]);
  expect((await bench.index.get('d'))?.at).toEqual(docusign);
  expect((await bench.index.get('a'))?.at).toEqual(adobe);
});

test('scripts that a restarted server has forgotten are taught again', async () => {
  await bench.server.redis.script('FLUSH');
  await bench.index.put([entry('a')]);
  await bench.server.redis.script('FLUSH');
  expect(await bench.index.get('a')).toEqual(entry('a'));
});

test('no key and no value holds more of a connection than its id, host, instants, codes and fingerprint', async () => {
  await bench.index.put([
    entry('customers/1', { fingerprint: '0123456789ab', state: 'suspect', reason: 'invalid_grant' }),
  ]);
  const dump: string[] = [];
  for (const key of await bench.server.redis.keys('*')) {
    expect(key).toMatch(
      /^\{pilotlight\}:(e|l|f|due|ready):\w+$|^\{pilotlight\}:(groups|group-names|next|entry-count)$/,
    );
    if ((await bench.server.redis.type(key)) === 'hash')
      dump.push(...Object.values(await bench.server.redis.hgetall(key)));
  }
  for (const value of dump) {
    expect(value).toMatch(/^(1?\d+,[\w.,-]{1,63}|[0-9a-f]{8}|\d+|\["docusign","production","main","d.example"\])$/);
  }
});

test('a connection costs at most 350 bytes of Redis, index, schedule and fingerprint together', async () => {
  const used = async () => Number(/used_memory:(\d+)/.exec(await bench.server.redis.info('memory'))?.[1]);
  const random = seededRandom(7);
  const entries = Array.from({ length: 100_000 }, (_, i) =>
    entry(`customers/${random.bytes(13).toString('hex')}/docusign`.slice(0, 45), {
      at: i % 2 === 0 ? docusign : adobe,
      since: 1_790_000_000_000 + i,
      nextAt: 1_791_000_000_000 + i * 1_000,
      deadlineAt: 1_792_000_000_000 + i * 1_000,
      extendedAt: 1_790_000_000_000 + i,
      fingerprint: random.bytes(6).toString('hex'),
    }),
  );
  expect(entries[0]?.id).toHaveLength(45);
  await bench.index.put(entries.slice(0, 1));
  const before = await used();
  await bench.index.put(entries);
  expect((await used()) - before).toBeLessThan(350 * entries.length);
  const buckets = await bench.server.redis.keys('*:e:*');
  expect(await bench.server.redis.object('ENCODING', buckets[0] ?? '')).toMatch(/listpack|ziplist/);
});

test('a sweep with nothing due is one round trip, however many connections and groups there are', async () => {
  const groups = Array.from({ length: 300 }, (_, i) => ({ ...docusign, client: `c${i}` }));
  await bench.index.put(groups.flatMap((at, i) => [entry(`a/${i}`, { at }), entry(`b/${i}`, { at })]));
  const calls = async () => {
    const text = String(await bench.server.redis.info('commandstats'));
    const of = (name: string) => Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(text)?.[1] ?? 0);
    return { scripts: of('evalsha') + of('eval'), looks: of('zrangebyscore'), gets: of('hget') };
  };
  await bench.due.promote(4_999, 1_000);
  const before = await calls();
  expect(await bench.due.promote(4_999, 1_000)).toBe(0);
  const after = await calls();
  expect([after.scripts - before.scripts, after.looks - before.looks, after.gets - before.gets]).toEqual([1, 1, 0]);
});
