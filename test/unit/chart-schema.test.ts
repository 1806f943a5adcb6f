/**
 * The chart's values.schema.json: the part about `config` is Pilotlight's own configuration schema, written into it by
 * `vitest run test/unit/chart-schema.test.ts -u` (then format it); the rest is kept by hand and must refuse what it does not know.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { configSchema } from '../../config/schema.ts';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type Section = { [key: string]: Json };

const chart = join(import.meta.dirname, '../../helm/pilotlight');
const schemaPath = join(chart, 'values.schema.json');
const isSection = (value: unknown): value is Section =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const read = (): Section => JSON.parse(readFileSync(schemaPath, 'utf8'));
const at = (value: Json | undefined, ...keys: readonly string[]): Json | undefined =>
  keys.reduce<Json | undefined>((section, key) => (isSection(section) ? section[key] : undefined), value);

/** What a file may say, before defaults. Rules a JSON schema cannot express are left to the service itself. */
function configPart(): Section {
  const { $schema: _, ...part } = z.toJSONSchema(configSchema, {
    target: 'draft-7',
    io: 'input',
    unrepresentable: 'any',
    reused: 'inline',
  });
  return part as Section;
}

/** Every schema in a schema, with the keys that lead to it. */
function* schemas(schema: Json, path = ''): Generator<[path: string, schema: Section]> {
  if (!isSection(schema)) return;
  yield [path, schema];
  for (const group of ['properties', 'definitions'])
    for (const [key, below] of Object.entries(at(schema, group) ?? {})) yield* schemas(below, `${path}.${key}`);
  for (const key of ['items', 'additionalProperties', 'propertyNames'])
    yield* schemas(schema[key] ?? null, `${path}.*`);
  for (const key of ['anyOf', 'oneOf'])
    for (const option of (schema[key] as Json[] | undefined) ?? []) yield* schemas(option, `${path}|`);
}

test('the part about config is the one of the configuration itself', async () => {
  const schema = read();
  const filled = { ...schema, properties: { ...(schema.properties as Section), config: configPart() } };
  // The file is formatted like all others, so what it says is compared, not how.
  if (!isDeepStrictEqual(filled, schema))
    await expect(`${JSON.stringify(filled, null, 2)}\n`).toMatchFileSnapshot(schemaPath);
});

test('every object that names its keys refuses others', () => {
  const loose = [...schemas(read())].filter(
    ([, schema]) => schema.properties !== undefined && schema.additionalProperties !== false,
  );
  expect(loose.map(([path]) => path)).toEqual([]);
  expect([...schemas(read())].length).toBeGreaterThan(300);
});

test('every value has a place in the schema, and the schema knows no other', () => {
  const compare = (values: unknown, schema: Json | undefined, path: string): string[] => {
    const reference = at(schema, '$ref');
    const whole =
      typeof reference === 'string' ? at(read(), ...reference.replace('#/', '').split('/')) : (schema ?? null);
    if (!isSection(values)) return [];
    const known = at(whole, 'properties');
    if (!isSection(known)) return [];
    // Optional members of what the values only show an instance of.
    const optional = /^\.(?:config|probes|resources|dnsConfig|keda\.authenticationRef|scheduler|worker)\b/.test(path);
    const missing = Object.keys(values).filter((key) => !(key in known));
    const unused = optional ? [] : Object.keys(known).filter((key) => !(key in values));
    const below = Object.entries(values).flatMap(([key, value]) => compare(value, known[key], `${path}.${key}`));
    return [
      ...missing.map((key) => `${path}.${key} unknown`),
      ...unused.map((key) => `${path}.${key} unused`),
      ...below,
    ];
  };
  expect(compare(parse(readFileSync(join(chart, 'values.yaml'), 'utf8')), read(), '')).toEqual([]);
});

test('no pattern uses what Helm cannot read', () => {
  const patterns = [...schemas(read())].flatMap(([, { pattern }]) => (typeof pattern === 'string' ? [pattern] : []));
  expect(patterns.length).toBeGreaterThan(30);
  // Go's regular expressions look neither ahead nor behind and know no back-reference.
  expect(patterns.filter((pattern) => /\(\?[=!<]|\\[1-9]/.test(pattern))).toEqual([]);
});
