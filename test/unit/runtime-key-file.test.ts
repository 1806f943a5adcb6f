/** Key files: what counts as a key, who may read it, and that none is ever replaced. */
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { decodeKey, loadKey, loadOrCreateKey } from '../../src/runtime/key-file.ts';
import { seededRandom, systemRandom } from '../../src/runtime/random.ts';

const key = seededRandom(1).bytes(32);
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pilotlight-key-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('a key', () => {
  test.for([
    ['raw', key],
    ['base64', Buffer.from(key.toString('base64'))],
    ['base64 with a newline', Buffer.from(`${key.toString('base64')}\r\n`)],
    ['base64url', Buffer.from(key.toString('base64url'))],
    ['hex', Buffer.from(key.toString('hex'))],
    ['upper-case hex', Buffer.from(`${key.toString('hex').toUpperCase()}\n`)],
  ] as const)('is read from %s', ([, bytes]) => expect(decodeKey(bytes)?.equals(key)).toBe(true));

  test.for([
    '',
    'changeme',
    'x'.repeat(31),
    'x'.repeat(33),
    key.toString('hex').slice(1),
    `${key.toString('base64')}AA`,
    `"${key.toString('base64')}"`,
    // 32 printable characters: a password, or 16 bytes in hex.
    'correct-horse-battery-staple-32c',
    key.toString('hex').slice(0, 32),
  ])('is not anything else (%#)', (text) => expect(decodeKey(Buffer.from(text))).toBeUndefined());
});

describe('a key file', () => {
  test('is made once, for its owner alone, and read from then on', async () => {
    const path = join(folder, 'keys', 'store.key');
    const made = await loadOrCreateKey(path, seededRandom(7));
    expect([statSync(path).mode & 0o777, statSync(join(folder, 'keys')).mode & 0o777]).toEqual([0o600, 0o700]);
    expect((await loadOrCreateKey(path, seededRandom(8))).equals(made)).toBe(true);
    expect((await loadKey(path))?.equals(made)).toBe(true);
  });

  test('that does not exist is no error', async () => expect(await loadKey(join(folder, 'none'))).toBeUndefined());

  test.for([0o604, 0o644, 0o602, 0o601])('with mode %o is refused, with the fix', async (mode) => {
    const path = join(folder, 'k');
    writeFileSync(path, key);
    chmodSync(path, mode);
    await expect(loadKey(path)).rejects.toMatchObject({
      code: 'config_invalid',
      message: expect.stringContaining('chmod 600'),
    });
  });

  test('that its group may read is accepted, as Kubernetes mounts them so', async () => {
    const path = join(folder, 'k');
    writeFileSync(path, key);
    chmodSync(path, 0o440);
    expect((await loadKey(path))?.equals(key)).toBe(true);
  });

  test('that holds no key is refused, never replaced, and not quoted', async () => {
    const path = join(folder, 'k');
    writeFileSync(path, 'canary-not-a-key', { mode: 0o600 });
    for (const attempt of [() => loadKey(path), () => loadOrCreateKey(path, seededRandom(7))]) {
      const error = await attempt().catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: 'config_invalid' });
      expect(String(error)).not.toContain('canary');
    }
    expect(readFileSync(path, 'utf8')).toBe('canary-not-a-key');
  });

  test('is not written through a link that points nowhere', async () => {
    const path = join(folder, 'k');
    symlinkSync(join(folder, 'elsewhere'), path);
    await expect(loadOrCreateKey(path, seededRandom(7))).rejects.toMatchObject({ code: 'config_invalid' });
    expect(() => statSync(join(folder, 'elsewhere'))).toThrow('ENOENT');
  });

  test('that is a folder is refused', async () => {
    mkdirSync(join(folder, 'k'), { mode: 0o700 });
    await expect(loadKey(join(folder, 'k'))).rejects.toMatchObject({ code: 'config_invalid' });
  });

  test('made by many at once is one key, whole from the first moment it is there', async () => {
    const path = join(folder, 'k');
    const all = await Promise.all(Array.from({ length: 20 }, () => loadOrCreateKey(path, systemRandom())));
    expect(new Set(all.map((one) => one.toString('hex'))).size).toBe(1);
    expect(readdirSync(folder)).toEqual(['k']);
  });

  test('left unfinished by a crash is in nobody’s way', async () => {
    const path = join(folder, 'k');
    writeFileSync(`${path}.6f1f6b5e.tmp`, 'half a key', { mode: 0o600 });
    expect(await loadOrCreateKey(path, systemRandom())).toHaveLength(32);
  });

  test('that cannot be made is refused with the path, and leaves nothing', async () => {
    writeFileSync(join(folder, 'file'), '');
    const path = join(folder, 'file', 'k');
    await expect(loadOrCreateKey(path, systemRandom())).rejects.toMatchObject({
      code: 'config_invalid',
      message: expect.stringContaining(path),
    });
    expect(readdirSync(folder)).toEqual(['file']);
  });

  test('lies in a folder made for its owner alone, parents included', async () => {
    await loadOrCreateKey(join(folder, 'a', 'b', 'k'), systemRandom());
    for (const made of ['a', 'a/b']) expect(statSync(join(folder, made)).mode & 0o777).toBe(0o700);
  });
});
