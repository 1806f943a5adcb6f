/**
 * The spool on disk: one file per rotation under way, in a folder only we may read. A record exists, fsynced with its
 * folder, before its token is spent; it goes only after its answer's value is verified in the store. A file that cannot be
 * opened is kept, reported, and blocks no other.
 */
import { constants } from 'node:fs';
import { type FileHandle, lstat, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Intent, Spool, UnreadableRecord } from '../rotation/ports.ts';
import { makePrivateFolder } from '../runtime/folder.ts';
import type { Random } from '../runtime/random.ts';
import { decodeRecord, encodeRecord, keyFor, type ReadRecord } from './format.ts';
import type { Keyring } from './keyring.ts';
import { type OpenRecord, openRecord, readPlainFile, unwritable, writeAll } from './record.ts';
import { sharedSync } from './shared-sync.ts';

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
/** No record comes near it; a larger file is somebody else's, and is not read into memory to be told so. */
const fileBytesMax = 64 * 1_048_576;

/** Opens the folder (made 0700 when missing) and reads what is in it. Throws spool_unwritable. */
export async function openDiskSpool(options: DiskSpoolOptions): Promise<DiskSpool> {
  const { directory, keyring, install, random } = options;
  const folder = await openFolder(directory);
  const records = new Map<string, OpenRecord>();
  const damaged: UnreadableRecord[] = [];
  // Attempts of this process and those found: an id used twice must never take the first one's record.
  const begun = new Set<string>();
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
      onRemoved: () => {
        records.delete(intent.attempt);
        begun.delete(intent.attempt);
      },
    });
    records.set(intent.attempt, record);
    begun.add(intent.attempt);
    return record;
  }

  for (const name of await recordNames(directory)) {
    const read = await readRecord(join(directory, name), options);
    if (!read.ok) damaged.push({ file: name, ...read.damage });
    else if (`${read.intent.attempt}${recordSuffix}` === name) keep(read.intent, read.header, read.key, read.answered);
    else damaged.push({ file: name, connection: read.intent.connection, why: 'renamed' });
  }

  const byAge = () => [...records.values()].sort((a, b) => a.intent.startedAt - b.intent.startedAt);
  return {
    async begin(intent) {
      const path = join(directory, intent.attempt);
      if (begun.has(intent.attempt)) throw unwritable(directory, { code: 'EEXIST' });
      begun.add(intent.attempt);
      let handle: FileHandle | undefined;
      try {
        const { file, header } = encodeRecord(intent, install, keyring, options.answerSpaceBytes);
        handle = await open(
          path + unfinishedSuffix,
          constants.O_CREAT | constants.O_EXCL | constants.O_RDWR | constants.O_NOFOLLOW | constants.O_DSYNC,
          0o600,
        );
        await writeAll(handle, file, 0);
        await rename(path + unfinishedSuffix, path + recordSuffix);
        await syncFolder();
        return keep(intent, header, keyring.sealWith, false, handle);
      } catch (cause) {
        // What cannot be taken away either is an intent never acted upon: it costs a wait at the next start.
        const leave = () => {};
        await handle?.close().catch(leave);
        if (handle !== undefined) {
          await rm(path + unfinishedSuffix, { force: true }).catch(leave);
          await rm(path + recordSuffix, { force: true }).catch(leave);
        }
        begun.delete(intent.attempt);
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
    await makePrivateFolder(directory);
    const folder = await open(directory, constants.O_RDONLY | constants.O_DIRECTORY);
    await folder.chmod(0o700);
    return folder;
  } catch (cause) {
    throw unwritable(directory, cause);
  }
}

/** Names of the records there are. Unfinished files go: none was ever followed by a request. */
async function recordNames(directory: string): Promise<string[]> {
  try {
    const names = await readdir(directory, { withFileTypes: true });
    for (const entry of names)
      if (entry.isFile() && entry.name.endsWith(unfinishedSuffix))
        await rm(join(directory, entry.name), { force: true });
    return names
      .map(({ name }) => name)
      .filter((name) => name.endsWith(recordSuffix))
      .sort();
  } catch (cause) {
    throw unwritable(directory, cause);
  }
}

type Reading =
  | Extract<ReadRecord, { ok: true }>
  | { readonly ok: false; readonly damage: { readonly why: string; readonly connection?: string } };

/** Reads one file; whatever is wrong with it is its own misfortune and no other record's. */
async function readRecord(path: string, { install, keyring }: DiskSpoolOptions): Promise<Reading> {
  try {
    const stats = await lstat(path);
    if (!stats.isFile()) return { ok: false, damage: { why: 'not_a_plain_file' } };
    if (stats.size > fileBytesMax) return { ok: false, damage: { why: 'not_a_spool_file' } };
    const read = decodeRecord(await readPlainFile(path), install, keyring);
    if (read.ok) return read;
    const { ok: _, ...damage } = read;
    return { ok: false, damage };
  } catch {
    return { ok: false, damage: { why: 'file_unreadable' } };
  }
}
