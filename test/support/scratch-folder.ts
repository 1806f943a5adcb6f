/** A folder for the time of a run, removed however the run ends. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Closers } from '../../src/runtime/closers.ts';
import { onExit } from '../faults/processes/on-exit.ts';

export function scratchFolder(beginning: string, closers: Closers): string {
  const directory = mkdtempSync(join(tmpdir(), beginning));
  const remove = () => rmSync(directory, { recursive: true, force: true });
  const spare = onExit(remove);
  closers.push('directory', () => {
    spare();
    remove();
  });
  return directory;
}
