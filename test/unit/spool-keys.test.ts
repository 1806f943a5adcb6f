/** The ring of sealing keys as files: which key seals is never a guess, and every refusal names the fix. */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemRandom } from '../../src/runtime/random.ts';
import { openBytes, sealBytes } from '../../src/spool/keyring.ts';
import { loadKeyring } from '../../src/spool/keys.ts';

const random = systemRandom();
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'pilotlight-keys-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const addKey = (id: string) =>
  writeFileSync(join(directory, `${id}.key`), random.bytes(32).toString('base64'), { mode: 0o600 });
const load = (change: { sealWith?: string; createFirst?: boolean; directory?: string } = {}) =>
  loadKeyring({ directory, createFirst: false, random, ...change });

describe('the ring', () => {
  it('is made with one first key where that is asked for, and found again', async () => {
    const folder = join(directory, 'keys');
    const made = await load({ directory: folder, createFirst: true });
    expect(made).toMatchObject({ sealWith: 'first' });
    expect(readdirSync(folder)).toEqual(['first.key']);
    expect(await load({ directory: folder, createFirst: true })).toEqual(made);
  });

  it('is never made where several share it', async () => {
    for (const folder of [directory, join(directory, 'none')])
      await expect(load({ directory: folder })).rejects.toMatchObject({
        code: 'config_invalid',
        message: expect.stringContaining(folder),
      });
    expect(readdirSync(directory)).toEqual([]);
  });

  it('seals with its only key', async () => {
    addKey('k1');
    expect(await load()).toMatchObject({ sealWith: 'k1' });
  });

  it('with several keys opens with all and seals with the one named', async () => {
    for (const id of ['k1', 'k2']) addKey(id);
    const ring = await load({ sealWith: 'k2' });
    expect([ring.sealWith, ...ring.keys.keys()]).toEqual(['k2', 'k1', 'k2']);
    await expect(load()).rejects.toMatchObject({ code: 'config_invalid', message: expect.stringContaining('k1 | k2') });
    await expect(load({ sealWith: 'k3' })).rejects.toMatchObject({
      code: 'config_invalid',
      message: expect.stringContaining('k3'),
    });
  });

  it('reads a mounted Secret, whose files are links into a hidden folder', async () => {
    mkdirSync(join(directory, '..data'), { mode: 0o700 });
    writeFileSync(join(directory, '..data', 'k1.key'), random.bytes(32).toString('hex'), { mode: 0o440 });
    symlinkSync(join('..data', 'k1.key'), join(directory, 'k1.key'));
    expect(await load()).toMatchObject({ sealWith: 'k1' });
  });

  it('refuses a key that everybody may read, and one that is none', async () => {
    addKey('k1');
    chmodSync(join(directory, 'k1.key'), 0o644);
    await expect(load()).rejects.toMatchObject({
      code: 'config_invalid',
      message: expect.stringContaining('chmod 600'),
    });
    writeFileSync(join(directory, 'k1.key'), 'changeme', { mode: 0o600 });
    chmodSync(join(directory, 'k1.key'), 0o600);
    await expect(load()).rejects.toMatchObject({ code: 'config_invalid' });
  });

  it('says so where its folder cannot be read, instead of making another key', async () => {
    writeFileSync(join(directory, 'file'), '');
    await expect(load({ directory: join(directory, 'file'), createFirst: true })).rejects.toMatchObject({
      code: 'config_invalid',
      message: expect.stringContaining('cannot read the folder'),
    });
  });
});

describe('a seal', () => {
  const key = random.bytes(32);
  const bound = Buffer.from('header');
  const plain = Buffer.from('the answer');
  const sealed = sealBytes(key, 'attempt', random.bytes(12), bound, plain);

  it('opens with its key, attempt and binding, and with nothing else', () => {
    expect(openBytes(key, 'attempt', bound, sealed)).toEqual(plain);
    expect(openBytes(random.bytes(32), 'attempt', bound, sealed)).toBeUndefined();
    expect(openBytes(key, 'attempt2', bound, sealed)).toBeUndefined();
    expect(openBytes(key, 'attempt', Buffer.from('headeR'), sealed)).toBeUndefined();
    for (let length = 0; length < sealed.length; length++)
      expect(openBytes(key, 'attempt', bound, sealed.subarray(0, length))).toBeUndefined();
  });
});
