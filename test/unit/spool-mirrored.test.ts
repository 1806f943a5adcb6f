/** The disk's records and their twins in the mirror: what happens in which order, and what is made up for when one of them fails. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SpoolMirror } from '../../src/rotation/ports.ts';
import { PilotlightError } from '../../src/runtime/errors.ts';
import { seededRandom } from '../../src/runtime/random.ts';
import { type DiskSpool, openDiskSpool, recordFile } from '../../src/spool/disk.ts';
import { openDiskFiles } from '../../src/spool/disk-files.ts';
import type { SpoolFiles } from '../../src/spool/files.ts';
import { mirroredSpool } from '../../src/spool/mirrored.ts';
import { answerOf, intentOf, ringA, type SpoolFolder, spoolFolder } from '../support/fakes/spool-files.ts';

const random = seededRandom(11);
let folder: SpoolFolder;
let disk: DiskSpool;
beforeEach(async () => {
  folder = spoolFolder();
  disk = await folder.open();
});
afterEach(() => folder.remove());

/** A mirror in memory that can be away. */
function memoryMirror() {
  const kept = new Map<string, Map<string, Buffer>>();
  const state = { away: false, asked: [] as string[] };
  const ask = (word: string) => {
    state.asked.push(word);
    if (state.away) throw new PilotlightError('redis_unavailable', 'away');
  };
  const mirror: SpoolMirror = {
    async keep(connection, attempt, bytes) {
      ask('keep');
      if ((kept.get(connection)?.get(attempt)?.length ?? 0) >= bytes.length) return;
      kept.set(connection, (kept.get(connection) ?? new Map()).set(attempt, bytes));
    },
    async drop(connection, attempt) {
      ask('drop');
      kept.get(connection)?.delete(attempt);
      if (kept.get(connection)?.size === 0) kept.delete(connection);
    },
    async of(connection) {
      ask('of');
      return new Map(kept.get(connection) ?? []);
    },
    async *connections() {
      ask('connections');
      yield [...kept.keys()];
    },
  };
  return { mirror, kept, state };
}

const spoolOver = (mirror: SpoolMirror, over: DiskSpool = disk) =>
  mirroredSpool({ disk: over, mirror, keyring: ringA, install: 'test' });

/** A disk that takes an intent and refuses its answer. */
async function refusingDisk(): Promise<DiskSpool> {
  const files = await openDiskFiles(folder.directory);
  const write = () => Promise.reject(Object.assign(new Error('input/output error'), { code: 'EIO' }));
  const refusing: SpoolFiles = {
    ...files,
    create: async (name, bytes) => ({ ...(await files.create(name, bytes)), write }),
  };
  return openDiskSpool({ files: refusing, keyring: ringA, install: 'test', answerSpaceBytes: 8_192, random });
}

describe('an intent', () => {
  it('the mirror does not acknowledge is no intent: nothing of it stays on the disk', async () => {
    const { mirror, state } = memoryMirror();
    state.away = true;
    await expect(spoolOver(mirror).begin(intentOf())).rejects.toMatchObject({ code: 'redis_unavailable' });
    expect(state.asked).toEqual(['keep', 'drop']);
    expect(folder.files()).toEqual([]);
  });

  it('that may have reached the mirror all the same is taken out of it later, and believed by nobody until then', async () => {
    const { mirror, kept, state } = memoryMirror();
    const late: SpoolMirror = {
      ...mirror,
      async keep(connection, attempt, bytes) {
        await mirror.keep(connection, attempt, bytes);
        state.away = true;
        throw new PilotlightError('redis_unavailable', 'the acknowledgement was lost');
      },
    };
    const spool = spoolOver(late);
    const intent = intentOf();
    await expect(spool.begin(intent)).rejects.toMatchObject({ code: 'redis_unavailable' });
    expect(kept.get(intent.connection)?.size).toBe(1);
    state.away = false;
    expect((await spool.openOf(intent.connection)).records).toEqual([]);
    await spool.refreshMirror();
    expect(kept).toEqual(new Map());
  });
});

describe('an answer', () => {
  it('is on the disk before the mirror hears of it, and waits for no mirror', async () => {
    const { mirror } = memoryMirror();
    const reached = Promise.withResolvers<string>();
    const slow: SpoolMirror = {
      ...mirror,
      keep: (connection, attempt, bytes) =>
        bytes.length > 700
          ? new Promise(() => reached.resolve(disk.recordsOf(connection)[0]?.state ?? 'gone'))
          : mirror.keep(connection, attempt, bytes),
    };
    const record = await spoolOver(slow).begin(intentOf());
    await record.seal(answerOf({ body: Buffer.alloc(700, 'x') }));
    expect(await reached.promise).toBe('answered');
  });

  it('no disk takes is in the mirror before the failure is told, and is finished from there', async () => {
    const { mirror, kept } = memoryMirror();
    const broken = await refusingDisk();
    const spool = spoolOver(mirror, broken);
    const intent = intentOf();
    const record = await spool.begin(intent);
    await expect(record.seal(answerOf())).rejects.toMatchObject({ code: 'spool_unwritable' });
    expect(record.state).toBe('intent');
    const { records } = await spool.openOf(intent.connection);
    expect(records).toMatchObject([{ intent, state: 'answered' }]);
    expect(await records[0]?.answer()).toEqual(answerOf());
    await records[0]?.remove();
    expect([folder.files(), kept]).toEqual([[], new Map()]);
    await broken.close();
  });

  it('that another worker left is opened with the same keys, and cannot be sealed anew', async () => {
    const { mirror } = memoryMirror();
    const record = await spoolOver(mirror).begin(intentOf());
    await record.seal(answerOf());
    const elsewhere = spoolFolder();
    const other = spoolOver(mirror, await elsewhere.open());
    const [found] = (await other.openOf(record.intent.connection)).records;
    expect(found).toMatchObject({ intent: record.intent, state: 'answered' });
    expect(await found?.answer()).toEqual(answerOf());
    await expect(found?.seal(answerOf())).rejects.toMatchObject({ code: 'spool_unwritable' });
    await elsewhere.remove();
  });

  it('goes from disk and mirror when it is done, even where the mirror was away for it', async () => {
    const { mirror, kept, state } = memoryMirror();
    const spool = spoolOver(mirror);
    const record = await spool.begin(intentOf());
    await record.seal(answerOf());
    state.away = true;
    await record.remove();
    expect(folder.files()).toEqual([]);
    state.away = false;
    await spool.refreshMirror();
    expect(kept).toEqual(new Map());
  });
});

describe('what the disk holds less of than the mirror', () => {
  it('never takes the place of the answer there', async () => {
    const { mirror } = memoryMirror();
    const broken = await refusingDisk();
    const intent = intentOf();
    const record = await spoolOver(mirror, broken).begin(intent);
    await expect(record.seal(answerOf())).rejects.toMatchObject({ code: 'spool_unwritable' });
    await broken.close();
    const successor = spoolOver(mirror, await folder.open());
    await successor.refreshMirror();
    expect((await successor.openOf(intent.connection)).records).toMatchObject([{ state: 'answered' }]);
  });

  it('blocks its connection where the file cannot be read, and is read when it can', async () => {
    const { mirror } = memoryMirror();
    const record = await spoolOver(mirror).begin(intentOf());
    const { connection } = record.intent;
    const files = await openDiskFiles(folder.directory);
    const state = { broken: true };
    const read: SpoolFiles['read'] = async (name) => (state.broken ? 'file_unreadable' : files.read(name));
    const options = { keyring: ringA, install: 'test', answerSpaceBytes: 8_192, random };
    const after = await openDiskSpool({ ...options, files: { ...files, read } });
    const spool = spoolOver(mirror, after);
    expect((await spool.openOf(connection)).unreadable).toMatchObject([{ connection, why: 'file_unreadable' }]);
    await record.seal(answerOf());
    state.broken = false;
    await spool.refreshMirror();
    expect(await spool.openOf(connection)).toMatchObject({ records: [{ state: 'answered' }], unreadable: [] });
    await after.close();
  });
});

describe('an answer the disk spoils while the process lives', () => {
  const spoil = (attempt: string, at: number) => {
    const path = join(folder.directory, recordFile(attempt));
    const bytes = readFileSync(path);
    bytes[at] = (bytes[at] ?? 0) ^ 0xff;
    writeFileSync(path, bytes);
  };
  /** Bytes of its ciphertext, and of its length. */
  const places = [4_200, 4_098];

  it.each(places)('at byte %i is read from its twin in the mirror, and then neither is left', async (at) => {
    const { mirror, kept } = memoryMirror();
    const spool = spoolOver(mirror);
    const { intent, seal } = await spool.begin(intentOf());
    await seal(answerOf());
    await spool.refreshMirror();
    spoil(intent.attempt, at);
    await spool.refreshMirror();
    const [record] = (await spool.openOf(intent.connection)).records;
    expect(await record?.answer()).toEqual(answerOf());
    await record?.remove();
    expect([folder.files(), kept]).toEqual([[], new Map()]);
  });

  it('and that has no twin is said to be unreadable, and keeps no other one from the mirror', async () => {
    const { mirror, kept } = memoryMirror();
    const spool = spoolOver(mirror);
    const spoilt = await spool.begin(intentOf());
    const sound = await spool.begin(intentOf());
    for (const record of [spoilt, sound]) await record.seal(answerOf());
    await spool.refreshMirror();
    spoil(spoilt.intent.attempt, 4_200);
    kept.clear();
    await spool.refreshMirror();
    expect([...kept.keys()]).toEqual([sound.intent.connection]);
    const [record] = (await spool.openOf(spoilt.intent.connection)).records;
    await expect(record?.answer()).rejects.toMatchObject({ code: 'spool_unreadable' });
  });
});

describe('a Redis that lost everything', () => {
  it('is given every open record again, with its answer', async () => {
    const { mirror, kept } = memoryMirror();
    const spool = spoolOver(mirror);
    const open = await spool.begin(intentOf());
    const answered = await spool.begin(intentOf());
    await answered.seal(answerOf());
    kept.clear();
    const found = spoolOver(mirror, await folder.open());
    await found.refreshMirror();
    const elsewhere = spoolFolder();
    const other = spoolOver(mirror, await elsewhere.open());
    expect((await other.openOf(open.intent.connection)).records).toMatchObject([{ state: 'intent' }]);
    const [again] = (await other.openOf(answered.intent.connection)).records;
    expect(await again?.answer()).toEqual(answerOf());
    await elsewhere.remove();
  });
});
