/** The file store on disk: what it leaves there, several processes at once, and crashes. */
import { spawn } from 'node:child_process';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, test } from 'vitest';
import { stage } from '../../src/rotation/ports.ts';
import { folderOf } from '../../src/secrets/file-seal.ts';
import { fileStoreBench } from '../support/file-store-bench.ts';
import { codeOf, content, text } from '../support/store-fixture.ts';

const bench = fileStoreBench();
const { random, opened, create, listed } = bench;
const { current } = stage;
const writer = join(import.meta.dirname, '../support/file-store-writer.ts');
const running = new Set<ReturnType<typeof spawn>>();

afterEach(() => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts another process that writes; gives its lines as they come. */
function startWriter(...args: string[]) {
  const child = spawn(process.execPath, [writer, bench.root, bench.key.toString('hex'), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  running.add(child);
  const exited = new Promise<number | null>((done) =>
    child.once('exit', (code) => {
      running.delete(child);
      done(code);
    }),
  );
  return { child, exited, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
}

async function rest(lines: AsyncIterator<string>): Promise<string[]> {
  const all: string[] = [];
  for (let line = await lines.next(); line.done !== true; line = await lines.next()) all.push(line.value);
  return all;
}

describe('on disk', () => {
  test('nothing readable is left: no value, no tag, no name, and for its owner only', async () => {
    await create('customers/canary-name', 'canary-value');
    await bench.store.tag('customers/canary-name', { owner: 'canary-owner' });
    const entries = await readdir(bench.base, { recursive: true, withFileTypes: true });
    for (const entry of entries) {
      const path = join(entry.parentPath, entry.name);
      const mode = (await stat(path)).mode & 0o777;
      expect(mode).toBe(entry.isDirectory() ? 0o700 : 0o600);
      expect(path).not.toMatch(/canary/);
      if (entry.isFile()) expect((await readFile(path)).toString('latin1')).not.toMatch(/canary/);
    }
    expect(entries.filter((entry) => entry.isFile())).toHaveLength(2);
  });

  test.each([
    '../../etc/passwd',
    '/etc/passwd',
    'a\0b',
    '.',
    'CON',
    '-rf *',
    'é',
    'e\u0301',
    '🔑'.repeat(100),
    'x'.repeat(512),
  ])('any name is safe and its own: %j', async (name) => {
    await create(name, `value of ${name}`);
    expect(content((await bench.store.read(name, { stage: current })).value)).toBe(`value of ${name}`);
    expect((await readdir(bench.root)).every((entry) => /^[0-9a-f]{40}$|^key-check\.sealed$/.test(entry))).toBe(true);
    expect((await listed()).names).toEqual([name]);
  });

  test('an empty or endless name is refused', async () => {
    expect(await codeOf(create(''))).toBe('store_invalid');
    expect(await codeOf(create('x'.repeat(513)))).toBe('store_invalid');
  });

  test('is read by another instance with the same key, and only one file a secret stays', async () => {
    await create('a', 'first');
    for (let i = 0; i < 5; i++)
      await bench.store.put('a', { versionId: random.uuid(), value: text(`v${i}`), stages: [current] });
    expect(content((await opened().read('a', { stage: current })).value)).toBe('v4');
    expect(await readdir(join(bench.root, folderOf('a')))).toHaveLength(1);
  });

  test('keeps twenty versions and every labelled one', async () => {
    await create('a');
    const labelled = random.uuid();
    await bench.store.put('a', { versionId: labelled, value: text('kept'), stages: ['KEPT'] });
    for (let i = 0; i < 40; i++)
      await bench.store.put('a', { versionId: random.uuid(), value: text(`v${i}`), stages: [current] });
    const versions = await bench.store.versions('a');
    expect(versions).toHaveLength(20);
    expect(versions[0]).toMatchObject({ versionId: labelled, stages: ['KEPT'] });
  });
});

describe('several writers', () => {
  test('in several processes lose no write of one another', async () => {
    await create('shared');
    const writers = ['ONE', 'TWO'].map((label) => startWriter('shared', label, '25'));
    const here: Promise<string>[] = [];
    for (let i = 0; i < 25; i++) {
      const versionId = random.uuid();
      here.push(
        bench.store.put('shared', { versionId, value: text(versionId), stages: [`HERE_${i}`] }).then(() => versionId),
      );
    }
    const acknowledged = [...(await Promise.all(here))];
    for (const { lines, exited } of writers) {
      acknowledged.push(...(await rest(lines)));
      expect(await exited).toBe(0);
    }
    const stored = Object.keys((await bench.store.describe('shared')).stages);
    expect(acknowledged).toHaveLength(75);
    expect(acknowledged.filter((id) => !stored.includes(id))).toEqual([]);
  });

  test('one that slept while others wrote and cleared up overwrites nothing and still gets its write in', async () => {
    await create('shared');
    const go = join(bench.base, 'go');
    const slow = startWriter('shared', 'SLOW', '1', go);
    expect((await slow.lines.next()).value).toBe('paused');
    const ours: string[] = [];
    for (let i = 0; i < 4; i++) {
      const versionId = random.uuid();
      await bench.store.put('shared', { versionId, value: text('ours'), stages: [`OURS_${i}`] });
      ours.push(versionId);
    }
    await writeFile(go, '');
    const theirs = await rest(slow.lines);
    expect(await slow.exited).toBe(0);
    const stored = Object.keys((await bench.store.describe('shared')).stages);
    expect(theirs).toHaveLength(1);
    expect([...ours, ...theirs].filter((id) => !stored.includes(id))).toEqual([]);
  });

  test('of two that create the same secret one wins', async () => {
    const other = opened();
    const results = await Promise.all([codeOf(create('a', 'x')), codeOf(other.create('a', text('y'), {}))]);
    expect(results.sort()).toEqual(['store_exists', undefined]);
  });

  test('killed at any moment leaves every acknowledged write, and nothing in the way of the next', async () => {
    await create('shared');
    for (const after of [1, 4, 9]) {
      const victim = startWriter('shared', 'VICTIM', '100000');
      const acknowledged: string[] = [];
      for (let i = 0; i < after; i++) acknowledged.push((await victim.lines.next()).value ?? '');
      victim.child.kill('SIGKILL');
      acknowledged.push(...(await rest(victim.lines)));
      await victim.exited;
      const last = acknowledged.at(-1) ?? '';
      expect(content((await bench.store.read('shared', { versionId: last })).value)).toBe(`value ${last}`);
      // Half a file of the very generation that comes next goes with the one after it.
      for (const nth of ['first', 'second']) await bench.store.tag('shared', { [nth]: String(after) });
      expect(await readdir(join(bench.root, folderOf('shared')))).toHaveLength(1);
    }
  });

  test('that died half way through a file are cleared up after', async () => {
    await create('a');
    const folder = join(bench.root, folderOf('a'));
    await writeFile(join(folder, `000000000002.${random.uuid()}.tmp`), 'half');
    await bench.store.tag('a', { one: '1' });
    await bench.store.tag('a', { two: '2' });
    expect(await readdir(folder)).toEqual(['000000000003.sealed']);
  });
});
