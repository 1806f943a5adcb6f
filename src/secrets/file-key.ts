/**
 * The file store's key in a file of its own, for use on one machine: made at first start beside the data, readable by its
 * owner only. Whoever has it and the data has every token, so a wider mode is refused instead of repaired.
 */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { PilotlightError } from '../runtime/errors.ts';
import type { Random } from '../runtime/random.ts';
import { addWhole, diskError, makeFolder, systemCode } from './file-disk.ts';
import { keyBytes } from './file-seal.ts';

const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;

function refused(path: string, why: string): PilotlightError {
  return new PilotlightError('config_invalid', `the key file ${path} is refused: ${why}`);
}

function parse(text: string, path: string): Buffer {
  const trimmed = text.trim();
  const key = Buffer.from(trimmed, 'base64');
  if (key.length !== keyBytes || key.toString('base64') !== trimmed) {
    throw refused(path, `it must hold ${keyBytes} bytes in base64 and nothing else`);
  }
  return key;
}

async function load(path: string): Promise<Buffer | undefined> {
  // Without O_NONBLOCK, opening a named pipe would wait for ever.
  const file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch((error: unknown) => {
    const code = systemCode(error);
    if (code === 'ENOENT') return undefined;
    if (code === 'ELOOP') throw refused(path, 'it is a symbolic link');
    throw diskError('opening the key file', path, error);
  });
  if (file === undefined) return undefined;
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw refused(path, 'it is no plain file');
    if ((stat.mode & 0o077) !== 0) {
      throw refused(path, `others may read or write it (mode ${(stat.mode & 0o777).toString(8)}); run chmod 600 on it`);
    }
    if (stat.size > 1_024) throw refused(path, 'it is too large for a key');
    return parse(await file.readFile('utf8'), path);
  } finally {
    await file.close();
  }
}

/**
 * The key in the file, or a new one written there when there is none. Of two processes that start together both get the
 * same. Throws config_invalid for a symbolic link, a wider mode than 0600, or content that is no key.
 */
export async function loadOrCreateKey(path: string, random: Random): Promise<Buffer> {
  const existing = await load(path);
  if (existing !== undefined) return existing;
  const text = `${random.bytes(keyBytes).toString('base64')}\n`;
  try {
    await makeFolder(dirname(path));
    await addWhole(path, Buffer.from(text), `${path}.${random.uuid()}.tmp`);
  } catch (error) {
    throw diskError('making the key file', path, error);
  }
  const made = await load(path);
  if (made === undefined) throw refused(path, 'it was removed while it was being made');
  return made;
}
