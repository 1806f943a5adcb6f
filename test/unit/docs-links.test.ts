/**
 * What the documents point at is there: files, headings, commands with their options, settings in examples. And what must
 * be in a document for somebody's sake stands in it.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { provider as providerSchema } from '../../config/provider.ts';
import type { CommandContext } from '../../src/cli/context.ts';
import { createProgram } from '../../src/cli/program.ts';
import { connectionStates } from '../../src/connection/entry.ts';
import { describeMetrics } from '../../src/telemetry/metric-list.ts';
import { refused } from '../support/load-config.ts';

const root = join(import.meta.dirname, '../..');
const documents = [
  'README.md',
  'ARCHITECTURE.md',
  ...readdirSync(join(root, 'docs'))
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`),
];
const read = (path: string) => readFileSync(join(root, path), 'utf8');

/** Anchors GitHub gives to a document's headings. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}

/** Fenced blocks of a language, and everything else that is code. */
const fenced = (text: string, language: string) =>
  [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(([, block = '']) => block);
const code = (text: string) => [
  ...fenced(text, ''),
  ...[...text.matchAll(/^ {4}.+$/gm)].map(([line]) => line),
  ...[...text.matchAll(/`([^`\n]+)`/g)].map(([, span = '']) => span),
];

describe.for(documents)('%s', (document) => {
  const text = read(document);

  test('links to nothing that is not there', () => {
    const broken = [...text.matchAll(/\]\((?!https?:)([^)\s]+)\)/g)]
      .map(([, target = '']) => target)
      .filter((target) => {
        const [path = '', anchor] = target.split('#');
        const file = path === '' ? document : join(dirname(document), path);
        return !existsSync(join(root, file)) || (anchor !== undefined && !anchorsOf(read(file)).includes(anchor));
      });
    expect(broken).toEqual([]);
  });

  test('names no file of ours that is not there', () => {
    const files = code(text).flatMap(
      (piece) => piece.match(/(?:^|(?<=\s))(?:src|config|jobs|test|docs|bin)\/[\w./-]*[\w/]/g) ?? [],
    );
    expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([]);
  });

  test('says no command that cannot be typed', () => {
    const calls = code(text).flatMap((piece) =>
      piece.split('\n').flatMap((line) => /(?:^|\s|npx )pilotlight ([a-z].*)$/.exec(line)?.[1] ?? []),
    );
    expect(calls.flatMap((call) => wrongIn(call))).toEqual([]);
  });

  test('names no metric that is not exported', () => {
    const exported = describeMetrics().map(({ name }) => name);
    const named = text.match(/\bpilotlight_[a-z]\w*/g) ?? [];
    expect(named.filter((name) => !exported.includes(name))).toEqual([]);
  });

  test('has no line that is left over', () => {
    expect(text).not.toMatch(/\b(?:TODO|FIXME|XXX|lorem)\b/i);
  });
});

const program = createProgram(
  { version: { version: '', commit: '', node: '' } } as unknown as CommandContext,
  () => undefined,
);

/** What is wrong with a call as it stands in a document; comments and pipes end it. */
function wrongIn(call: string): string[] {
  const words = (call.split(/\s#|\s[|<>]\s|;|\\\|/)[0] ?? '').trim().split(/\s+/);
  let command: Command = program;
  while (words.length > 0) {
    const next = command.commands.find((candidate) => candidate.name() === words[0]);
    if (next === undefined) break;
    command = next;
    words.shift();
  }
  if (command === program || command.commands.length > 0) return [`${call}: no such command`];
  const known = [...command.options, ...program.options];
  const options = words.filter((word) => word.startsWith('-') && word !== '-');
  const wrong = options.filter(
    (word) => !known.some(({ long, short }) => long === word || short === word) && word !== '--help',
  );
  const state = words[words.indexOf('--state') + 1] ?? '';
  const wrongState =
    words.includes('--state') && !state.startsWith('<') && !connectionStates.some((name) => name === state);
  return [...wrong.map((word) => `${call}: no option ${word}`), ...(wrongState ? [`${call}: no state ${state}`] : [])];
}

test('a call that cannot be typed would be found', () => {
  expect(wrongIn('list --state reauth_required --owner x # who')).toEqual([]);
  expect(wrongIn('list --state dead')).toHaveLength(1);
  expect(wrongIn('list --sort deadline')).toHaveLength(1);
  expect(wrongIn('spool flush')).toEqual([]);
  expect(wrongIn('spool empty')).toHaveLength(1);
});

test('the examples of configuration in README.md load', () => {
  const blocks = fenced(read('README.md'), 'yaml').map((text) => ({
    text,
    value: parse(text) as Record<string, unknown>,
  }));
  const added = blocks.find(({ value }) => value.name !== undefined);
  expect(providerSchema.safeParse(added?.value).error?.issues ?? []).toEqual([]);
  const indented = [...read('README.md').matchAll(/^ {4}(?:fields|clients|providers):\n(?: {6,}.+\n)+/gm)].map(
    ([text]) => text.replaceAll(/^ {4}/gm, ''),
  );
  expect(indented).toHaveLength(3);
  for (const yaml of indented) expect(refused({ yaml }), yaml).toEqual([]);
});

test('the pod of the chart runs as the image does and writes where the image does', () => {
  const dockerfile = read('Dockerfile');
  const { podSecurityContext } = parse(read('helm/pilotlight/values.yaml'));
  expect(dockerfile).toContain(`USER ${podSecurityContext.runAsUser}:${podSecurityContext.runAsGroup}\n`);
  const folder = /PILOTLIGHT_DATA_DIR=(\S+)/.exec(dockerfile)?.[1];
  expect(read('helm/pilotlight/templates/_pod.tpl')).toContain(`{ name: data, mountPath: ${folder} }`);
  expect(read('helm/pilotlight/templates/_config.tpl')).toContain(`"dataDir" "${folder}"`);
});

test('README.md says on its first screen what it is, the two commands, and has the picture and the figures', () => {
  const text = read('README.md');
  const firstScreen = text.split('\n').slice(0, 26).join('\n');
  for (const needed of [
    'npm ci && npm run demo',
    'npm start',
    'refresh token',
    'AWS Secrets Manager',
    'docs/token-life.svg',
  ])
    expect(firstScreen).toContain(needed);
  expect(text).toContain('## Figures');
  expect(text).toContain('What remains');
});

test('the picture is one file, for light and dark, and asks nothing of another place', () => {
  const picture = read('docs/token-life.svg');
  expect(picture).toContain('prefers-color-scheme: dark');
  expect(picture).toMatch(/<title[^>]*>.+<\/title>\s*<desc/);
  expect(picture.match(/https?:[^"\s]+/g)).toEqual(['http://www.w3.org/2000/svg']);
  expect(picture).not.toMatch(/<script|<image|href|@import|url\(/);
});
