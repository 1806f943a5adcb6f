/** A copy of the tree to be damaged: sources, tests and configuration; what is installed is only linked. */
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { damage, type Sabotage } from './sabotage.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
/** What the tests read; documents and charts included, for some tests are about them. */
const copied = [
  ...[
    'src',
    'config',
    'jobs',
    'test',
    'bin',
    'helm',
    'docs',
    'dashboards',
    'package.json',
    'package-lock.json',
    '.npmrc',
  ],
  ...['tsconfig.json', 'biome.json', 'vitest.config.ts', 'vitest.browser.config.ts', 'Dockerfile', '.dockerignore'],
  ...['README.md', 'ARCHITECTURE.md'],
];

export interface Tree {
  readonly directory: string;
  /** Damages one file; answers why it cannot, in words, or the way back. */
  patch(sabotage: Sabotage): { readonly restore: () => void } | { readonly why: string };
  remove(): void;
}

export function copyTree(): Tree {
  const directory = mkdtempSync(join(tmpdir(), 'pilotlight-sabotage-'));
  for (const name of copied)
    if (existsSync(join(root, name))) cpSync(join(root, name), join(directory, name), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'));
  return {
    directory,
    patch(sabotage) {
      const path = join(directory, sabotage.file);
      if (!existsSync(path)) return { why: `there is no ${sabotage.file}` };
      const text = readFileSync(path, 'utf8');
      const damaged = damage(text, sabotage);
      if ('why' in damaged) return damaged;
      writeFileSync(path, damaged.text);
      return { restore: () => writeFileSync(path, text) };
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}
