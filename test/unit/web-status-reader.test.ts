/** The status reader: right order and counts out of pages in no order, flat memory, one pass shared by all who ask. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { IndexEntry } from '../../src/connection/entry.ts';
import { createHeartbeats } from '../../src/web/heartbeats.ts';
import { allowsHost, isLoopback } from '../../src/web/host.ts';
import { byDeadline, createStatusReader } from '../../src/web/status-reader.ts';
import { fakeEntry, fakeFacts, fakeIndex, fakeNow } from '../browser/fake-status.ts';

const dayMs = 86_400_000;

function reading(entries: readonly IndexEntry[], options: { cacheMs?: number; fail?: () => boolean } = {}) {
  const state = { scans: 0, monotonic: 0 };
  const reader = createStatusReader({
    index: {
      async *scan() {
        state.scans += 1;
        if (options.fail?.() === true) throw new Error('redis gone');
        yield* fakeIndex(entries).scan();
      },
    },
    clock: { now: () => fakeNow, monotonic: () => state.monotonic },
    facts: async () => fakeFacts(),
    urgencyOf: () => 'none',
    ...(options.cacheMs === undefined ? {} : { cacheMs: options.cacheMs }),
  });
  return { reader, state };
}

const ids = (rows: readonly { entry: IndexEntry }[]) => rows.map(({ entry }) => entry.id);

describe('createStatusReader', () => {
  it('lists the nearest deadline first, unknown ones after, and what is proven dead last', async () => {
    const { reader } = reading([
      fakeEntry({ id: 'dead', state: 'reauth_required', deadlineAt: fakeNow - dayMs }),
      fakeEntry({ id: 'unknown', deadlineAt: null }),
      fakeEntry({ id: 'far', deadlineAt: fakeNow + 9 * dayMs }),
      fakeEntry({ id: 'b', deadlineAt: fakeNow }),
      fakeEntry({ id: 'a', deadlineAt: fakeNow }),
      fakeEntry({ id: 'over', deadlineAt: fakeNow - 9 * dayMs }),
    ]);
    expect(ids((await reader.read({ page: 1, size: 50 })).rows)).toEqual(['over', 'a', 'b', 'far', 'unknown', 'dead']);
  });

  it('shows on its pages every connection once, in order, whatever order the index has', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 400 }),
        fc.integer({ min: 1, max: 60 }),
        async (days, size) => {
          const entries = days.map((day, i) =>
            fakeEntry({ id: `c${String(i).padStart(4, '0')}`, deadlineAt: day === 0 ? null : fakeNow + day * dayMs }),
          );
          const { reader } = reading(entries);
          const seen: string[] = [];
          for (let page = 1; ; page += 1) {
            const { rows, matching } = await reader.read({ page, size });
            expect(matching).toBe(entries.length);
            if (rows.length === 0) break;
            seen.push(...ids(rows));
          }
          expect(seen).toEqual([...entries].sort(byDeadline).map(({ id }) => id));
        },
      ),
      { numRuns: 30 },
    );
  });

  it('filters by provider, state and text, and still counts all', async () => {
    const { reader } = reading([
      fakeEntry({ id: 'Acme/1', at: { ...fakeEntry().at, client: 'Main' } }),
      fakeEntry({ id: 'beta/2', state: 'suspect' }),
      fakeEntry({ id: 'gamma', at: { ...fakeEntry().at, provider: 'adobe-sign' } }),
    ]);
    const found = async (query: object) => {
      const { rows, matching, overview } = await reader.read({ page: 1, size: 50, ...query });
      expect(overview.census.total).toBe(3);
      expect(matching).toBe(rows.length);
      return ids(rows);
    };
    expect(await found({ text: 'aCME' })).toEqual(['Acme/1']);
    expect(await found({ text: 'main', provider: 'docusign' })).toEqual(['Acme/1', 'beta/2']);
    expect(await found({ state: 'suspect' })).toEqual(['beta/2']);
    expect(await found({ provider: 'adobe-sign' })).toEqual(['gamma']);
    expect(await found({ provider: 'adobe-sign', state: 'suspect' })).toEqual([]);
  });

  it('shows 200 rows at most of 100,000 connections', async () => {
    const at = fakeEntry().at;
    const index = {
      async *scan() {
        for (let page = 0; page < 100; page += 1) {
          yield Array.from({ length: 1_000 }, (_, i) =>
            fakeEntry({ id: `c${page}-${i}`, at, deadlineAt: fakeNow + (((page * 1_000 + i) * 7_919) % (30 * dayMs)) }),
          );
        }
      },
    };
    const reader = createStatusReader({
      index,
      clock: { now: () => fakeNow, monotonic: () => 0 },
      facts: async () => fakeFacts(),
      urgencyOf: () => 'none',
    });
    const { rows, matching } = await reader.read({ page: 1, size: 100_000 });
    expect(rows).toHaveLength(200);
    expect(matching).toBe(100_000);
    expect(rows[0]?.entry.id).toBe('c0-0');
  });

  it('makes one pass for all who ask at the same time, and another when it is old', async () => {
    const { reader, state } = reading([fakeEntry()], { cacheMs: 3_000 });
    await Promise.all([1, 2, 3].map(() => reader.read({ page: 1, size: 50 })));
    state.monotonic = 2_999;
    await reader.read({ page: 1, size: 50 });
    expect(state.scans).toBe(1);
    state.monotonic = 3_000;
    await reader.read({ page: 1, size: 50 });
    expect(state.scans).toBe(2);
  });

  it('joins a pass under way however long it takes', async () => {
    const gate = Promise.withResolvers<void>();
    let scans = 0;
    const state = { monotonic: 0 };
    const reader = createStatusReader({
      index: {
        async *scan() {
          scans += 1;
          await gate.promise;
          yield [fakeEntry()];
        },
      },
      clock: { now: () => fakeNow, monotonic: () => state.monotonic },
      facts: async () => fakeFacts(),
      urgencyOf: () => 'none',
    });
    const first = reader.read({ page: 1, size: 50 });
    state.monotonic = 600_000;
    const second = reader.read({ page: 1, size: 50 });
    gate.resolve();
    await Promise.all([first, second]);
    expect(scans).toBe(1);
  });

  it('does not remember a failure', async () => {
    let fails = 0;
    const { reader } = reading([fakeEntry()], { cacheMs: 60_000, fail: () => fails++ === 0 });
    await expect(reader.read({ page: 1, size: 50 })).rejects.toThrow('redis gone');
    expect((await reader.read({ page: 1, size: 50 })).matching).toBe(1);
    expect(fails).toBe(2);
  });

  it('keeps few filters at once', async () => {
    const { reader, state } = reading([fakeEntry()], { cacheMs: 60_000 });
    for (let i = 0; i < 50; i += 1) await reader.read({ page: 1, size: 50, text: String(i) });
    expect(state.scans).toBe(50);
    await reader.read({ page: 1, size: 50, text: '49' });
    expect(state.scans).toBe(50);
    await reader.read({ page: 1, size: 50, text: '0' });
    expect(state.scans).toBe(51);
  });
});

describe('createHeartbeats', () => {
  it('tells the age of each loop since its last beat, in monotonic time', () => {
    let monotonic = 100;
    const beats = createHeartbeats({ monotonic: () => monotonic });
    const beat = beats.expect('sweep', 5_000);
    beats.expect('queue', 9_000);
    monotonic = 1_100;
    beat();
    monotonic = 1_500;
    expect(beats.read()).toEqual([
      { name: 'sweep', ageMs: 400, ageMsMax: 5_000 },
      { name: 'queue', ageMs: 1_400, ageMsMax: 9_000 },
    ]);
    beats.forget('sweep');
    beat();
    expect(beats.read().map(({ name }) => name)).toEqual(['queue']);
  });
});

describe('the Host header', () => {
  it.each([
    'localhost',
    'LOCALHOST:8080',
    '127.0.0.1:80',
    '127.8.8.8',
    '[::1]:8080',
  ])('takes %s for loopback', (host) => {
    expect(allowsHost(host, [])).toBe(true);
  });

  it.each([
    undefined,
    '',
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'localhost@evil',
    '127.0.0.1:80:80',
    '[::2]',
    '0.0.0.0',
    'localhost:8080/x',
  ])('refuses %s', (host) => {
    expect(allowsHost(host, [])).toBe(false);
  });

  it('takes further names only where they are given', () => {
    expect(allowsHost('pilotlight.internal:8080', ['Pilotlight.Internal'])).toBe(true);
    expect(allowsHost('other.internal', ['pilotlight.internal'])).toBe(false);
  });

  it('knows which addresses only this machine reaches', () => {
    expect(['127.0.0.1', '::1', '[::1]', 'localhost'].every(isLoopback)).toBe(true);
    expect(['0.0.0.0', '::', '10.0.0.1', '127.evil.example'].some(isLoopback)).toBe(false);
  });
});
