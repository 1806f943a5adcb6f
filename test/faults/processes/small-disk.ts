/** A disk of a few pages for one spool, filled to the last of them. Needs the right to mount. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onExit } from './on-exit.ts';

export interface FullDisk {
  makeRoom(): void;
  takeAway(): void;
}

const bytes = 512 * 1_024;

/** Undefined where nothing may be mounted. */
export function fillDisk(directory: string): FullDisk | undefined {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes},mode=0700`, 'tmpfs', directory], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  const takeAway = () => void execFileSync('umount', ['--lazy', directory], { stdio: 'ignore' });
  const spare = onExit(takeAway);
  const filler = join(directory, 'filler');
  try {
    writeFileSync(filler, Buffer.alloc(bytes));
  } catch {
    // The first byte too many is refused.
  }
  return {
    makeRoom: () => rmSync(filler),
    takeAway() {
      spare();
      takeAway();
    },
  };
}
