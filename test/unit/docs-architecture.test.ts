/**
 * ARCHITECTURE.md against the code: rooms, outcomes, steps, labels, tags, our section of a document, Redis keys and runtime
 * dependencies are the ones there are, all of them and no others.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { changeDocument, defaultFieldNames, type OwnSection, parseDocument } from '../../src/connection/document.ts';
import { flagTag } from '../../src/connection/flag.ts';
import { outcomes } from '../../src/rotation/outcome.ts';
import { stage } from '../../src/rotation/ports.ts';

const root = join(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const text = read('ARCHITECTURE.md');
const manifest = JSON.parse(read('package.json')) as { dependencies: Record<string, string> };

/** A chapter's text, by its heading. */
function chapter(heading: string): string {
  const [, after = ''] = text.split(new RegExp(`^#+ ${heading}$`, 'm'));
  return after.split(/^#{2,3} /m)[0] ?? '';
}

/** The words in code of the first cells of a chapter's tables. */
const firstCells = (heading: string) =>
  [...chapter(heading).matchAll(/^\| (`.*?`) \|/gm)].flatMap(([, cell = '']) => cell.replaceAll('`', '').split(', '));

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
}

test('names every room, and every file that lies beside them', () => {
  const entries = readdirSync(join(root, 'src'), { withFileTypes: true });
  const rooms = entries.filter((entry) => entry.isDirectory() && sources(`src/${entry.name}`).length > 0);
  const named = ['config/', 'jobs/', ...rooms.map(({ name }) => `src/${name}/`)];
  expect(firstCells('Rooms').toSorted()).toEqual(named.toSorted());
  for (const { name } of entries.filter((entry) => entry.isFile())) expect(chapter('Rooms')).toContain(`\`${name}\``);
});

test('has a row for each outcome and for each of the thirteen steps', () => {
  expect(firstCells('Outcomes')).toEqual([...outcomes]);
  const steps = [...chapter('A rotation, step by step').matchAll(/^\| (\d+) [a-zP]/gm)].map(([, number]) =>
    Number(number),
  );
  expect(steps).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
});

test('shows our section of a document as it is written', () => {
  const at = 1_700_000_000_000;
  const own: Required<OwnSection> = {
    attempt: 'a',
    from: 'b',
    token: 'c',
    spent: ['d'],
    extendedAt: at,
    refreshExpiresAt: at,
    foreignAt: at,
    firstSeenAt: at,
  };
  const parsed = parseDocument('{"refresh_token":"t"}', defaultFieldNames, at);
  if (!parsed.ok) throw new Error(parsed.reason);
  const written = JSON.parse(changeDocument(parsed.document, { own }, defaultFieldNames)) as { pilotlight: object };
  expect(firstCells('What is in the store').slice(0, 8)).toEqual(Object.keys(written.pilotlight));
  for (const member of Object.keys(written.pilotlight)) expect(text).toContain(`"${member}": `);
  for (const member of Object.values(defaultFieldNames)) expect(text).toContain(`"${member}": `);
});

test('names every tag and label the code knows', () => {
  const code = [...sources('src/connection'), ...sources('src/schedule'), 'config/schema-store.ts']
    .map(read)
    .join('\n');
  const tags = new Set(code.match(/(?<=['"`])pilotlight:[a-z-]+[a-z]/g));
  expect([...tags]).toEqual(
    expect.arrayContaining([...Object.values(flagTag), 'pilotlight:managed', 'pilotlight:refresh-every']),
  );
  for (const tag of tags) expect(text, tag).toContain(`\`${tag}`);
  for (const label of [stage.pending, stage.probe, stage.orphanPrefix, stage.awsPending])
    expect(text).toContain(`\`${label}`);
});

test('lists every Redis key that src/queue/keys.ts lists', () => {
  const keys = [
    ...read('src/queue/keys.ts').matchAll(/^ \* {5}([\w:<>*-]+) +(?:hash|list|zset|set|string|BullMQ)/gm),
  ].map(([, key]) => key);
  expect(keys.length).toBeGreaterThan(15);
  expect(firstCells('Redis').toSorted()).toEqual(keys.toSorted());
});

test('gives each runtime dependency its reason', () => {
  const section = chapter('Runtime dependencies');
  expect(firstCells('Runtime dependencies').toSorted()).toEqual(Object.keys(manifest.dependencies).toSorted());
  for (const line of section.match(/^\| `.*$/gm) ?? []) expect(line.length, line).toBeGreaterThan(50);
});

test('what runs imports only runtime dependencies, and every one of them is imported', () => {
  const shipped = ['src', 'jobs', 'config'].flatMap(sources);
  const imported = new Set(
    shipped.flatMap((path) =>
      [...read(path).matchAll(/(?:\bfrom\s+|^import\s+|\bimport\()'([^'.][^']*)'/gm)]
        .map(([, name = '']) => name)
        .filter((name) => !name.startsWith('node:'))
        .map((name) =>
          name
            .split('/')
            .slice(0, name.startsWith('@') ? 2 : 1)
            .join('/'),
        ),
    ),
  );
  expect([...imported].toSorted()).toEqual(Object.keys(manifest.dependencies).toSorted());
});

test('is two to five pages, and holds to it', () => {
  expect(text.split(/\s+/).length).toBeLessThan(4_700);
});
