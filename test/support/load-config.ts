/**
 * Loads a configuration from texts instead of a disk; the shipped provider files are the real ones. Paths in `files` are
 * absolute; a value that is an error code (`EACCES`) is thrown as the file system would.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Config } from '../../config/derive.ts';
import { type LoadOptions, type LoadResult, loadConfig } from '../../config/load.ts';
import { formatProblem } from '../../config/problem.ts';

export interface Given extends Partial<LoadOptions> {
  /** Text of /etc/pilotlight.yaml, named on the command line. */
  readonly yaml?: string | Uint8Array;
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
}

export const configFile = '/etc/pilotlight.yaml';

export function load({ yaml, files = {}, ...options }: Given = {}): LoadResult {
  const all = new Map(Object.entries(yaml === undefined ? files : { ...files, [configFile]: yaml }));
  return loadConfig({
    env: {},
    cwd: '/srv',
    file: yaml === undefined ? undefined : configFile,
    readFile: (path) => {
      const found = all.get(path);
      if (found === undefined) return readFileSync(path);
      if (typeof found === 'string' && /^E[A-Z]+$/.test(found)) throw Object.assign(new Error(found), { code: found });
      return typeof found === 'string' ? new TextEncoder().encode(found) : found;
    },
    listDir: (path) => {
      const here = [...all.keys()].filter((file) => dirname(file) === path).map((file) => file.slice(path.length + 1));
      return here.length > 0 ? here : readdirSync(path);
    },
    ...options,
  });
}

/** The configuration, which must be in order. */
export function accepted(given: Given = {}): Config {
  const result = load(given);
  if (!result.ok) throw new Error(`refused:\n${result.problems.map(formatProblem).join('\n')}`);
  return result.config;
}

/** What is wrong, one line a problem; empty where nothing is. */
export function refused(given: Given): string[] {
  const result = load(given);
  return result.ok ? [] : result.problems.map(formatProblem);
}
