/** The file store's key file: made once, for its owner only, and refused when anything about it is odd. */
import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemRandom } from '../../src/runtime/random.ts';
import { loadOrCreateKey } from '../../src/secrets/file-key.ts';
import { printed } from '../support/store-fixture.ts';

const random = systemRandom();
let base: string;
let path: string;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'pilotlight-key-'));
  path = join(base, 'data', 'store.key');
});
afterEach(() => rm(base, { recursive: true }));

async function refusal(): Promise<Error & { code?: string }> {
  return loadOrCreateKey(path, random).then(
    () => expect.unreachable('the key file should be refused'),
    (error: Error) => error,
  );
}

test('makes a key of 32 bytes at first start, for its owner only, and gives the same afterwards', async () => {
  const key = await loadOrCreateKey(path, random);
  expect(key).toHaveLength(32);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect((await stat(join(base, 'data'))).mode & 0o777).toBe(0o700);
  expect(await loadOrCreateKey(path, random)).toEqual(key);
  expect(await readdir(join(base, 'data'))).toEqual(['store.key']);
});

test('gives every one of several that start together the same key', async () => {
  const keys = await Promise.all(Array.from({ length: 8 }, () => loadOrCreateKey(path, random)));
  expect(new Set(keys.map((key) => key.toString('hex'))).size).toBe(1);
});

test.each([
  0o640, 0o604, 0o620, 0o660,
])('refuses a file that others may read or write (mode %o), and leaves it', async (mode) => {
  await loadOrCreateKey(path, random);
  const before = await readFile(path);
  await chmod(path, mode);
  expect(await refusal()).toMatchObject({ code: 'config_invalid', message: expect.stringMatching(/chmod 600/) });
  expect(await readFile(path)).toEqual(before);
  expect((await stat(path)).mode & 0o777).toBe(mode);
});

test('refuses a symbolic link', async () => {
  await loadOrCreateKey(join(base, 'other', 'real.key'), random);
  await mkdir(join(base, 'data'));
  await symlink(join(base, 'other', 'real.key'), path);
  expect((await refusal()).message).toMatch(/symbolic link/);
});

test.each([
  '',
  'canary not base64!',
  Buffer.alloc(31, 7).toString('base64'),
  'canary'.repeat(400),
])('refuses what is no key, without quoting it: %#', async (text) => {
  await mkdir(join(base, 'data'));
  await writeFile(path, text, { mode: 0o600 });
  const error = await refusal();
  expect(error.code).toBe('config_invalid');
  expect(printed(error)).toContain(path);
  expect(printed(error)).not.toMatch(/canary|BwcHBw/);
});

test('refuses a folder, and a named pipe without waiting on it', async () => {
  await mkdir(path, { recursive: true, mode: 0o700 });
  expect((await refusal()).message).toMatch(/no plain file/);
  await rm(path, { recursive: true });
  await promisify(execFile)('mkfifo', ['-m', '600', path]);
  expect((await refusal()).message).toMatch(/no plain file/);
});
