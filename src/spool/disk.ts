/**
 * The spool on disk: one file per rotation under way, in a folder only we may read. A record exists, fsynced with its
 * folder, before its token is spent; it goes only after its answer's value is verified in the store. A file that cannot be
 * opened is kept, reported, and blocks no other.
 */
import { constants } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Intent, Spool, UnreadableRecord } from '../rotation/ports.ts';
import type { Random } from '../runtime/random.ts';
import { decodeHeader, encodeRecord, keyFor } from './format.ts';
import type { Keyring } from './keyring.ts';
import { type OpenRecord, openRecord, unwritable, writeAll } from './record.ts';

export interface DiskSpoolOptions {
  readonly directory: string;
  readonly keyring: Keyring;
  /** Name of the install's environment. */
  readonly install: string;
  /** Room written ahead for an answer, bytes; a larger answer still fits, at the price of new disk blocks. */
  readonly answerSpaceBytes: number;
  readonly random: Random;
}

export interface DiskSpool extends Spool {
  close(): Promise<void>;
}

const recordSuffix = '.rec';
const unfinishedSuffix = '.tmp';

/** Opens the folder (made 0700 when missing) and reads what is in it. Throws spool_unwritable. */
export async function openDiskSpool(options: DiskSpoolOptions): Promise<DiskSpool> {
  const { directory, keyring, install, random } = options;
  const folder = await openFolder(directory);
  const records = new Map<string, OpenRecord>();
  const damaged: UnreadableRecord[] = [];
  const syncFolder = sharedSync(() => folder.sync());

  function keep(intent: Intent, header: Buffer, keyId: string, answered: boolean, handle?: FileHandle): OpenRecord {
    const record = openRecord({
      path: join(directory, intent.attempt + recordSuffix),
      intent,
      header,
      key: keyFor(keyring, keyId),
      answered,
      handle,
      nonce: () => random.bytes(12),
      onRemoved: () => records.delete(intent.attempt),
    });
    records.set(intent.attempt, record);
    return record;
  }

  for (const name of (await readdir(directory)).sort()) {
    const path = join(directory, name);
    // An unfinished file was never followed by a request: its record is made whole before the token is spent.
    if (name.endsWith(unfinishedSuffix)) await rm(path, { force: true });
    if (!name.endsWith(recordSuffix)) continue;
    if (!(await lstat(path)).isFile()) {
      damaged.push({ file: name, why: 'not_a_plain_file' });
      continue;
    }
    const read = decodeHeader(await readFile(path), install, keyring);
    if (read.ok && `${read.intent.attempt}${recordSuffix}` === name)
      keep(read.intent, read.header, read.key, read.answered);
    else if (read.ok) damaged.push({ file: name, connection: read.intent.connection, why: 'renamed' });
    else
      damaged.push({
        file: name,
        why: read.why,
        ...(read.connection === undefined ? {} : { connection: read.connection }),
      });
  }

  const byAge = () => [...records.values()].sort((a, b) => a.intent.startedAt - b.intent.startedAt);
  return {
    async begin(intent) {
      const path = join(directory, intent.attempt);
      let handle: FileHandle | undefined;
      try {
        const { file, header } = encodeRecord(intent, install, keyring, options.answerSpaceBytes);
        handle = await open(
          path + unfinishedSuffix,
          constants.O_CREAT | constants.O_EXCL | constants.O_RDWR | constants.O_NOFOLLOW,
          0o600,
        );
        await writeAll(handle, file, 0);
        await handle.datasync();
        await rename(path + unfinishedSuffix, path + recordSuffix);
        await syncFolder();
        return keep(intent, header, keyring.sealWith, false, handle);
      } catch (cause) {
        await handle?.close();
        await rm(path + unfinishedSuffix, { force: true });
        await rm(path + recordSuffix, { force: true });
        throw unwritable(directory, cause);
      }
    },
    recordsOf: (connection) => byAge().filter((record) => record.intent.connection === connection),
    all: byAge,
    unreadable: () => damaged,
    stats() {
      const all = byAge();
      const answered = all.filter((record) => record.state === 'answered').length;
      return { records: all.length, answered, unreadable: damaged.length, oldestAt: all[0]?.intent.startedAt ?? null };
    },
    async close() {
      for (const record of records.values()) await record.closeFile();
      await folder.close();
    },
  };
}

async function openFolder(directory: string): Promise<FileHandle> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const folder = await open(directory, constants.O_RDONLY | constants.O_DIRECTORY);
    await folder.chmod(0o700);
    return folder;
  } catch (cause) {
    throw unwritable(directory, cause);
  }
}

/** Callers that come while a sync runs share the next one: it covers every file made before it began. */
function sharedSync(sync: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  const run = async (): Promise<void> => {
    running = sync();
    try {
      await running;
    } finally {
      running = undefined;
    }
  };
  return () => {
    if (running === undefined) return run();
    next ??= running
      .then(
        () => {},
        () => {},
      )
      .then(() => {
        next = undefined;
        return run();
      });
    return next;
  };
}
