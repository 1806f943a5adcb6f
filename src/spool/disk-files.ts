/**
 * The spool's files on a real disk: made whole under another name and renamed, written synchronously, names synced with
 * their folder. Only we may enter the folder, no link in it is followed, and nothing in it is ever written over.
 */
import { constants } from 'node:fs';
import { type FileHandle, lstat, open, readdir, rename, rm, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { makePrivateFolder } from '../runtime/folder.ts';
import type { SpoolFile, SpoolFiles } from './files.ts';
import { unwritable } from './record.ts';
import { sharedSync } from './shared-sync.ts';

const unfinishedSuffix = '.tmp';
/** No record comes near it; a larger file is somebody else's, and is not read into memory to be told so. */
const fileBytesMax = 64 * 1_048_576;
/** Making a file takes milliseconds: one left half made this long before the folder's last change is nobody's any more. */
const abandonedMs = 600_000;

/** Opens the folder, made 0700 when missing. Throws spool_unwritable. */
export async function openDiskFiles(directory: string): Promise<SpoolFiles> {
  const folder = await openFolder(directory);
  const syncFolder = sharedSync(() => folder.sync());
  const pathOf = (name: string) => join(directory, name);
  return {
    async names() {
      try {
        const entries = await readdir(directory, { withFileTypes: true });
        for (const entry of entries)
          if (entry.isFile() && entry.name.endsWith(unfinishedSuffix)) await removeAbandoned(directory, entry.name);
        return entries
          .map(({ name }) => name)
          .filter((name) => !name.endsWith(unfinishedSuffix))
          .sort();
      } catch (cause) {
        throw unwritable(directory, cause);
      }
    },
    async create(name, bytes) {
      const unfinished = pathOf(name + unfinishedSuffix);
      const handle = await open(
        unfinished,
        constants.O_CREAT | constants.O_EXCL | constants.O_RDWR | constants.O_NOFOLLOW | constants.O_DSYNC,
        0o600,
      );
      try {
        await writeAll(handle, bytes, 0);
        await rename(unfinished, pathOf(name));
        await syncFolder();
        return fileOf(handle);
      } catch (error) {
        // What cannot be taken away either is an intent never acted upon: it costs a wait at the next start.
        const leave = () => {};
        await handle.close().catch(leave);
        await rm(unfinished, { force: true }).catch(leave);
        await rm(pathOf(name), { force: true }).catch(leave);
        throw error;
      }
    },
    async reopen(name) {
      const flags = constants.O_RDWR | constants.O_NOFOLLOW | constants.O_DSYNC;
      return fileOf(await open(pathOf(name), flags));
    },
    async read(name) {
      const path = pathOf(name);
      try {
        const stats = await lstat(path);
        if (!stats.isFile()) return 'not_a_plain_file';
        if (stats.size > fileBytesMax) return 'not_a_spool_file';
        return await readPlainFile(path);
      } catch (cause) {
        return (cause as { code?: unknown }).code === 'ENOENT' ? 'file_missing' : 'file_unreadable';
      }
    },
    async remove(name) {
      try {
        await unlink(pathOf(name));
      } catch (cause) {
        if ((cause as { code?: unknown }).code !== 'ENOENT') throw cause;
      }
    },
    close: () => folder.close(),
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

/** No request ever followed such a file. One that is being made now is another process's; ages are told by the disk alone. */
async function removeAbandoned(directory: string, name: string): Promise<void> {
  const path = join(directory, name);
  const [folder, file] = [await stat(directory), await stat(path).catch(() => undefined)];
  if (file !== undefined && folder.mtimeMs - file.mtimeMs > abandonedMs) await rm(path, { force: true });
}

function fileOf(handle: FileHandle): SpoolFile {
  return { write: (bytes, position) => writeAll(handle, bytes, position), close: () => handle.close() };
}

async function readPlainFile(path: string): Promise<Buffer> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    return await file.readFile();
  } finally {
    await file.close();
  }
}

/** Writes every byte or throws; a short write is no success. */
async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
    if (bytesWritten === 0) throw Object.assign(new Error('the disk took no more bytes'), { code: 'ENOSPC' });
    done += bytesWritten;
  }
}
