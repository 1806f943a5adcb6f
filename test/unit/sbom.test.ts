/**
 * The bill of materials (`npm run sbom`): every package the image holds, with version, licence and hash, none of
 * development, and only licences that Apache-2.0 software may be shipped with.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Component, type Lock, productionPaths, sbom } from '../../scripts/sbom.ts';

const root = join(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const lock = JSON.parse(read('package-lock.json')) as Lock;
const dockerfile = read('Dockerfile');
const made = sbom({ lock, dockerfile });
const libraries = made.components.filter(({ type }) => type === 'library');

/** What may be shipped with Apache-2.0 software and asks for no more than the licence's text beside it. */
const allowed = ['Apache-2.0', 'MIT', 'MIT-0', 'ISC', '0BSD', 'BSD-2-Clause', 'BSD-3-Clause'];
const licencesOf = ({ licenses = [] }: Component) =>
  licenses.map((one) => ('license' in one ? one.license.id : one.expression));

test('it names every package of production, and none of development', () => {
  const wanted = productionPaths(lock).map((path) => [
    path.replace(/^.*node_modules\//, ''),
    lock.packages[path]?.version,
  ]);
  expect(wanted.length).toBeGreaterThan(50);
  expect(libraries.map(({ name, version }) => [name, version])).toEqual(wanted);
  const { dependencies = {}, devDependencies = {} } = JSON.parse(read('package.json')) as Record<
    string,
    Record<string, string>
  >;
  const versionOf = new Map(libraries.map(({ name, version }) => [name, version]));
  for (const [name, version] of Object.entries(dependencies)) expect(versionOf.get(name), name).toBe(version);
  for (const name of Object.keys(devDependencies)) expect(versionOf.has(name), name).toBe(false);
});

test('each has the hash the lock file demands, and a licence that is allowed', () => {
  for (const path of productionPaths(lock)) {
    const { version = '', integrity = '' } = lock.packages[path] ?? {};
    const name = path.replace(/^.*node_modules\//, '');
    const component = libraries.find((one) => one.name === name && one.version === version);
    const content = Buffer.from(integrity.replace('sha512-', ''), 'base64').toString('hex');
    expect(component?.hashes, path).toEqual([{ alg: 'SHA-512', content }]);
    expect(content, path).toMatch(/^[0-9a-f]{128}$/);
    const licences = component === undefined ? [] : licencesOf(component);
    expect(licences, path).toHaveLength(1);
    expect(allowed, path).toEqual(expect.arrayContaining(licences));
  }
});

test('it is CycloneDX: one reference for each component, and a graph that leads from us to every one of them', () => {
  expect(made).toMatchObject({ bomFormat: 'CycloneDX', specVersion: '1.6', version: 1 });
  expect(made.serialNumber).toMatch(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/);
  const { component } = made.metadata;
  expect(component).toMatchObject({
    type: 'application',
    name: 'pilotlight',
    licenses: [{ license: { id: 'Apache-2.0' } }],
  });
  const refs = made.components.map((one) => one['bom-ref']);
  expect(new Set(refs).size).toBe(refs.length);
  const graph = new Map(made.dependencies.map(({ ref, dependsOn }) => [ref, dependsOn]));
  const reached = new Set<string>();
  const walk = (ref: string): void => {
    if (reached.has(ref)) return;
    reached.add(ref);
    for (const next of graph.get(ref) ?? []) walk(next);
  };
  walk(component['bom-ref']);
  expect(refs.filter((ref) => !reached.has(ref))).toEqual([]);
  expect([...reached].filter((ref) => ref !== component['bom-ref'] && !refs.includes(ref))).toEqual([]);
});

test('it names the image that everything stands on', () => {
  const [, image = '', tag = ''] = /^ARG NODE_IMAGE=(\w+):(\S+)$/m.exec(dockerfile) ?? [];
  expect(made.components.at(-1)).toMatchObject({ type: 'container', name: image, version: tag });
});

test('a nested version is another component than the one above it', () => {
  const one = (version: string, more = {}) => ({ version, license: 'MIT', integrity: 'sha512-AA==', ...more });
  const nested = sbom({
    dockerfile,
    lock: {
      name: 'a',
      version: '1.0.0',
      packages: {
        '': { version: '1.0.0', dependencies: { b: '1', c: '1' } },
        'node_modules/b': one('1.0.0', { dependencies: { c: '2', d: '1' } }),
        'node_modules/b/node_modules/c': one('2.0.0'),
        'node_modules/c': one('1.0.0', { license: '(MIT OR Apache-2.0)' }),
        'node_modules/d': one('1.0.0', { dev: true }),
      },
    },
  });
  expect(nested.dependencies.find(({ ref }) => ref === 'pkg:npm/b@1.0.0')?.dependsOn).toEqual(['pkg:npm/c@2.0.0']);
  const outer = nested.components.find(({ purl }) => purl === 'pkg:npm/c@1.0.0');
  expect(outer?.licenses).toEqual([{ expression: '(MIT OR Apache-2.0)' }]);
});

test('the command prints these bytes, the same each time', () => {
  const printed = () => execFileSync(process.execPath, [join(root, 'scripts/sbom.ts')], { encoding: 'utf8', env: {} });
  expect(printed()).toBe(`${JSON.stringify(made, null, 2)}\n`);
  const dated = sbom({ lock, dockerfile, timestamp: '2026-11-20T08:00:00.000Z' });
  expect(dated.metadata.timestamp).toBe('2026-11-20T08:00:00.000Z');
  expect(dated.serialNumber).not.toBe(made.serialNumber);
});
