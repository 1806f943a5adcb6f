/**
 * Before the first test: a Redis must be on the PATH, because every test that speaks to one starts its own. On Debian and
 * Ubuntu as root it is installed after saying so; elsewhere the run ends with the line that says what to install.
 */
import { spawn } from 'node:child_process';
import { findRedisBinary, installRedis } from '../../src/queue/private-redis-install.ts';

export async function setup(): Promise<void> {
  const path = process.env.PATH ?? '';
  if ((await findRedisBinary(path)) !== undefined) return;
  await installRedis({ path, uid: process.getuid?.() ?? -1, spawn, say: (line) => console.error(line) });
}
