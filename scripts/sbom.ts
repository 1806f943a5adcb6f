/**
 * `npm run sbom`: what the image is made of, as CycloneDX JSON on standard output: the production packages of the lock file
 * with licence and hash, what needs what, and the base image. The same lock file gives the same bytes.
 *
 * Made here because `npm sbom --omit dev` leaves out production packages that a development package needs too (npm/cli#7909).
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Locked {
  readonly version: string;
  readonly license?: string;
  readonly integrity?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly devOptional?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

export interface Lock {
  readonly name: string;
  readonly version: string;
  readonly packages: Readonly<Record<string, Locked>>;
}

export interface Component {
  readonly 'bom-ref': string;
  readonly type: string;
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
  readonly licenses?: readonly ({ readonly license: { readonly id: string } } | { readonly expression: string })[];
}

export interface SbomOptions {
  readonly lock: Lock;
  /** The Dockerfile, which names the image that everything stands on. */
  readonly dockerfile: string;
  /** When it is made, ISO 8601; left out where absent, so that nothing but the lock file decides the bytes. */
  readonly timestamp?: string;
}

/** Paths in the lock file of what `npm ci --omit=dev --omit=optional` installs. */
export function productionPaths({ packages }: Lock): string[] {
  return Object.entries(packages)
    .filter(([path, { dev, optional, devOptional }]) => path !== '' && !(dev || optional || devOptional))
    .map(([path]) => path)
    .toSorted();
}

const nameAt = (path: string) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
const purlOf = (name: string, version: string) => `pkg:npm/${name.replace(/^@/, '%40')}@${version}`;

function licences(license: string | undefined): Pick<Component, 'licenses'> {
  if (license === undefined) return {};
  return { licenses: [/[\s(]/.test(license) ? { expression: license } : { license: { id: license } }] };
}

function hashes(integrity: string | undefined): Pick<Component, 'hashes'> {
  const [, base64] = /^sha512-(\S+)$/.exec(integrity ?? '') ?? [];
  if (base64 === undefined) return {};
  return { hashes: [{ alg: 'SHA-512', content: Buffer.from(base64, 'base64').toString('hex') }] };
}

/** Node's own search: from the package's folder upwards. */
function resolve(lock: Lock, from: string, name: string): string | undefined {
  for (let folder = from; ; folder = folder.slice(0, Math.max(folder.lastIndexOf('/node_modules/'), 0))) {
    const path = folder === '' ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
    if (path in lock.packages) return path;
    if (folder === '') return undefined;
  }
}

/** The document. A lock file without a package's licence or hash gives a component without: the test is what refuses it. */
export function sbom({ lock, dockerfile, timestamp }: SbomOptions) {
  const paths = productionPaths(lock);
  const packageAt = (path: string) => lock.packages[path] ?? { version: '' };
  const refOf = (path: string) => (path === '' ? rootRef : purlOf(nameAt(path), packageAt(path).version));
  const rootRef = purlOf(lock.name, lock.version);

  const packages: Component[] = paths.map((path) => {
    const { version, license, integrity } = packageAt(path);
    const ref = refOf(path);
    const name = nameAt(path);
    return { 'bom-ref': ref, type: 'library', name, version, purl: ref, ...hashes(integrity), ...licences(license) };
  });
  const [, image = '', tag = ''] = /^ARG NODE_IMAGE=([^\s:@]+):([^\s@]+)/m.exec(dockerfile) ?? [];
  const base = `pkg:docker/${image}@${tag}`;
  const below: Component = { 'bom-ref': base, type: 'container', name: image, version: tag, purl: base };

  const needs = (path: string): string[] => {
    const { dependencies = {}, optionalDependencies = {}, peerDependencies = {} } = packageAt(path);
    const names = Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies });
    const found = names
      .map((name) => resolve(lock, path, name))
      .filter((one) => one !== undefined && paths.includes(one));
    return [...new Set(found.map((one) => refOf(one as string)))].toSorted();
  };
  const dependencies = ['', ...paths].map((path) => ({
    ref: refOf(path),
    dependsOn: path === '' ? [...needs(''), base] : needs(path),
  }));

  const root = { 'bom-ref': rootRef, type: 'application', name: lock.name, version: lock.version, purl: rootRef };
  const body = {
    metadata: {
      ...(timestamp === undefined ? {} : { timestamp }),
      component: { ...root, ...licences(packageAt('').license) },
    },
    components: [...packages, below],
    dependencies: [...dependencies, { ref: base, dependsOn: [] }],
  };
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${uuidOf(JSON.stringify(body))}`,
    version: 1,
    ...body,
  };
}

/** RFC 9562, version 8: made from a hash of the content, so that other content has another number. */
function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

if (import.meta.main) {
  const root = join(import.meta.dirname, '..');
  const read = (path: string) => readFileSync(join(root, path), 'utf8');
  const { SOURCE_DATE_EPOCH = '' } = process.env;
  const made = sbom({
    lock: JSON.parse(read('package-lock.json')) as Lock,
    dockerfile: read('Dockerfile'),
    ...(SOURCE_DATE_EPOCH === '' ? {} : { timestamp: new Date(Number(SOURCE_DATE_EPOCH) * 1_000).toISOString() }),
  });
  process.stdout.write(`${JSON.stringify(made, null, 2)}\n`);
}
