/** The file store on disk: files that were tampered with, other keys, and places that cannot be used. */
import { chmod, copyFile, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { stage } from '../../src/rotation/ports.ts';
import { folderOf } from '../../src/secrets/file-seal.ts';
import { fileStoreBench } from '../support/file-store-bench.ts';
import { codeOf, printed, text } from '../support/store-fixture.ts';

const bench = fileStoreBench();
const { random, opened, create, listed } = bench;
const { current } = stage;

const fileOf = async (name: string) => {
  const folder = join(bench.root, folderOf(name));
  return join(folder, (await readdir(folder)).sort().at(-1) ?? '');
};

describe('a file that is not what it was', () => {
  beforeEach(async () => {
    for (const name of ['a', 'b', 'c']) await create(name, `canary-${name}`);
  });

  async function expectRefused(name: string): Promise<void> {
    const file = await fileOf(name);
    const calls = [
      () => bench.store.read(name, { stage: current }),
      () => bench.store.describe(name),
      () => bench.store.tag(name, { x: 'y' }),
    ];
    for (const call of calls) {
      const error = await call().then(
        () => expect.unreachable('it should be refused'),
        (caught: unknown) => caught,
      );
      expect(error).toMatchObject({ code: 'store_invalid', message: expect.stringContaining(file) });
      expect(printed(error)).not.toMatch(/canary/);
    }
  }

  test('by one bit, anywhere, is refused by name', async () => {
    const file = await fileOf('a');
    const whole = await readFile(file);
    for (let at = 0; at < whole.length; at += 7) {
      const changed = Buffer.from(whole);
      changed.writeUInt8((changed[at] ?? 0) ^ 1, at);
      await writeFile(file, changed);
      expect(await codeOf(bench.store.read('a', { stage: current }))).toBe('store_invalid');
    }
    await expectRefused('a');
  });

  test.each([0, 3, 20, 60])('but cut to %i bytes is refused by name', async (length) => {
    const file = await fileOf('a');
    await writeFile(file, (await readFile(file)).subarray(0, length));
    await expectRefused('a');
  });

  test('but another secret’s, or an older self under a newer number, is refused', async () => {
    await copyFile(await fileOf('b'), await fileOf('a'));
    await expectRefused('a');
    const folder = join(bench.root, folderOf('c'));
    await rename(join(folder, '000000000001.sealed'), join(folder, '000000000009.sealed'));
    await expectRefused('c');
  });

  test('but a symbolic link or far too large is refused', async () => {
    const file = await fileOf('a');
    await rename(file, join(bench.base, 'elsewhere'));
    await symlink(join(bench.base, 'elsewhere'), file);
    await expectRefused('a');
    await writeFile(await fileOf('b'), Buffer.alloc(17 * 1_048_576));
    await expectRefused('b');
  });

  test('keeps no other from being listed or read, and is named when the list ends', async () => {
    const file = await fileOf('b');
    await writeFile(file, 'garbage');
    const { names, error } = await listed();
    expect(names).toEqual(['a', 'c']);
    expect(error).toMatchObject({ code: 'store_invalid', message: expect.stringContaining(file) });
    expect(await bench.store.readMany(['a', 'b', 'c'])).toMatchObject([
      { stages: [current] },
      { code: 'store_invalid' },
      { stages: [current] },
    ]);
  });

  test('because the key is another, is said of the store as a whole, and nothing is written', async () => {
    const before = await readdir(bench.root, { recursive: true });
    const stranger = opened({ key: random.bytes(32) });
    const { names, error } = await listed(stranger);
    expect(names).toEqual([]);
    expect(error).toMatchObject({ code: 'store_invalid', message: expect.stringContaining('key-check.sealed') });
    expect(await codeOf(stranger.create('new', text('x'), {}))).toBe('store_invalid');
    expect(await codeOf(stranger.read('a', { stage: current }))).toBe('store_invalid');
    expect(await readdir(bench.root, { recursive: true })).toEqual(before);
  });
});

describe('a place that cannot be used', () => {
  test('is named', async () => {
    await writeFile(join(bench.base, 'plain'), '');
    const misplaced = opened({ root: join(bench.base, 'plain', 'store') });
    await expect(misplaced.describe('a')).rejects.toThrow(join(bench.base, 'plain', 'store'));
    expect(await codeOf(misplaced.describe('a'))).toBe('store_unavailable');
  });

  test('is tried again after it was repaired', async () => {
    await writeFile(join(bench.base, 'plain'), '');
    const later = opened({ root: join(bench.base, 'plain', 'store') });
    expect(await codeOf(later.create('a', text('x'), {}))).toBe('store_unavailable');
    await rm(join(bench.base, 'plain'));
    await later.create('a', text('x'), {});
    expect(await codeOf(later.describe('a'))).toBeUndefined();
  });

  test('for the wrong length of key is refused at once', () => {
    expect(() => opened({ key: random.bytes(16) })).toThrow(/32 bytes/);
  });

  test('may be readable by a group, as a mounted volume is', async () => {
    await mkdir(bench.root, { recursive: true });
    await chmod(bench.root, 0o770);
    await create('a');
    expect((await listed()).names).toEqual(['a']);
  });
});
