/**
 * Tables in README.md and docs/metrics.md are written from the code, so that none of them can go stale. After a change:
 * `vitest run test/unit/docs-tables.test.ts -u` writes them anew. Only the meaning of a setting is kept by hand.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { formatDuration } from '../../config/duration.ts';
import { environmentVariables } from '../../config/environment.ts';
import type { LifetimeRule, Provider } from '../../config/provider.ts';
import { renderConfig } from '../../config/render.ts';
import { configSchema } from '../../config/schema.ts';
import { bare } from '../../config/schema-walk.ts';
import type { CommandContext } from '../../src/cli/context.ts';
import { createProgram } from '../../src/cli/program.ts';
import { describeMetrics } from '../../src/telemetry/metric-list.ts';
import { accepted } from '../support/load-config.ts';

const root = join(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ').trim();
const row = (...cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`;

/** A document with the text between the markers of each name replaced. */
function filled(document: string, blocks: Readonly<Record<string, readonly string[]>>): string {
  return Object.entries(blocks).reduce((text, [name, lines]) => {
    const [begin, end] = [`<!-- ${name}:begin -->\n`, `<!-- ${name}:end -->`];
    expect(text.split(begin), name).toHaveLength(2);
    expect(text.split(end), name).toHaveLength(2);
    const from = text.indexOf(begin) + begin.length;
    return `${text.slice(0, from)}${lines.join('\n')}\n${text.slice(text.indexOf(end))}`;
  }, document);
}

/** Markers stand between a table's head and its rows, where Markdown ends the table: the rows take their head along. */
const table = (head: readonly string[], rows: readonly string[]) => [
  '',
  row(...head),
  `|${'---|'.repeat(head.length)}`,
  ...rows,
  '',
];

// ------------------------------------------------------------------------------------------------------------- settings

/** Every key a file may say, dotted; `<name>` stands for a name of one's own. */
function keysOf(schema: z.core.$ZodType, path: readonly string[] = []): string[] {
  const inner = bare(schema);
  if (inner instanceof z.ZodObject)
    return Object.entries(inner.shape).flatMap(([key, below]) => keysOf(below as z.core.$ZodType, [...path, key]));
  if (inner instanceof z.ZodRecord && path.length < 2) return keysOf(inner.def.valueType, [...path, '<name>']);
  return [path.join('.')];
}

function defaultOf(printed: unknown, key: string): string {
  let at = printed;
  for (const name of key.split('.'))
    at = typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[name] : undefined;
  if (at === undefined) return '';
  const text =
    typeof at === 'string' ? (at === '' ? "''" : at) : JSON.stringify(at).replaceAll('"', '').replaceAll(',', ', ');
  const relative = text.replace(/^\/srv\/\.pilotlight(?=$|\/)/, key === 'dataDir' ? '.pilotlight' : '<dataDir>');
  return `\`${relative}\``;
}

/** Defaults that depend on where it runs. */
const conditional: Readonly<Record<string, string>> = {
  'store.kind': '`file`; inside Kubernetes it must be said',
  'web.statusPage': '`true` where `web.host` is loopback',
};

function settings(document: string): string[] {
  const printed: unknown = parse(renderConfig(accepted()));
  const meanings = new Map(
    [...document.matchAll(/^\| `([^`]+)` \|[^|]*\| (.*) \|$/gm)].map(([, key = '', text = '']) => [key, text]),
  );
  const keys = keysOf(configSchema);
  expect(keys.length).toBeGreaterThan(70);
  expect(new Set(keys).size).toBe(keys.length);
  return table(
    ['setting', 'default', 'meaning'],
    keys.map((key) => {
      const meaning = meanings.get(key)?.replaceAll('\\|', '|') ?? '';
      return row(`\`${key}\``, conditional[key] ?? defaultOf(printed, key), meaning);
    }),
  );
}

const environment = () =>
  table(
    ['variable', 'setting', 'meaning'],
    environmentVariables.map(({ name, key, wins, meaning }) =>
      row(`\`${name}\``, key === undefined ? '' : `\`${key}\`${wins === 'over the file' ? '' : `, ${wins}`}`, meaning),
    ),
  );

// ------------------------------------------------------------------------------------------------------------ providers

const span = (ms: number) => formatDuration(ms).replace(/d$/, ' days');

function lifetimeInWords({ when, idle, absolute }: LifetimeRule): string {
  const clocks = [
    ...(idle === undefined ? [] : [`idle ${span(idle)}`]),
    ...(absolute === undefined ? [] : [`absolute ${span(absolute)}`]),
  ];
  const condition = [
    ...(when?.scopeIncludes === undefined ? [] : [`consent has \`${when.scopeIncludes}\``]),
    ...(when?.scopeLacks === undefined ? [] : [`consent lacks \`${when.scopeLacks}\``]),
    ...(when?.scopeUnknown === undefined ? [] : ['scope not known']),
  ].join(', ');
  return `${clocks.join(', ')}${condition === '' ? '' : ` (${condition})`}`;
}

function workInWords({ when, idle, absolute }: LifetimeRule, refreshEvery: number | undefined): string {
  if (idle === undefined) return 'only warned about, no refresh would help';
  if (when?.scopeUnknown === true) return 'refreshed as if it helped, warned about as if it did not';
  const ends = absolute === undefined ? '' : ', warned about before the absolute end';
  return `refreshed after ${span(refreshEvery ?? idle / 3)}${ends}`;
}

function habitsInWords({ answer, secondTry, revocation }: Provider): string {
  const token = { always: 'a new one each time', never: 'stays the same', sometimes: 'a new one where one comes' };
  const again = secondTry === 'never' ? 'never' : `after ${formatDuration(secondTry.after)}`;
  return [
    `refresh token: ${token[answer.newRefreshToken]}`,
    `second try after a lost answer: ${again}`,
    `\`pilotlight revoke\`: ${revocation === undefined ? 'no endpoint' : 'yes'}`,
  ].join('<br>');
}

const providers = () =>
  table(
    ['provider', 'how it dies: what Pilotlight does', 'besides', 'sources'],
    Object.values(accepted().providers).map((provider) =>
      row(
        `[\`${provider.name}\`](config/providers/${provider.name}.yaml)<br>${provider.title}`,
        provider.lifetimes
          .map((rule) => `${lifetimeInWords(rule)}: ${workInWords(rule, provider.refreshEvery)}`)
          .join('<br>'),
        habitsInWords(provider),
        provider.documentation.map((url, index) => `[${index + 1}](${url})`).join(' '),
      ),
    ),
  );

// ----------------------------------------------------------------------------------------------------- commands, metrics

function commands(): string[] {
  const program = createProgram(
    { version: { version: '', commit: '', node: '' } } as unknown as CommandContext,
    () => undefined,
  );
  const leaves = program.commands.flatMap((command) => (command.commands.length === 0 ? [command] : command.commands));
  const rows = leaves.map((command) => {
    const parents = command.parent === program ? '' : `${command.parent?.name()} `;
    const parameters = command.registeredArguments.map((argument) =>
      argument.variadic ? `<${argument.name()}...>` : `<${argument.name()}>`,
    );
    const options = command.options.map(({ flags }) => `\`${flags.replace(/^-\w, /, '')}\``);
    const call = ['pilotlight', `${parents}${command.name()}`, ...parameters].join(' ');
    return row(`\`${call}\``, `${command.description()}${options.length === 0 ? '' : `. ${options.join(', ')}`}`);
  });
  return table(['command', 'what it does'], rows);
}

const metrics = () =>
  table(
    ['metric', 'type', 'labels', 'meaning'],
    describeMetrics().map(({ name, type, labels, help, buckets }) =>
      row(
        `\`${name}\``,
        type,
        labels.map((label) => `\`${label}\``).join(', '),
        `${help}${buckets === undefined ? '' : ` Buckets: ${buckets.join(', ')}.`}`,
      ),
    ),
  );

// ---------------------------------------------------------------------------------------------------------------- tests

test('the tables of README.md are what the code says', async () => {
  const document = read('README.md');
  const blocks = { environment: environment(), config: settings(document), providers: providers(), cli: commands() };
  await expect(filled(document, blocks)).toMatchFileSnapshot(join(root, 'README.md'));
});

test('every setting has a meaning', () => {
  const [, section = ''] = read('README.md').split(/<!-- config:(?:begin|end) -->/);
  const rows = [...section.matchAll(/^\| `([^`]+)` \|[^|]*\|(.*)\|$/gm)];
  expect(rows.length).toBeGreaterThan(70);
  expect(rows.filter(([, , meaning = '']) => meaning.trim().length < 10).map(([, key]) => key)).toEqual([]);
});

test('docs/metrics.md lists what is exported', async () => {
  await expect(filled(read('docs/metrics.md'), { metrics: metrics() })).toMatchFileSnapshot(
    join(root, 'docs/metrics.md'),
  );
});
