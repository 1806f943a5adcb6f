/**
 * The Dockerfile's install, for real: its command in an empty folder with what the Dockerfile copies there. What comes is
 * what the lock file says and, file by file, what the image test puts together; nothing that a package brings is run.
 * Apart from `npm test`, because it asks the registry.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Lock, productionPaths } from '../../scripts/sbom.ts';

const checkout = join(import.meta.dirname, '../..');
const [, install = ''] = /^RUN (npm ci .*)$/m.exec(await readFile(join(checkout, 'Dockerfile'), 'utf8')) ?? [];
const lock = JSON.parse(await readFile(join(checkout, 'package-lock.json'), 'utf8')) as Lock;

let root = '';
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'pilotlight-install-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function run(command: string, cwd: string) {
  const [program = '', ...args] = command.split(' ');
  const child = spawn(program, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk));
  const [code] = (await once(child, 'close')) as [number];
  return { code, said };
}

/** Packages in a folder, by the path that the lock file gives them. */
async function packagesIn(folder: string, below = ''): Promise<string[]> {
  const names = await readdir(join(folder, below, 'node_modules')).catch(() => []);
  const scoped = await Promise.all(
    names.map(async (name) =>
      name.startsWith('@')
        ? (await readdir(join(folder, below, 'node_modules', name))).map((part) => `${name}/${part}`)
        : [name],
    ),
  );
  const paths = scoped
    .flat()
    .filter((name) => !name.startsWith('.'))
    .map((name) => (below === '' ? `node_modules/${name}` : `${below}/node_modules/${name}`));
  const deeper = await Promise.all(paths.map((path) => packagesIn(folder, path)));
  return [...paths, ...deeper.flat()].toSorted();
}

/** One hash for all files of a package, its nested packages left out. */
async function hashOf(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .filter((path) => !/(?:^|\/)node_modules\//.test(path));
  const hash = createHash('sha256');
  for (const path of files.toSorted()) hash.update(path).update(await readFile(join(folder, path)));
  return hash.digest('hex');
}

test('the Dockerfile’s own command installs exactly the production packages, byte for byte those tested here', async () => {
  expect(install).toContain('--ignore-scripts');
  const folder = join(root, 'packages');
  await mkdir(folder);
  for (const file of ['package.json', 'package-lock.json', '.npmrc'])
    await cp(join(checkout, file), join(folder, file));
  const { code, said } = await run(install, folder);
  expect(code, said).toBe(0);
  const wanted = productionPaths(lock);
  expect(await packagesIn(folder)).toEqual(wanted);
  const changed: string[] = [];
  for (const path of wanted)
    if ((await hashOf(join(folder, path))) !== (await hashOf(join(checkout, path)))) changed.push(path);
  expect(changed).toEqual([]);
});

test('and it runs no script of a package: one that would leave a mark leaves none, and does without the flag', async () => {
  const folder = join(root, 'planted');
  await mkdir(join(folder, 'theirs'), { recursive: true });
  const mark = join(root, 'mark');
  const scripts = { postinstall: `node -e "require('node:fs').writeFileSync('${mark}', '')"` };
  await writeFile(join(folder, 'theirs/package.json'), JSON.stringify({ name: 'theirs', version: '1.0.0', scripts }));
  const ours = { name: 'ours', version: '1.0.0', private: true, dependencies: { theirs: 'file:theirs' } };
  await writeFile(join(folder, 'package.json'), JSON.stringify(ours));
  const locked = await run('npm install --package-lock-only --ignore-scripts --offline', folder);
  expect(locked.code, locked.said).toBe(0);
  const refused = await run(install, folder);
  expect(refused.code, refused.said).toBe(0);
  await expect(readFile(mark)).rejects.toThrow(/ENOENT/);
  const allowed = await run(install.replace('--ignore-scripts', '--ignore-scripts=false'), folder);
  expect(allowed.code, allowed.said).toBe(0);
  await expect(readFile(mark)).resolves.toHaveLength(0);
});
