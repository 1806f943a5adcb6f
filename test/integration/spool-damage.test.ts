/** Damage on a real disk: every bad file is kept, named and blocks no other; a disk that fails is never believed again. */
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { answerStart } from '../../src/spool/format.ts';
import { answerOf, intentOf, ringB, type SpoolFolder, spoolFolder } from '../support/fakes/spool-files.ts';

let folder: SpoolFolder;
beforeEach(() => {
  folder = spoolFolder();
});
afterEach(() => folder.remove());

async function sealedRecord() {
  const record = await (await folder.open()).begin(intentOf());
  await record.seal(answerOf());
  return { path: join(folder.directory, `${record.intent.attempt}.rec`), connection: record.intent.connection };
}

describe('a damaged file', () => {
  it('is kept, named with its connection where that can be told, and blocks no other', async () => {
    const good = await sealedRecord();
    const expected: Record<string, { why: string; connection?: string }> = {};
    const damage = async (why: string, spoil: (path: string) => void, known = true) => {
      const { path, connection } = await sealedRecord();
      spoil(path);
      expected[path] = known ? { why, connection } : { why };
    };
    await damage('answer_damaged', (path) => truncateSync(path, answerStart + 40));
    await damage('truncated', (path) => truncateSync(path, 1_000));
    await damage('not_a_spool_file', (path) => truncateSync(path, 0), false);
    await damage('answer_damaged', (path) => flip(path, answerStart + 60));
    await damage('header_damaged', (path) => flip(path, 60), false);
    await damage('unknown_format', (path) => writeFileSync(path, 'PILOTLIGHT SPOOL 9\nwhatever'), false);
    await damage(
      'not_a_plain_file',
      (path) => {
        renameSync(path, `${path}.aside`);
        symlinkSync(good.path, path);
      },
      false,
    );
    await damage(
      'not_a_plain_file',
      (path) => {
        rmSync(path);
        mkdirSync(path);
      },
      false,
    );
    const spool = await folder.open();
    expect(spool.unreadable()).toHaveLength(8);
    for (const { file, ...rest } of spool.unreadable())
      expect(rest).toMatchObject(expected[join(folder.directory, file)] ?? {});
    expect(spool.all().map(({ intent }) => intent.connection)).toEqual([good.connection]);
    expect(await spool.all()[0]?.answer()).toEqual(answerOf());
    expect(folder.files()).toHaveLength(9);
    expect(spool.stats()).toMatchObject({ records: 1, unreadable: 8 });
    await spool.all()[0]?.remove();
    expect(folder.files()).toHaveLength(8);
  });

  it('under another record’s name, or a copy beside it, is not taken for that record', async () => {
    const [one, two] = [await sealedRecord(), await sealedRecord()];
    copyFileSync(one.path, join(folder.directory, `${intentOf().attempt}.rec`));
    renameSync(one.path, `${one.path}.aside`);
    copyFileSync(two.path, one.path);
    const spool = await folder.open();
    expect(
      spool
        .unreadable()
        .map(({ why, connection }) => `${why} ${connection}`)
        .sort(),
    ).toEqual([`renamed ${one.connection}`, `renamed ${two.connection}`].sort());
    expect(spool.all().map(({ intent }) => intent.connection)).toEqual([two.connection]);
  });

  it('from another environment or without its key is told apart from a broken one', async () => {
    const { connection } = await sealedRecord();
    expect((await folder.open({ install: 'staging' })).unreadable()).toMatchObject([
      { connection, why: 'other_environment' },
    ]);
    expect((await folder.open({ keyring: ringB })).unreadable()).toMatchObject([{ connection, why: 'key_missing' }]);
    expect((await folder.open()).stats()).toMatchObject({ records: 1, unreadable: 0 });
  });

  it('is one of a thousand, and the good ones are all there', async () => {
    const { path } = await sealedRecord();
    const bytes = readFileSync(path);
    for (let n = 0; n < 1_000; n++) {
      const broken = bytes.subarray(0, (n * 37) % 4_000);
      writeFileSync(join(folder.directory, `${intentOf().attempt}.rec`), broken, { mode: 0o600 });
    }
    const spool = await folder.open();
    const record = await spool.begin(intentOf());
    await record.seal(answerOf());
    expect(spool.stats()).toMatchObject({ records: 2, answered: 2, unreadable: 1_000 });
    expect(folder.files()).toHaveLength(1_002);
  });

  it('while the process runs is found when it is opened, never handed on', async () => {
    const { path } = await sealedRecord();
    const [record] = (await folder.open()).all();
    flip(path, answerStart + 100);
    await expect(record?.answer()).rejects.toMatchObject({ code: 'spool_unreadable' });
    truncateSync(path, 10);
    await expect(record?.answer()).rejects.toMatchObject({ code: 'spool_unreadable' });
  });
});

describe('a disk that fails', () => {
  it('at a seal is not asked again for this record: what it would say then is not to be believed', async () => {
    await (await folder.open()).begin(intentOf());
    const [record] = (await folder.open()).all();
    const [path = ''] = folder.files();
    renameSync(path, `${path}.aside`);
    mkdirSync(path);
    await expect(record?.seal(answerOf())).rejects.toMatchObject({
      code: 'spool_unwritable',
      message: expect.stringContaining('EISDIR'),
    });
    rmSync(path, { recursive: true });
    renameSync(`${path}.aside`, path);
    await expect(record?.seal(answerOf())).rejects.toMatchObject({ code: 'spool_unwritable' });
    expect(record?.state).toBe('intent');
  });

  it('at the start is said, with the path', async () => {
    const inTheWay = join(folder.directory, 'file');
    writeFileSync(inTheWay, '');
    for (const directory of [inTheWay, join(inTheWay, 'below')])
      await expect(spoolFolder(directory).open()).rejects.toMatchObject({
        code: 'spool_unwritable',
        message: expect.stringContaining(inTheWay),
      });
  });

  it('by going away makes begin fail, and leaves nothing behind', async () => {
    const spool = await folder.open();
    rmSync(folder.directory, { recursive: true });
    await expect(spool.begin(intentOf())).rejects.toMatchObject({ code: 'spool_unwritable' });
    expect(spool.stats().records).toBe(0);
  });
});

/** A file system of 256 KiB, where this user may mount one. */
function smallDisk(): string | undefined {
  const at = mkdtempSync(join(tmpdir(), 'pilotlight-small-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', at], { stdio: 'ignore' });
    return at;
  } catch {
    rmSync(at, { recursive: true });
    return undefined;
  }
}

it('a full disk refuses the next intent, keeps what was promised, and a seal that fits not fails for good', async (context) => {
  const at = smallDisk();
  context.skip(at === undefined, 'needs the right to mount');
  try {
    await fillUp(at ?? '');
  } finally {
    execFileSync('umount', [at ?? '']);
    rmSync(at ?? '', { recursive: true });
  }
});

async function fillUp(at: string): Promise<void> {
  const small = spoolFolder(join(at, 'spool'));
  const spool = await small.open({ answerSpaceBytes: 32_768 });
  const record = await spool.begin(intentOf());
  const larger = await spool.begin(intentOf());
  writeFileSync(join(at, 'ballast'), Buffer.alloc(170_000));
  await expect(spool.begin(intentOf())).rejects.toMatchObject({
    code: 'spool_unwritable',
    message: expect.stringContaining('ENOSPC'),
  });
  expect(spool.all()).toHaveLength(2);
  expect(readdirSync(small.directory)).toHaveLength(2);
  // The room written ahead is what makes this one certain.
  await record.seal(answerOf());
  expect(await record.answer()).toEqual(answerOf());
  await expect(larger.seal(answerOf({ body: Buffer.alloc(200_000) }))).rejects.toMatchObject({
    message: expect.stringContaining('ENOSPC'),
  });
  rmSync(join(at, 'ballast'));
  await expect(larger.seal(answerOf())).rejects.toMatchObject({ code: 'spool_unwritable' });
  expect(larger.state).toBe('intent');
  expect((await small.open()).stats()).toMatchObject({ records: 1, answered: 1, unreadable: 1 });
  await small.remove();
}

function flip(path: string, place: number): void {
  const bytes = readFileSync(path);
  bytes[place] = (bytes[place] ?? 0) ^ 0xff;
  writeFileSync(path, bytes);
}
