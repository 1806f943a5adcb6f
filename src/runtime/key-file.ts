/**
 * Keys kept in files: 32 bytes, as raw bytes, base64 or hex. A key that others may read is no key, so wider modes are
 * refused; in Kubernetes a mounted Secret is readable for the pod's group and that is as narrow as it gets.
 */
import { constants } from 'node:fs';
import { mkdir, open, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { PilotlightError } from './errors.ts';
import type { Random } from './random.ts';

export const keyBytes = 32;

/** Reads a key file. Throws config_invalid naming the file and the fix; undefined where there is no such file. */
export async function loadKey(path: string): Promise<Buffer | undefined> {
  let bytes: Buffer;
  try {
    const { mode } = await stat(path);
    if ((mode & 0o007) !== 0)
      throw new PilotlightError('config_invalid', `key file ${path} can be read by everyone: chmod 600 it`);
    bytes = await readFile(path);
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return undefined;
    if (error instanceof PilotlightError) throw error;
    throw new PilotlightError('config_invalid', `cannot read key file ${path}: check its owner and mode`, {
      cause: error,
    });
  }
  const key = decodeKey(bytes);
  if (key === undefined)
    throw new PilotlightError(
      'config_invalid',
      `key file ${path} must hold 32 bytes: raw, base64 or hex (openssl rand -base64 32)`,
    );
  return key;
}

/** Reads the key, or makes one (0600, in a 0700 folder) where there is none yet. Never replaces a file. */
export async function loadOrCreateKey(path: string, random: Random): Promise<Buffer> {
  const found = await loadKey(path);
  if (found !== undefined) return found;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const key = random.bytes(keyBytes);
  try {
    const file = await open(
      path,
      constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW,
      0o600,
    );
    try {
      await file.writeFile(`${key.toString('base64')}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    return key;
  } catch (error) {
    // Another process was faster: its key counts.
    const theirs = (error as { code?: unknown }).code === 'EEXIST' ? await loadKey(path) : undefined;
    if (theirs !== undefined) return theirs;
    throw new PilotlightError('config_invalid', `cannot write key file ${path}: check the folder's owner and mode`, {
      cause: error,
    });
  }
}

/** 32 bytes from raw, base64 or hex text; undefined for anything else. */
export function decodeKey(bytes: Buffer): Buffer | undefined {
  if (bytes.length === keyBytes) return bytes;
  const text = bytes.toString('latin1').trim();
  if (/^[0-9a-fA-F]{64}$/.test(text)) return Buffer.from(text, 'hex');
  if (!/^[A-Za-z0-9+/_-]{43}=?$/.test(text)) return undefined;
  const key = Buffer.from(text, 'base64');
  return key.length === keyBytes ? key : undefined;
}
