/**
 * Files of the file store on disk. A secret is a folder; each write adds the next generation as a whole, fsynced file and
 * then removes older ones. Adding is `link`, which fails where the generation exists: that is the lock between processes,
 * it cannot be left behind by a crash, and no two writers can both win.
 */
import { constants } from 'node:fs';
import { type FileHandle, link, mkdir, open, readdir, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type ErrorCode, PilotlightError } from '../runtime/errors.ts';

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants;
/** 100 labelled values of 64 KiB in base64 and JSON; nothing of ours is larger. */
const fileBytesMax = 16 * 1_048_576;
const generationDigits = 12;
const entryPattern = /^(\d{12})\.(?:sealed|[0-9a-f-]{36}\.tmp)$/;

/** The system's error code (`ENOENT`), or '' where there is none. */
export function systemCode(error: unknown): string {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' ? code : '';
}

const advice: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  EACCES: ['store_denied', 'this process may not; check owner and mode'],
  EPERM: ['store_denied', 'this process may not, or the file system has no hard links'],
  EROFS: ['store_denied', 'the file system is read-only'],
  ELOOP: ['store_invalid', 'a symbolic link is not followed'],
  ENOSPC: ['store_unavailable', 'the disk is full'],
};

/** A store error for a failed system call on a file. */
export function diskError(doing: string, file: string, error: unknown): PilotlightError {
  if (error instanceof PilotlightError) return error;
  const code = systemCode(error);
  const [kind, why] = advice[code] ?? ['store_unavailable', 'the disk did not do it'];
  return new PilotlightError(kind, `${doing} ${file} failed (${code === '' ? 'unknown error' : code}): ${why}`);
}

async function withFile<T>(path: string, flags: number, use: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await open(path, flags, 0o600);
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}

/** Makes the names in a folder survive a power cut. */
export function syncFolder(folder: string): Promise<void> {
  return withFile(folder, O_RDONLY | O_DIRECTORY, (file) => file.sync());
}

/** Makes a folder readable by its owner only, with its parents, and durable. */
export async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  // Every name that was made lives in its parent; all of them have to survive.
  for (let made = folder; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made));
}

/** Reads a whole file; undefined where there is none. A symbolic link is refused. */
export function readWhole(path: string): Promise<Buffer | undefined> {
  return withFile(path, O_RDONLY | O_NOFOLLOW, async (file) => {
    const { size } = await file.stat();
    if (size > fileBytesMax)
      throw new PilotlightError('store_invalid', `${path} is larger than any file of this store`);
    return file.readFile();
  }).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  });
}

/**
 * Writes a file that appears whole or not at all, and durably; false where there is one of this name already. `spare` is a
 * free name in the same folder.
 */
export async function addWhole(path: string, bytes: Buffer, spare: string): Promise<boolean> {
  try {
    await withFile(spare, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, async (file) => {
      await file.writeFile(bytes);
      await file.sync();
    });
    await link(spare, path);
    await syncFolder(dirname(path));
    return true;
  } catch (error) {
    // ENOENT: a faster writer has already cleared our spare file away.
    if (['EEXIST', 'ENOENT'].includes(systemCode(error))) return false;
    throw error;
  } finally {
    await unlink(spare).catch(() => undefined);
  }
}

function numbered(generation: number): string {
  return String(generation).padStart(generationDigits, '0');
}

export function generationFile(root: string, folder: string, generation: number): string {
  return join(root, folder, `${numbered(generation)}.sealed`);
}

/** The newest generation of a secret; 0 where there is none. */
export async function newestGeneration(root: string, folder: string): Promise<number> {
  let newest = 0;
  for (const entry of await entries(join(root, folder))) {
    if (entry.name.endsWith('.sealed')) newest = Math.max(newest, entry.generation);
  }
  return newest;
}

async function entries(folder: string): Promise<readonly { readonly name: string; readonly generation: number }[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  });
  return names.flatMap((name) => {
    const generation = entryPattern.exec(name)?.[1];
    return generation === undefined ? [] : [{ name, generation: Number(generation) }];
  });
}

/** Adds a generation; false where another writer was first. */
export function addGeneration(
  root: string,
  folder: string,
  generation: number,
  bytes: Buffer,
  id: string,
): Promise<boolean> {
  const spare = join(root, folder, `${numbered(generation)}.${id}.tmp`);
  return addWhole(generationFile(root, folder, generation), bytes, spare);
}

/** Removes what is older than a generation, spare files of dead writers included. Failing to is harmless. */
export async function removeOlder(root: string, folder: string, generation: number): Promise<void> {
  const old = (await entries(join(root, folder))).filter((entry) => entry.generation < generation);
  await Promise.all(old.map((entry) => unlink(join(root, folder, entry.name)).catch(() => undefined)));
}

/** Folders of all secrets, in a stable order. */
export async function secretFolders(root: string): Promise<readonly string[]> {
  const names = await readdir(root).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  });
  return names.filter((name) => /^[0-9a-f]{40}$/.test(name)).sort();
}
