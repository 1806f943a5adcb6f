/** The command line with a context of its own: output kept as text, files and standard input as given, a service in memory. */
import { parseDuration } from '../../config/duration.ts';
import { renderConfig } from '../../config/render.ts';
import type { CommandContext } from '../../src/cli/context.ts';
import { runCommand } from '../../src/cli/program.ts';
import { type Acts, type Given, loaded, now, openedOf } from './cli-opened.ts';

export { canary, day, document, type Given, loaded, now } from './cli-opened.ts';

export interface Called {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly acts: Acts;
}

/** Calls `pilotlight` with the arguments given. `context` replaces members of the context. */
export async function pilotlight(
  argv: readonly string[],
  given: Given = {},
  context: Partial<CommandContext> & {
    readonly files?: Readonly<Record<string, string>>;
    readonly input?: string;
  } = {},
): Promise<Called> {
  const out: string[] = [];
  const err: string[] = [];
  const acts: Acts = { created: [], refreshed: [], revoked: [], released: [], adopted: [], closed: 0 };
  const { files = {}, input, ...over } = context;
  const code = await runCommand(argv, {
    out: (text) => void out.push(text),
    err: (text) => void err.push(text),
    readInput: () => (input === undefined ? Promise.reject(new Error('nothing may be read')) : Promise.resolve(input)),
    readFile: async (path) => {
      const text = files[path];
      if (text === undefined)
        throw Object.assign(new Error(`ENOENT: no such file, open '${path}'`), { code: 'ENOENT' });
      return text;
    },
    terminal: false,
    columns: undefined,
    plain: false,
    interruption: () => new AbortController().signal,
    clock: { now: () => now, monotonic: () => 0, sleep: async () => {} },
    version: { version: '0.1.0', commit: 'abc1234', node: '24.21.0' },
    loadConfig: () => given.config ?? loaded(),
    renderConfig,
    readDuration: parseDuration,
    open: async () => openedOf(given, acts),
    openSpool: () => Promise.reject(new Error('not asked for')),
    run: () => Promise.reject(new Error('not asked for')),
    demo: () => Promise.reject(new Error('not asked for')),
    ...over,
  });
  return { code, out: out.join(''), err: err.join(''), acts };
}

/** The one JSON document a command printed. */
export function documentOf({ out }: Called): Record<string, unknown> {
  return JSON.parse(out) as Record<string, unknown>;
}
