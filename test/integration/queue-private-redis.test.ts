/** Finding, starting, sharing and installing a Redis of our own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type EnsureRedisOptions, ensureRedis, findPrivateRedis } from '../../src/queue/private-redis.ts';
import { findRedisBinary } from '../../src/queue/private-redis-install.ts';
import { connectRedis } from '../../src/queue/redis.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { type Closers, createClosers } from '../../src/runtime/closers.ts';
import { hasCode } from '../../src/runtime/errors.ts';
import { silentLogger } from '../../src/runtime/logger.ts';
import { systemRandom } from '../../src/runtime/random.ts';

let root: string;
let dataDir: string;
let said: string[];
let closers: Closers;
let spawned: { child: ChildProcess; args: readonly string[] }[];
const clock = systemClock();
const realPath = process.env.PATH ?? '';

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'pilotlight-private-'));
  dataDir = join(root, 'data');
  said = [];
  spawned = [];
  closers = createClosers();
});
afterEach(async () => {
  await closers.closeAll();
  // A test that failed half way must not leave a server behind.
  for (const { child } of spawned) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  await rm(root, { recursive: true, force: true });
});

const watchedSpawn = ((command: string, args: readonly string[], options: object) => {
  const child = spawn(command, args, options);
  spawned.push({ child, args });
  return child;
}) as typeof spawn;

function options(more: Partial<EnsureRedisOptions> = {}): EnsureRedisOptions {
  return {
    shared: false,
    dataDir,
    say: (line) => void said.push(line),
    path: realPath,
    uid: 1000,
    pid: process.pid,
    spawn: watchedSpawn,
    kill: (pid, signal) => process.kill(pid, signal),
    clock,
    random: systemRandom(),
    ...more,
  };
}

async function ensure(more: Partial<EnsureRedisOptions> = {}) {
  const found = await ensureRedis(options(more));
  closers.push('redis', () => found.stop());
  return found;
}

async function answers(url: string): Promise<boolean> {
  const connection = connectRedis({ url, role: 'commands', logger: silentLogger, clock });
  const reached = await connection.untilReached(1_000).then(
    () => connection.ping(),
    () => false,
  );
  await connection.close();
  return reached;
}

test('a configured Redis is taken as it is and nothing is started', async () => {
  const found = await ensure({ url: 'redis://somewhere:6379' });
  expect(found).toMatchObject({ url: 'redis://somewhere:6379', source: 'configured' });
  expect(spawned).toEqual([]);
});

test('several pods without a Redis between them are refused', async () => {
  const failure = await ensureRedis(options({ shared: true })).catch((error: unknown) => error);
  expect(hasCode(failure, 'redis_unavailable')).toBe(true);
  expect(spawned).toEqual([]);
});

test('a private Redis answers on loopback with a password that only its owner can read, and leaves nothing behind', async () => {
  const found = await ensure();
  expect(found.source).toBe('started');
  expect(found.url).toMatch(/^redis:\/\/:[\w-]{32}@127\.0\.0\.1:\d+$/);
  expect(await answers(found.url)).toBe(true);
  expect(await answers(found.url.replace(/:[\w-]{32}@/, ':wrong@'))).toBe(false);
  const password = /:([\w-]{32})@/.exec(found.url)?.[1] ?? '';
  expect(spawned).toHaveLength(1);
  expect(spawned[0]?.args.join(' ')).not.toContain(password);
  expect(await findPrivateRedis(dataDir)).toBe(found.url);

  for (const folder of [dataDir, ...(await readdir(dataDir)).map((name) => join(dataDir, name))]) {
    expect((await stat(folder)).mode & 0o077, folder).toBe(0);
  }
  await found.stop();
  expect(spawned[0]?.child.exitCode ?? spawned[0]?.child.signalCode).not.toBeNull();
  expect(await readdir(dataDir)).toEqual([]);
  expect(await findPrivateRedis(dataDir)).toBeUndefined();
});

test('a second process of the same data folder shares the server and does not stop it', async () => {
  const first = await ensure();
  const second = await ensure();
  expect(second).toMatchObject({ url: first.url, source: 'running' });
  await second.stop();
  expect(await answers(first.url)).toBe(true);
  expect(spawned).toHaveLength(1);
});

test('two that start at the same moment end up with one server', async () => {
  const [one, two] = await Promise.all([ensure(), ensure()]);
  expect(one.url).toBe(two.url);
  expect(await answers(one.url)).toBe(true);
  const left = spawned.filter(({ child }) => child.exitCode === null && child.signalCode === null);
  expect(left).toHaveLength(1);
});

test('a server whose owner was killed is found, taken over, and stopped by the new owner', async () => {
  const owner = spawn('true');
  await once(owner, 'exit');
  const first = await ensureRedis(options({ pid: owner.pid ?? 0 }));
  const second = await ensure();
  expect(second).toMatchObject({ url: first.url, source: 'running' });
  await second.stop();
  expect(await answers(first.url)).toBe(false);
  expect(await readdir(dataDir)).toEqual([]);
});

/** A process that does nothing but live. */
function living(): ChildProcess & { readonly pid: number } {
  const child = spawn('sleep', ['60']);
  closers.push('sleeper', async () => void child.kill('SIGKILL'));
  return child as ChildProcess & { readonly pid: number };
}

test('an owner that ends leaves the server to one that uses it, and the last one stops it', async () => {
  const owner = await ensure();
  const [gone, service, command] = [living(), living(), living()];
  await ensureRedis(options({ pid: gone.pid }));
  const second = await ensureRedis(options({ pid: service.pid }));
  const third = await ensureRedis(options({ pid: command.pid }));
  await third.stop();
  gone.kill('SIGKILL');
  await once(gone, 'exit');
  await owner.stop();
  expect(await answers(owner.url)).toBe(true);
  expect(await findPrivateRedis(dataDir)).toBe(owner.url);
  await second.stop();
  expect(await answers(owner.url)).toBe(false);
  expect(await readdir(dataDir)).toEqual([]);
});

test('an owner whose sharers were killed stops the server', async () => {
  const owner = await ensure();
  const gone = living();
  await ensureRedis(options({ pid: gone.pid }));
  gone.kill('SIGKILL');
  await once(gone, 'exit');
  await owner.stop();
  expect(await answers(owner.url)).toBe(false);
  expect(await readdir(dataDir)).toEqual([]);
});

test('what a killed server left behind is cleared away and a new one started', async () => {
  const first = await ensureRedis(options());
  spawned[0]?.child.kill('SIGKILL');
  await once(spawned[0]?.child as ChildProcess, 'exit');
  expect(await findPrivateRedis(dataDir)).toBeUndefined();
  const second = await ensure();
  expect(second.source).toBe('started');
  expect(second.url).not.toBe(first.url);
  expect((await readdir(dataDir)).length).toBe(2);
});

test('a state file that is broken or lies is not believed', async () => {
  await mkdir(dataDir);
  for (const text of [
    '',
    '{',
    '{"url":1}',
    JSON.stringify({ url: 'redis://127.0.0.1:1', pid: 1, owner: 1, directory: '/etc' }),
  ]) {
    await writeFile(join(dataDir, 'redis.json'), text);
    expect(await findPrivateRedis(dataDir)).toBeUndefined();
  }
  expect((await ensure()).source).toBe('started');
  expect((await stat('/etc')).isDirectory()).toBe(true);
});

test('a server that cannot start is reported with its own words', async () => {
  const bin = join(root, 'bin');
  await mkdir(bin);
  await writeFile(join(bin, 'redis-server'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
  const failure = (await ensureRedis(options({ path: bin })).catch((error: unknown) => error)) as Error;
  expect(hasCode(failure, 'redis_unavailable')).toBe(true);
  expect(failure.message).toContain('did not start');
  expect(await readdir(dataDir)).toEqual([]);
});

test('valkey-server does as well as redis-server, and a folder given relatively is never searched', async () => {
  const bin = join(root, 'bin');
  await mkdir(bin);
  await symlink((await findRedisBinary(realPath)) ?? '', join(bin, 'valkey-server'));
  expect(await findRedisBinary(`:relative:${bin}`)).toBe(join(bin, 'valkey-server'));
  expect(await findRedisBinary('relative:.')).toBeUndefined();
});

// ------------------------------------------------------------------------------------------- apt-get on Debian, as root

/** A PATH whose apt-get writes down how it was called and "installs" by linking the real server. */
async function debian(script: string): Promise<Partial<EnsureRedisOptions> & { readonly calls: string }> {
  const bin = join(root, 'bin');
  const calls = join(root, 'calls');
  const osReleaseFile = join(root, 'os-release');
  const policyFile = join(root, 'policy-rc.d');
  await mkdir(bin);
  await writeFile(osReleaseFile, 'PRETTY_NAME="Debian"\nID=debian\n');
  const install = `/bin/ln -s ${await findRedisBinary(realPath)} ${bin}/redis-server`;
  const text = script.replaceAll('INSTALL', install).replaceAll('CALLS', calls).replaceAll('POLICY', policyFile);
  await writeFile(join(bin, 'apt-get'), `#!/bin/sh\n${text}\n`);
  await chmod(join(bin, 'apt-get'), 0o755);
  return { path: bin, uid: 0, osReleaseFile, policyFile, calls };
}

test('as root on Debian the package is installed after saying so, and its service is kept from starting', async () => {
  const { calls, ...system } = await debian(
    `{ read -r _; read -r policy; } < POLICY; echo "$@ $DEBIAN_FRONTEND $policy" >> CALLS; INSTALL`,
  );
  const found = await ensure(system);
  expect(await answers(found.url)).toBe(true);
  expect(await readFile(calls, 'utf8')).toMatch(
    / install -y --no-install-recommends redis-server noninteractive exit 101\n$/,
  );
  expect(said[0]).toContain('apt-get');
  expect(await readdir(root)).not.toContain('policy-rc.d');
});

test('where the package lists are missing they are read first', async () => {
  const { calls, ...system } = await debian(
    `echo "$@" >> CALLS; case "$1" in update) : > CALLS.updated;; *) test -f CALLS.updated || exit 100; INSTALL;; esac`,
  );
  await ensure(system);
  expect((await readFile(calls, 'utf8')).split('\n').map((line) => /update|install/.exec(line)?.[0])).toEqual([
    'install',
    'update',
    'install',
    undefined,
  ]);
});

test("an administrator's own policy for services is left as it is", async () => {
  const { calls: _calls, ...system } = await debian('INSTALL');
  await writeFile(join(root, 'policy-rc.d'), 'theirs');
  await ensure(system);
  expect(await readFile(join(root, 'policy-rc.d'), 'utf8')).toBe('theirs');
});

test('where it cannot be installed, one line says what to do', async () => {
  const { calls: _calls, ...system } = await debian('exit 100');
  for (const more of [system, { ...system, uid: 1000 }, { ...system, osReleaseFile: '/nonexistent' }]) {
    const failure = (await ensureRedis(options(more)).catch((error: unknown) => error)) as Error;
    expect(hasCode(failure, 'redis_unavailable')).toBe(true);
    expect(failure.message).toContain('apt-get install -y redis-server');
    expect(failure.message).not.toContain('\n');
  }
  expect(await readdir(root)).not.toContain('policy-rc.d');
});
