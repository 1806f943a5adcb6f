/** The spool as somebody sees it who works beside its owner: never stale, nothing taken away, nothing taken for broken that is not. */
import { rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Intent, SpoolMirror } from '../../src/rotation/ports.ts';
import { PilotlightError } from '../../src/runtime/errors.ts';
import { seededRandom } from '../../src/runtime/random.ts';
import type { DiskSpool } from '../../src/spool/disk.ts';
import { openDiskFiles } from '../../src/spool/disk-files.ts';
import type { SpoolFiles } from '../../src/spool/files.ts';
import { answerStart, encodeRecord } from '../../src/spool/format.ts';
import type { Keyring } from '../../src/spool/keyring.ts';
import { mirroredSpool } from '../../src/spool/mirrored.ts';
import { visitingSpool } from '../../src/spool/visiting.ts';
import {
  answerOf,
  canary,
  intentOf,
  ringA,
  ringB,
  type SpoolFolder,
  spoolFolder,
} from '../support/fakes/spool-files.ts';

let folder: SpoolFolder;
let owner: DiskSpool;
let kept: Map<string, Map<string, Buffer>>;
let away: boolean;
let secondLook: () => void;

const mirror: SpoolMirror = {
  async keep(connection, attempt, bytes) {
    kept.set(connection, (kept.get(connection) ?? new Map()).set(attempt, bytes));
  },
  async drop(connection, attempt) {
    kept.get(connection)?.delete(attempt);
    if (kept.get(connection)?.size === 0) kept.delete(connection);
  },
  of: async (connection) => new Map(kept.get(connection) ?? []),
  async *connections() {
    if (away) throw new PilotlightError('redis_unavailable', 'away');
    // A scan of Redis may name one twice.
    yield [...kept.keys(), ...kept.keys()];
  },
};

beforeEach(async () => {
  folder = spoolFolder();
  owner = await folder.open();
  kept = new Map();
  away = false;
  secondLook = () => {};
});
afterEach(() => folder.remove());

async function visit(change: { keyring?: Keyring; over?: (files: SpoolFiles) => SpoolFiles } = {}) {
  const { keyring = ringA, over = (files) => files } = change;
  const files = over(await openDiskFiles(folder.directory));
  return visitingSpool({
    ...{ files, keyring, install: 'test', answerSpaceBytes: 8_192, random: seededRandom(3), mirror },
    clock: { sleep: async () => secondLook() },
  });
}

const mirrored = () => mirroredSpool({ disk: owner, mirror, keyring: ringA, install: 'test' });
const pathOf = ({ attempt }: Intent) => join(folder.directory, `${attempt}.rec`);
const connectionsOf = async (spool: Awaited<ReturnType<typeof visit>>) => {
  const found: string[] = [];
  for await (const page of spool.connections()) found.push(...page);
  return found;
};

describe('what a visitor sees', () => {
  it('is the record as it is now, not as it was when it came', async () => {
    const record = await owner.begin(intentOf({ connection: 'acme' }));
    const spool = await visit();
    expect(await connectionsOf(spool)).toEqual(['acme']);
    expect((await spool.openOf('acme')).records).toMatchObject([{ state: 'intent' }]);
    await record.seal(answerOf());
    const [seen] = (await spool.openOf('acme')).records;
    expect(seen?.state).toBe('answered');
    expect(String((await seen?.answer())?.body)).toContain(canary);
    await record.remove();
    expect(await spool.openOf('acme')).toEqual({ records: [], unreadable: [] });
  });

  it('of one connection costs no look at the files of others, and misses none that came since', async () => {
    const reads: string[] = [];
    for (const connection of ['a', 'b', 'c']) await owner.begin(intentOf({ connection }));
    const counting = (files: SpoolFiles): SpoolFiles => ({
      ...files,
      async read(name) {
        reads.push(name);
        return files.read(name);
      },
    });
    const spool = await visit({ over: counting });
    await spool.survey();
    reads.length = 0;
    await owner.begin(intentOf({ connection: 'b' }));
    expect((await spool.openOf('b')).records).toHaveLength(2);
    expect(reads).toHaveLength(2);
  });

  it('it may finish: file and mirror are gone, and the owner takes that for finished', async () => {
    const record = await mirrored().begin(intentOf({ connection: 'acme' }));
    await record.seal(answerOf());
    const [seen] = (await (await visit()).openOf('acme')).records;
    await seen?.remove();
    expect(folder.files()).toEqual([]);
    expect(kept.size).toBe(0);
    expect(await owner.recordsOf('acme')[0]?.answer()).toBeUndefined();
    expect(owner.stats()).toMatchObject({ records: 0, answered: 0 });
  });

  it('it neither spends nor puts anything back into the mirror', async () => {
    await owner.begin(intentOf({ connection: 'acme' }));
    const spool = await visit();
    await expect(spool.begin(intentOf())).rejects.toMatchObject({ code: 'refused' });
    await spool.refreshMirror();
    expect(kept.size).toBe(0);
    expect(folder.files()).toHaveLength(1);
  });
});

describe('a survey', () => {
  it('names every record once, oldest first, with the place of each copy', async () => {
    const both = await mirrored().begin(intentOf({ connection: 'both', startedAt: 2_000 }));
    await both.seal(answerOf());
    await owner.begin(intentOf({ connection: 'disk', startedAt: 3_000 }));
    const gone = await mirrored().begin(intentOf({ connection: 'mirror', startedAt: 1_000 }));
    rmSync(pathOf(gone.intent));
    const { items, mirrorRead } = await (await visit()).survey();
    expect(mirrorRead).toBe(true);
    expect(items.map(({ connection, state, where }) => [connection, state, where])).toEqual([
      ['mirror', 'intent', 'mirror'],
      ['both', 'answered', 'both'],
      ['disk', 'intent', 'disk'],
    ]);
    expect(items.flatMap(({ problems }) => problems)).toEqual([]);
  });

  it('takes the better of two copies, and says what is wrong with the other', async () => {
    const record = await mirrored().begin(intentOf({ connection: 'acme' }));
    await record.seal(answerOf());
    await expect.poll(() => kept.get('acme')?.get(record.intent.attempt)?.length).toBeGreaterThan(500);
    truncateSync(pathOf(record.intent), answerStart + 40);
    const { items } = await (await visit()).survey();
    expect(items).toMatchObject([{ connection: 'acme', state: 'answered', where: 'both' }]);
    expect(items[0]?.problems).toEqual([
      { where: 'disk', file: `${record.intent.attempt}.rec`, why: 'answer_damaged' },
    ]);
  });

  it('says which copy does not open, and why', async () => {
    const record = await mirrored().begin(intentOf({ connection: 'acme' }));
    const { attempt } = record.intent;
    kept.get('acme')?.set('somebody-else', kept.get('acme')?.get(attempt) ?? Buffer.alloc(0));
    writeFileSync(join(folder.directory, 'nothing-of-ours.rec'), 'hello');
    const problems = async (keyring: Keyring) => {
      const { items } = await (await visit({ keyring })).survey();
      return Object.fromEntries(
        items.map((item) => [item.attempt, item.problems.map(({ where, why }) => [where, why])]),
      );
    };
    expect(await problems(ringA)).toEqual({
      [attempt]: [],
      'somebody-else': [['mirror', 'renamed']],
      'nothing-of-ours': [['disk', 'not_a_spool_file']],
    });
    expect((await problems(ringB))[attempt]).toEqual([
      ['disk', 'key_missing'],
      ['mirror', 'key_missing'],
    ]);
  });

  it('does not take a record for damaged that its owner was sealing just then, nor one it took away', async () => {
    const intent = intentOf({ connection: 'acme' });
    const { file } = encodeRecord(intent, 'test', ringA, 100);
    // As it looks while the answer is being written: some bytes of it, and no more.
    writeFileSync(pathOf(intent), Buffer.concat([file.subarray(0, answerStart), Buffer.from('half an answer')]));
    const other = intentOf({ connection: 'globex' });
    writeFileSync(pathOf(other), 'PILOTLIGHT');
    let looks = 0;
    secondLook = () => {
      looks += 1;
      writeFileSync(pathOf(intent), file);
      rmSync(pathOf(other));
    };
    const { items } = await (await visit()).survey();
    expect(looks).toBe(1);
    expect(items).toMatchObject([{ connection: 'acme', state: 'intent', problems: [] }]);
  });

  it('skips a file that was taken away between the folder and the file', async () => {
    const record = await owner.begin(intentOf({ connection: 'acme' }));
    let fired = 0;
    const vanishing = (files: SpoolFiles): SpoolFiles => ({
      ...files,
      async read(name) {
        if (fired++ === 0) await record.remove();
        return files.read(name);
      },
    });
    expect((await (await visit({ over: vanishing })).survey()).items).toEqual([]);
    expect(fired).toBeGreaterThan(0);
  });

  it('looks at the disk where Redis is away, and says so', async () => {
    await owner.begin(intentOf({ connection: 'acme' }));
    away = true;
    expect(await (await visit()).survey()).toMatchObject({ items: [{ connection: 'acme' }], mirrorRead: false });
  });
});
