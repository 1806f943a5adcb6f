/** What makes a record durable, seen from outside: how its file is open, and when its folder is synced. */
import { constants, existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openDiskFiles } from '../../src/spool/disk-files.ts';
import { answerStart } from '../../src/spool/format.ts';
import { answerOf, intentOf, type SpoolFolder, spoolFolder } from '../support/fakes/spool-files.ts';

let folder: SpoolFolder;
beforeEach(() => {
  folder = spoolFolder();
});
afterEach(async () => {
  vi.restoreAllMocks();
  await folder.remove();
});

/** Flags of this process's open files below a path, as the kernel knows them. */
function openFlags(path: string): number[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      if (!readlinkSync(`/proc/self/fd/${fd}`).startsWith(path)) return [];
      return Number.parseInt(/flags:\s+(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '', 8);
    } catch {
      // Closed meanwhile.
      return [];
    }
  });
}

describe.skipIf(!existsSync('/proc/self/fdinfo'))('every write into a record is on the disk when it returns', () => {
  it('while it is the one just made', async () => {
    const spool = await folder.open();
    const { intent } = await spool.begin(intentOf());
    const flags = openFlags(join(folder.directory, intent.attempt));
    expect(flags).toHaveLength(1);
    for (const one of flags) expect(one & constants.O_DSYNC).toBe(constants.O_DSYNC);
  });

  it('where it was found by a later process', async () => {
    const first = await folder.open();
    const { intent } = await first.begin(intentOf());
    await first.close();
    const [found] = (await folder.open()).all();
    await found?.seal(answerOf());
    const flags = openFlags(join(folder.directory, intent.attempt));
    expect(flags).toHaveLength(1);
    for (const one of flags) expect(one & constants.O_DSYNC).toBe(constants.O_DSYNC);
  });
});

it('a record’s name is synced with its folder, after it has it and before anybody may rely on it', async () => {
  const spool = await folder.open();
  const seen: string[][] = [];
  const anyFile = await open(folder.directory);
  const handles = Object.getPrototypeOf(anyFile) as FileHandle;
  await anyFile.close();
  const sync = handles.sync;
  vi.spyOn(handles, 'sync').mockImplementation(async function (this: FileHandle) {
    seen.push(readdirSync(folder.directory));
    await sync.call(this);
  });
  const { intent } = await spool.begin(intentOf());
  expect(seen).toEqual([[`${intent.attempt}.rec`]]);
});

it('a file half made by another process is neither written into nor taken over', async () => {
  const files = await openDiskFiles(folder.directory);
  writeFileSync(join(folder.directory, 'one.rec.tmp'), 'theirs');
  await expect(files.create('one.rec', Buffer.from('ours'))).rejects.toMatchObject({ code: 'EEXIST' });
  expect(readdirSync(folder.directory)).not.toContain('one.rec');
  await files.close();
});

it('no two seals share a nonce', async () => {
  const spool = await folder.open();
  for (let number = 0; number < 2; number++) await (await spool.begin(intentOf())).seal(answerOf());
  const nonces = folder.files().map((path) => readFileSync(path).subarray(answerStart + 4, answerStart + 16));
  expect(nonces).toHaveLength(2);
  expect(nonces[0]).not.toEqual(nonces[1]);
});
