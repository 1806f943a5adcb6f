/**
 * House style as a test: where files may be, how long they are, what they may import and which words they may not use.
 * Every rule is shown to bite on a planted file, so that an empty tree or a rule gone blind cannot pass.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');

/** What each room may import: whole rooms, or single files by their path. Its own files and config's types always. */
/** What adapters may know of the protocol: its ports, and the outcome they report or count. */
const ports = [
  'src/rotation/ports.ts',
  'src/rotation/outcome.ts',
  'src/schedule/ports.ts',
  'src/alerts/ports.ts',
  'src/reconsent/ports.ts',
];
const rules = ['src/rotation', 'src/schedule', 'src/alerts', 'src/reconsent', 'src/connection', 'src/runtime'];
const adapter = ['src/connection', 'src/runtime', ...ports];
const adapters = ['schedule', 'alerts', 'reconsent', 'oauth', 'secrets', 'spool', 'queue', 'telemetry'].map(
  (room) => `src/${room}`,
);
const houses: Record<string, readonly string[]> = {
  config: [],
  'src/runtime': [],
  'src/connection': ['src/runtime'],
  'src/rotation': ['src/connection', 'src/runtime', 'src/schedule/ports.ts'],
  ...Object.fromEntries(adapters.map((room) => [room, adapter])),
  'src/sandbox': ['src/connection', 'src/runtime'],
  'src/web': rules,
  'src/cli': [...rules, 'src/web/ports.ts', 'src/web/operator-ports.ts'],
  jobs: rules,
  /** main.ts, app.ts and what they compose with: the only files that see every room, and config's values. */
  src: [...rules, ...adapters, 'src/sandbox', 'src/web', 'src/cli', 'jobs', 'config'],
};

/** Packages only one room may import. node-cron is asked by config whether an expression is one, and ticks in one place. */
const packages: readonly [name: RegExp, rooms: readonly string[]][] = [
  [/^(?:bullmq|ioredis)(?:\/|$)/, ['src/queue']],
  [/^@(?:aws-sdk|smithy)\//, ['src/secrets']],
  [/^(?:pino|prom-client)(?:\/|$)/, ['src/telemetry']],
  [/^node-cron$/, ['config', 'src/schedule']],
  [/^commander$/, ['src/cli', 'src']],
  [/^nodemailer(?:\/|$)/, ['src/alerts']],
  [/^openid-client(?:\/|$)/, ['src/web']],
  [/^@opentelemetry\//, ['src/telemetry', 'src/queue']],
  [/^bullmq-otel$/, ['src/queue']],
  [/^(?:vitest|fast-check|oidc-provider|playwright-core|standardwebhooks)(?:\/|$)/, []],
];

const ours = /^(?:src|jobs|config)\//;
const given = /^src\/(?:runtime\/|main\.ts$)/;
/** Words that may not stand in code (comments are free), and where they may after all. */
const words: readonly [what: string, pattern: RegExp, where: RegExp, except?: RegExp][] = [
  ['reads the clock', /\bDate\.now\b|\bnew Date\(\s*\)|\bperformance\.now\b/, ours, given],
  ['makes randomness', /\bMath\.random\b|\brandom(?:Bytes|UUID|Int)\b|\bgetRandomValues\b/, ours, given],
  ['reads the process', /(?<![.\w'"`])process\.|['"](?:node:)?process['"]/, ours, given],
  ['exports a default', /^export default\b/m, /^(?:src|jobs|config|test)\//],
  ['names a provider', /docusign|adobe|esignglobal/i, /^(?:src|jobs)\//, /^src\/sandbox\//],
  ['prints past the logger', /\bconsole\./, ours],
  ['mocks a module', /\bvi\.(?:mock|doMock|hoisted)\(/, /^test\//],
  ['sleeps in a test', /setTimeout\(\s*(?:resolve|done|r|wake|ok)\b|['"](?:node:)?timers\/promises['"]/, /^test\//],
  ['leaves a test out', /\b(?:test|it|describe|suite)\.(?:only|skip|todo)\b/, /^test\//],
];

type File = { readonly path: string; readonly text: string };

/** Code without its comments: whole-line ones, and those that follow code. */
function codeOf(text: string): string {
  const lines = text.replaceAll(/^\s*\/\*[\s\S]*?\*\//gm, '').split('\n');
  return lines.map((line) => line.replace(/(?:^|\s)\/\/ .*$/, '')).join('\n');
}

function importsOf(text: string): { from: string; typesOnly: boolean }[] {
  const statements = text.matchAll(
    /^(?:import|export)\s+(type\s)?([^'";]*?)\bfrom\s+'([^']+)'|\bimport\(\s*'([^']+)'\s*\)|^import\s+'([^']+)'/gm,
  );
  return [...statements].map(([, type, names = '', ...from]) => {
    const named = names.replaceAll(/[{}\s]+/g, ' ').trim();
    const typesOnly =
      type !== undefined || (named !== '' && named.split(',').every((name) => /^\s*(?:type\s.*)?$/.test(name)));
    return { from: from.find((path) => path !== undefined) ?? '', typesOnly };
  });
}

function roomOf(path: string): string {
  const [top = '', second = '', third] = path.split('/');
  return top === 'src' && third !== undefined ? `src/${second}` : top;
}

function importViolations({ path, text }: File): string[] {
  const room = roomOf(path);
  const allowed = houses[room];
  if (room === 'test' || room === 'bin') return [];
  if (allowed === undefined) return [`${path}: no room is called ${room}`];
  return importsOf(text).flatMap(({ from, typesOnly }) => {
    if (!from.startsWith('.')) {
      const denied = packages.some(([name, rooms]) => name.test(from) && !rooms.includes(room));
      return denied ? [`${path}: may not import ${from}`] : [];
    }
    const target = posix.join(posix.dirname(path), from);
    const to = roomOf(target);
    const fine = to === room || allowed.includes(to) || allowed.includes(target) || (to === 'config' && typesOnly);
    return fine ? [] : [`${path}: may not import ${typesOnly ? 'types' : 'values'} of ${target}`];
  });
}

function violations(file: File): string[] {
  const { path, text } = file;
  const source = /\.(?:ts|mjs)$/.test(path);
  const found: string[] = [];
  const named = path
    .split('/')
    .slice(1)
    .every((part) => /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.test|\.d)?(?:\.[a-z0-9]+)?$/.test(part));
  if (!named) found.push(`${path}: is not in kebab case`);
  if (/(?:^|\/)(?:utils?|helpers?|common|services|misc|shared|lib)\//.test(path))
    found.push(`${path}: lies in a folder that says nothing`);
  if (!source) return found;
  const lines = text.split('\n').length - 1;
  // A table of cases is read row by row, so a test may be longer.
  const linesMax = path.startsWith('test/') ? 400 : 250;
  if (lines > linesMax) found.push(`${path}: has ${lines} lines, ${linesMax} at most`);
  const afterImports = text.replace(/^#!.*\n/, '').replace(/^(?:import\s[^;]*;\s*)+/, '');
  if (!/^\/[/*]/.test(text.replace(/^#!.*\n/, '')) && !/^\/[/*]/.test(afterImports))
    found.push(`${path}: does not open with a comment`);
  const code = codeOf(text);
  for (const [what, pattern, where, except] of words) {
    const at =
      where.test(path) && except?.test(path) !== true && path !== 'test/unit/tidy.test.ts' ? pattern.exec(code) : null;
    if (at !== null) found.push(`${path}: ${what} (${at[0].trim()})`);
  }
  return [...found, ...importViolations(file)];
}

const tree: File[] = ['src', 'jobs', 'config', 'bin', 'test'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(?:ts|mjs|js|yaml|json)$/.test(entry.name))
    .map((entry) => posix.join(entry.parentPath.slice(root.length + 1), entry.name))
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') })),
);

test('the tree is there: every room that is built has files, and there are tests', () => {
  const rooms = new Set(tree.map(({ path }) => roomOf(path)));
  expect(Object.keys(houses).filter((room) => !rooms.has(room))).toEqual([]);
  expect(tree.filter(({ path }) => path.startsWith('src/')).length).toBeGreaterThan(60);
  expect(tree.filter(({ path }) => path.endsWith('.test.ts')).length).toBeGreaterThan(20);
  expect(tree.flatMap(({ text }) => importsOf(text)).length).toBeGreaterThan(300);
});

test('every file keeps the house style', () => expect(tree.flatMap(violations)).toEqual([]));

test('cron expressions tick in one file', () => {
  const ticking = tree.filter(
    ({ path, text }) => /^(?:src|jobs)\//.test(path) && importsOf(text).some(({ from }) => from === 'node-cron'),
  );
  expect(ticking.map(({ path }) => path)).toHaveLength(1);
});

describe('a rule bites', () => {
  const opening = '/** Owns nothing. */\n';
  test.for<[path: string, text: string, says: RegExp]>([
    ['src/queue/DueIndex.ts', '', /kebab case/],
    ['src/queue/utils/keys.ts', '', /says nothing/],
    ['src/queue/long.ts', '\n'.repeat(250), /251 lines/],
    ['src/alerts/incident.ts', "import { x } from '../queue/keys.ts';", /values of src\/queue\/keys\.ts/],
    ['src/oauth/a.ts', "import type {\n  B,\n} from '../spool/b.ts';", /types of src\/spool/],
    ['src/oauth/a.ts', "import { rotate } from '../rotation/rotate.ts';", /src\/rotation\/rotate/],
    ['src/oauth/a.ts', "import { type A, b } from '../../config/provider.ts';", /values of config/],
    ['src/oauth/a.ts', "const x = await import('../spool/b.ts');", /src\/spool/],
    ['src/runtime/a.ts', "export * from '../connection/entry.ts';", /src\/connection/],
    ['config/a.ts', "import type { A } from '../src/runtime/clock.ts';", /src\/runtime/],
    ['jobs/a.ts', "import { Queue } from 'bullmq';", /bullmq/],
    ['src/web/a.ts', "import { Counter } from 'prom-client';", /prom-client/],
    ['src/sandbox/a.ts', "import { x } from '@aws-sdk/client-secrets-manager';", /aws-sdk/],
    ['src/attic/a.ts', '', /no room/],
    ['src/spool/a.ts', 'const at = Date.now();', /clock/],
    ['src/sandbox/a.ts', 'const at = new Date();', /clock/],
    ['src/spool/a.ts', "import { randomBytes } from 'node:crypto';", /randomness/],
    ['src/app.ts', 'const x = process.env.X;', /process/],
    ['src/rotation/a.ts', "if (name === 'docusign') spend();", /names a provider/],
    ['src/rotation/a.ts', "log('https://x'); // fine\nconst adobeHost = 1;", /names a provider/],
    ['jobs/a.ts', 'export default 1;', /default/],
    ['src/web/a.ts', 'console.log(1);', /past the logger/],
    ['test/unit/a.test.ts', "vi.mock('x');", /mocks/],
    ['test/unit/a.test.ts', 'await new Promise((resolve) => setTimeout(resolve, 10));', /sleeps/],
    ['test/unit/a.test.ts', 'describe.only(1);', /leaves a test out/],
  ])('%s: %s', ([path, text, says]) => expect(violations({ path, text: opening + text }).join()).toMatch(says));

  test('on a file that does not say what it owns', () =>
    expect(violations({ path: 'src/web/a.ts', text: "import { b } from './b.ts';\n\nconst c = b;\n" })).toHaveLength(
      1,
    ));

  test('and leaves good files alone', () => {
    const text = `${opening}import type { Provider } from '../../config/provider.ts';\nimport { stage } from '../rotation/ports.ts';\n// docusign, Date.now()\nconst at = new Date(0); // process.env\n`;
    expect(violations({ path: 'src/spool/a.ts', text })).toEqual([]);
  });
});
