/**
 * The launcher, run as a process in a folder laid out like the checkout, with a stand-in for src/main.ts. An old Node.js is
 * played by the one running the tests with its version number changed (the real launcher, the real signals).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

const launcherSource = join(import.meta.dirname, '../../bin/pilotlight.mjs');
const old = `data:text/javascript,Object.defineProperty(process,'versions',{value:{...process.versions,node:'18.20.0'}})`;
let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'pilotlight-launcher-'));
  for (const folder of ['bin', 'src', 'node_modules/.bin', 'path-a', 'path-b'])
    mkdirSync(join(root, folder), { recursive: true });
  copyFileSync(launcherSource, join(root, 'bin/pilotlight.mjs'));
  main(
    'const said: string[] = process.argv.slice(2); console.log(JSON.stringify({ pid: process.pid, said, by: process.env.BY }));',
  );
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function main(source: string): void {
  writeFileSync(join(root, 'src/main.ts'), source);
}

/** A `node` in a folder: a script that claims a version and runs the real one. */
function fakeNode(folder: string, version: string): void {
  const script = `#!/bin/sh\nif [ "$1" = --version ]; then echo ${version}; exit 0; fi\nBY=${folder} exec "${process.execPath}" "$@"\n`;
  const file = join(root, folder, 'node');
  writeFileSync(file, script);
  chmodSync(file, 0o755);
}

interface Launched {
  readonly child: ChildProcess;
  readonly out: () => string;
  readonly err: () => string;
  readonly ended: Promise<{ code: number | null; signal: string | null }>;
}

function launch(options: { as: 'old' | 'new'; path?: string; args?: string[]; cwd?: string }): Launched {
  const preload = options.as === 'old' ? ['--import', old] : [];
  const child = spawn(process.execPath, [...preload, join(root, 'bin/pilotlight.mjs'), ...(options.args ?? [])], {
    env: { PATH: options.path ?? `${join(root, 'path-a')}:${join(root, 'path-b')}` },
    cwd: options.cwd ?? root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stdout?.on('data', (chunk) => (out += chunk));
  child.stderr?.on('data', (chunk) => (err += chunk));
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal }));
  return { child, out: () => out, err: () => err, ended };
}

test('a Node.js that is new enough runs the service in its own process', async () => {
  const run = launch({ as: 'new', args: ['run', '--role=worker'] });
  expect(await run.ended).toEqual({ code: 0, signal: null });
  expect(JSON.parse(run.out())).toEqual({ pid: run.child.pid, said: ['run', '--role=worker'] });
});

test('an old Node.js hands over to the copy installed beside it, even when PATH has another', async () => {
  fakeNode('node_modules/.bin', 'v24.12.0');
  fakeNode('path-a', 'v26.0.0');
  const run = launch({ as: 'old', args: ['list', 'a b', '$HOME'] });
  expect(await run.ended).toEqual({ code: 0, signal: null });
  expect(JSON.parse(run.out())).toMatchObject({ said: ['list', 'a b', '$HOME'], by: 'node_modules/.bin' });
});

test('candidates that are too old or do not run are passed over', async () => {
  fakeNode('node_modules/.bin', 'v24.11.9');
  writeFileSync(join(root, 'path-a/node'), 'no program at all');
  fakeNode('path-b', 'v25.1.0');
  const run = launch({ as: 'old' });
  await run.ended;
  expect(JSON.parse(run.out())).toMatchObject({ by: 'path-b' });
});

test('a node in the working directory is never run by way of a relative PATH entry', async () => {
  fakeNode('path-a', 'v24.21.0');
  const run = launch({ as: 'old', path: `.:path-a:`, cwd: join(root, 'path-a') });
  expect((await run.ended).code).toBe(1);
  expect(run.out()).toBe('');
});

test('without any Node.js that is new enough it says what to do and fails', async () => {
  fakeNode('path-a', 'v20.20.2');
  const run = launch({ as: 'old' });
  expect(await run.ended).toEqual({ code: 1, signal: null });
  expect(run.out()).toBe('');
  expect(run.err()).toMatch(/needs Node\.js 24\.12 or newer; this is 18\.20\.0.*\n.*npm ci.*nodejs\.org/);
});

test('without installed packages it says so instead of failing inside an import', async () => {
  rmSync(join(root, 'node_modules'), { recursive: true });
  const run = launch({ as: 'new' });
  expect((await run.ended).code).toBe(1);
  expect(run.err()).toMatch(/packages are not installed[\s\S]*npm ci/);
});

test.for([
  'SIGTERM',
  'SIGINT',
  'SIGHUP',
] as const)('%s reaches the service, whose exit code comes back', async (signal) => {
  fakeNode('path-a', 'v24.21.0');
  main(
    `process.on('${signal}', () => { console.log('drained'); process.exit(7); }); console.log('ready'); setInterval(() => {}, 1000);`,
  );
  const run = launch({ as: 'old' });
  await once(run.child.stdout ?? run.child, 'data');
  run.child.kill(signal);
  expect(await run.ended).toEqual({ code: 7, signal: null });
  expect(run.out()).toBe('ready\ndrained\n');
});

test('a service that is killed takes the launcher with it by the same signal', async () => {
  fakeNode('path-a', 'v24.21.0');
  main(`process.kill(process.pid, 'SIGKILL'); setInterval(() => {}, 1000);`);
  expect(await launch({ as: 'old' }).ended).toEqual({ code: null, signal: 'SIGKILL' });
});
