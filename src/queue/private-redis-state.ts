/**
 * Where the private Redis of a data folder is: `redis.json`, readable by its owner only because the URL holds the
 * password. What it says is believed only while a server with that process id answers with that password.
 */
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { errorLabel } from '../runtime/errors.ts';
import { answeringPid } from './private-redis-server.ts';

const serverState = z.strictObject({
  url: z.string(),
  pid: z.int().positive(),
  /** Process id of whoever stops it. */
  owner: z.int().positive(),
  /** The server's own folder. */
  directory: z.string(),
});
export type ServerState = z.infer<typeof serverState>;

const fileOf = (dataDir: string) => join(dataDir, 'redis.json');

async function read(dataDir: string): Promise<ServerState | undefined> {
  const text = await readFile(fileOf(dataDir), 'utf8').catch(() => '');
  try {
    return serverState.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** The state of a server that answers, undefined when none does. */
export async function readLive(dataDir: string): Promise<ServerState | undefined> {
  const found = await read(dataDir);
  return found !== undefined && (await answeringPid(found.url)) === found.pid ? found : undefined;
}

/** Takes away what a dead server left behind. */
export async function clearDead(dataDir: string): Promise<void> {
  const found = await read(dataDir);
  if (found !== undefined && (await answeringPid(found.url)) === found.pid) return;
  await rm(fileOf(dataDir), { force: true });
  if (found?.directory.startsWith(join(dataDir, 'redis-')) === true) {
    await rm(found.directory, { recursive: true, force: true });
  }
}

/** Writes the state where there is none; false when another process was faster. */
export async function claimState(dataDir: string, state: ServerState): Promise<boolean> {
  try {
    await writeFile(fileOf(dataDir), JSON.stringify(state), { mode: 0o600, flag: 'wx' });
    return true;
  } catch (error) {
    if (errorLabel(error).endsWith(':EEXIST')) return false;
    throw error;
  }
}

/** Replaces the state whole. */
export async function rewriteState(dataDir: string, state: ServerState): Promise<void> {
  const draft = `${fileOf(dataDir)}.${state.owner}`;
  await writeFile(draft, JSON.stringify(state), { mode: 0o600 });
  await rename(draft, fileOf(dataDir));
}

/** Takes the state away where it still is that of this server. */
export async function dropState(dataDir: string, pid: number): Promise<void> {
  if ((await read(dataDir))?.pid === pid) await rm(fileOf(dataDir), { force: true });
}

const sharerName = /^sharer-(\d+)$/;
const sharerFile = ({ directory }: ServerState, pid: number) => join(directory, `sharer-${pid}`);

/** Writes down that this process uses a server it does not own: a file of its own, so that nobody's entry is lost to another's. */
export async function noteSharer(state: ServerState, pid: number): Promise<void> {
  // Without it the server ends with its owner.
  await writeFile(sharerFile(state, pid), '', { mode: 0o600 }).catch(() => undefined);
}

export async function dropSharer(state: ServerState, pid: number): Promise<void> {
  await rm(sharerFile(state, pid), { force: true });
}

/** Process ids of those who said that they use the server, the dead among them. */
export async function sharersOf({ directory }: ServerState): Promise<readonly number[]> {
  const names = await readdir(directory).catch(() => []);
  return names.flatMap((name) => sharerName.exec(name)?.[1] ?? []).map(Number);
}
