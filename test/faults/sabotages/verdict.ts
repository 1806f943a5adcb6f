/** Runs a test in a tree and says whether it held: only a test that ran and failed turns a sabotage red. */
import { spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Catcher } from './sabotage.ts';

export type Verdict =
  | { readonly kind: 'green'; readonly tests: number }
  | { readonly kind: 'red'; readonly by: string }
  /** Nothing ran, or nothing that can be read came of it. */
  | { readonly kind: 'broken'; readonly why: string };

/** Longest a catcher may take: a sabotage that makes everything hang is no finding. */
const limitMs = 90_000;
const output = '.sabotage.json';

export async function runCatcher(catcher: Catcher, directory: string): Promise<Verdict> {
  const path = join(directory, output);
  rmSync(path, { force: true });
  return 'test' in catcher ? runTest(catcher, directory, path) : runSuite(catcher, directory);
}

interface VitestReport {
  readonly numFailedTests: number;
  readonly numPassedTests: number;
  readonly testResults: readonly {
    readonly message?: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

async function runTest(
  { test, titled }: Extract<Catcher, { test: string }>,
  directory: string,
  path: string,
): Promise<Verdict> {
  const end = await run(directory, [
    ...['node_modules/vitest/vitest.mjs', 'run', test, '--reporter=json', `--outputFile=${path}`, '--bail=1'],
    ...(titled === undefined ? [] : ['--testNamePattern', titled]),
  ]);
  let found: VitestReport;
  try {
    found = JSON.parse(readFileSync(path, 'utf8')) as VitestReport;
  } catch {
    return { kind: 'broken', why: `no result (${end})` };
  }
  const all = found.testResults.flatMap(({ assertionResults }) => assertionResults);
  const failed = all.find(({ status }) => status === 'failed');
  if (failed !== undefined) return { kind: 'red', by: failed.fullName };
  if (end === '' && found.numPassedTests > 0) return { kind: 'green', tests: found.numPassedTests };
  return { kind: 'broken', why: found.testResults[0]?.message?.split('\n')[0] || `no test of that title ran (${end})` };
}

async function runSuite({ suite, arguments: more = [] }: Extract<Catcher, { suite: string }>, directory: string) {
  let text = '';
  const end = await run(
    directory,
    ['test/faults/main.ts', '--only', suite, '--json', ...(more.length === 0 ? ['--quick'] : more)],
    (chunk) => {
      text += chunk;
    },
  );
  try {
    const { failures, suites } = JSON.parse(text) as {
      failures: readonly { property: string; what: string }[];
      suites: Record<string, { died?: string }>;
    };
    if (suites[suite]?.died !== undefined) return { kind: 'broken', why: suites[suite].died } as const;
    const [first] = failures;
    if (first !== undefined) return { kind: 'red', by: `${first.property}: ${first.what}` } as const;
    return { kind: 'green', tests: 1 } as const;
  } catch {
    return { kind: 'broken', why: `no result (${end})` } as const;
  }
}

/** Answers how it ended; '' where it ended well. */
function run(directory: string, args: readonly string[], hear?: (chunk: string) => void): Promise<string> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, {
      cwd: directory,
      stdio: ['ignore', hear === undefined ? 'ignore' : 'pipe', 'ignore'],
      // A group of its own, so that nothing it started outlives it.
      detached: true,
      env: { ...process.env, NO_COLOR: '1' },
    });
    const endAll = () => {
      try {
        process.kill(-(child.pid ?? 0), 'SIGKILL');
      } catch {
        // Nobody is left.
      }
    };
    child.stdout?.on('data', (chunk: Buffer) => hear?.(chunk.toString('utf8')));
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      endAll();
    }, limitMs);
    child.once('error', ({ message }) => resolve(message));
    child.once('close', (code, by) => {
      clearTimeout(timer);
      endAll();
      resolve(late ? `not ended after ${limitMs / 1_000} s` : code === 0 ? '' : `exit ${by ?? code}`);
    });
  });
}
