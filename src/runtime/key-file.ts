/**
 * Keys kept in files: 32 bytes, as raw bytes, base64 or hex. A key that others may read is no key, so wider modes are
 * refused; in Kubernetes a mounted Secret is readable for the pod's group and that is as narrow as it gets.
 */
import { constants } from 'node:fs';
import { link, open, readFile, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { PilotlightError } from './errors.ts';
import { makePrivateFolder, syncFolder } from './folder.ts';
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

/**
 * Reads the key, or makes one (0600, in a 0700 folder) where there is none yet. Never replaces a file, and the file is
 * never there with half a key in it. `random` must be the machine's own. Throws config_invalid.
 */
export async function loadOrCreateKey(path: string, random: Random): Promise<Buffer> {
  const found = await loadKey(path);
  if (found !== undefined) return found;
  const key = random.bytes(keyBytes);
  const unfinished = `${path}.${random.uuid()}.tmp`;
  try {
    await makePrivateFolder(dirname(path));
    await writeDurably(unfinished, `${key.toString('base64')}\n`);
    await link(unfinished, path);
    // What is sealed with a key that a power cut took with it can never be opened.
    await syncFolder(dirname(path));
    return key;
  } catch (error) {
    // Another process was faster: its key counts.
    const theirs = (error as { code?: unknown }).code === 'EEXIST' ? await loadKey(path) : undefined;
    if (theirs !== undefined) return theirs;
    throw new PilotlightError('config_invalid', `cannot write key file ${path}: check the folder's owner and mode`, {
      cause: error,
    });
  } finally {
    await rm(unfinished, { force: true }).catch(() => {});
  }
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(
    path,
    constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW,
    0o600,
  );
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** 32 bytes from raw, base64 or hex text; undefined for anything else. 32 printable characters are a password, no key. */
export function decodeKey(bytes: Buffer): Buffer | undefined {
  const printable = bytes.every((byte) => byte >= 0x20 && byte <= 0x7e);
  if (bytes.length === keyBytes && !printable) return bytes;
  const text = bytes.toString('latin1').trim();
  if (/^[0-9a-fA-F]{64}$/.test(text)) return Buffer.from(text, 'hex');
  if (!/^[A-Za-z0-9+/_-]{43}=?$/.test(text)) return undefined;
  const key = Buffer.from(text, 'base64');
  return key.length === keyBytes ? key : undefined;
}
