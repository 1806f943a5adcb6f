/**
 * Where neither redis-server nor valkey-server is installed: on Debian and Ubuntu, as root, we install it after saying
 * so. The package would start a service of its own; a policy-rc.d file forbids that while apt-get runs and is taken away
 * afterwards. Everywhere else one line says what to install.
 */
import type { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { access, readFile, rm, writeFile } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import { errorLabel, PilotlightError } from '../runtime/errors.ts';

export interface InstallOptions {
  /** The PATH to search and to run apt-get with. */
  readonly path: string;
  readonly uid: number;
  readonly spawn: typeof spawn;
  /** Tells the person at the terminal what is about to happen. */
  readonly say: (line: string) => void;
  /** Files of the system; another place in tests. */
  readonly osReleaseFile?: string;
  readonly policyFile?: string;
}

/** apt-get on a slow mirror takes a minute or two. */
const aptMsMax = 300_000;

export const howToInstall =
  'no Redis found: set REDIS_URL, or install one (Debian/Ubuntu: sudo apt-get install -y redis-server; ' +
  'macOS: brew install valkey; or docker run -p 6379:6379 valkey/valkey and REDIS_URL=redis://127.0.0.1:6379)';

/** The full path of redis-server or valkey-server, undefined where the PATH has neither. */
export function findRedisBinary(path: string): Promise<string | undefined> {
  return onPath(path, ['redis-server', 'valkey-server']);
}

async function onPath(path: string, names: readonly string[]): Promise<string | undefined> {
  for (const name of names) {
    for (const folder of path.split(delimiter)) {
      // A relative entry would make what we start depend on where we are started.
      if (!isAbsolute(folder)) continue;
      const file = join(folder, name);
      const found = await access(file, constants.X_OK).then(
        () => true,
        () => false,
      );
      if (found) return file;
    }
  }
  return undefined;
}

/** Installs redis-server and gives its path. Throws redis_unavailable with one line that says what to install. */
export async function installRedis(options: InstallOptions): Promise<string> {
  const aptGet = await onPath(options.path, ['apt-get']);
  if (options.uid !== 0 || aptGet === undefined || !(await isDebian(options.osReleaseFile ?? '/etc/os-release'))) {
    throw new PilotlightError('redis_unavailable', howToInstall);
  }
  options.say('No Redis found: installing the redis-server package with apt-get; its system service is not started.');
  const policyFile = options.policyFile ?? '/usr/sbin/policy-rc.d';
  const ourPolicy = await forbidServices(policyFile);
  try {
    if (!(await aptInstall(options, aptGet))) {
      options.say('Reading the package lists first (apt-get update).');
      await runQuietly(options, aptGet, ['update']);
      await aptInstall(options, aptGet);
    }
  } finally {
    if (ourPolicy) await rm(policyFile, { force: true });
  }
  const binary = await findRedisBinary(options.path);
  if (binary === undefined) {
    throw new PilotlightError('redis_unavailable', `apt-get could not install redis-server; ${howToInstall}`);
  }
  options.say(`Installed ${binary}.`);
  return binary;
}

/** True when the file is ours; one that is there already is the administrator's and decides. */
async function forbidServices(policyFile: string): Promise<boolean> {
  try {
    await writeFile(policyFile, '#!/bin/sh\nexit 101\n', { mode: 0o755, flag: 'wx' });
    return true;
  } catch (error) {
    if (errorLabel(error).endsWith(':EEXIST')) return false;
    throw new PilotlightError('redis_unavailable', `${policyFile} cannot be written; ${howToInstall}`);
  }
}

async function isDebian(osReleaseFile: string): Promise<boolean> {
  const text = await readFile(osReleaseFile, 'utf8').catch(() => '');
  return /^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(text);
}

function aptInstall(options: InstallOptions, aptGet: string): Promise<boolean> {
  const wait = ['-o', 'DPkg::Lock::Timeout=60'];
  return runQuietly(options, aptGet, [...wait, 'install', '-y', '--no-install-recommends', 'redis-server']);
}

/** Runs apt-get with its output thrown away; true when it ended with 0. */
function runQuietly(options: InstallOptions, command: string, args: readonly string[]): Promise<boolean> {
  return new Promise((resolve) => {
    const child = options.spawn(command, args, {
      env: { PATH: options.path, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' },
      stdio: 'ignore',
      timeout: aptMsMax,
    });
    child.once('error', () => resolve(false));
    child.once('exit', (code) => resolve(code === 0));
  });
}
