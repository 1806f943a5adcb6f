/**
 * Loads the whole configuration: `pilotlight.yaml`, the providers' files and the environment, to one frozen value, or to
 * the list of everything that is wrong with them. Nothing is half accepted and no value is ever quoted in a problem.
 *
 * Order, later wins: defaults, AWS_* variables, file, PILOTLIGHT_* variables and REDIS_URL.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, extname, join, resolve } from 'node:path';
import { contradictions } from './contradictions.ts';
import { type Config, derive } from './derive.ts';
import { type Environment, environmentLayer, read, unknownVariables } from './environment.ts';
import { isSection, type Layer, merge, problemAt, type Section } from './layers.ts';
import { pathFindings } from './path-rules.ts';
import { findingsOf, type Problem } from './problem.ts';
import { type ProviderFile, type ResolvedProviders, resolveProviders } from './resolve-providers.ts';
import { configSchema, keep, type ParsedConfig } from './schema.ts';
import { readYaml } from './yaml-file.ts';

export type { Config } from './derive.ts';

export interface LoadOptions {
  /** Path given on the command line; it must exist. */
  readonly file?: string | undefined;
  readonly env: Environment;
  /** Where relative paths start; the working directory where absent. */
  readonly cwd?: string;
  /** Throws as `fs.readFileSync` does. */
  readonly readFile?: (path: string) => Uint8Array;
  /** Names in a folder; throws as `fs.readdirSync` does. */
  readonly listDir?: (path: string) => readonly string[];
  /** Where absent: whether KUBERNETES_SERVICE_HOST is set. */
  readonly inKubernetes?: boolean;
}

export type LoadResult =
  | {
      readonly ok: true;
      readonly config: Config;
      /** The Redis URL with its password, if it has one; kept out of `config` so that printing that is safe. */
      readonly redisUrl: string | undefined;
      readonly inKubernetes: boolean;
      /** The files read, in order. */
      readonly sources: readonly string[];
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** The folder with the shipped files: this one. */
const shippedDir = import.meta.dirname;

/** Everything one load reads and finds. */
interface Reading {
  readonly readFile: (path: string) => Uint8Array;
  readonly listDir: (path: string) => readonly string[];
  readonly cwd: string;
  readonly sources: string[];
  readonly problems: Problem[];
}

export function loadConfig(options: LoadOptions): LoadResult {
  const { env, cwd = resolve('.'), readFile = readFileSync, listDir = (path: string) => readdirSync(path) } = options;
  const inKubernetes = options.inKubernetes ?? read(env, 'KUBERNETES_SERVICE_HOST') !== undefined;
  const reading: Reading = { readFile, listDir, cwd, sources: [], problems: [] };
  const { problems, sources } = reading;

  const file = mainFile(options.file ?? read(env, 'PILOTLIGHT_CONFIG'), reading);
  const over = environmentLayer(env, 'over the file');
  const layers = [environmentLayer(env, 'where the file is silent'), file, over];
  const merged = layers.reduce<Section>((earlier, { value }) => merge(earlier, value) as Section, {});
  const { parsed, unread, problems: malformed } = parse(merged, layers);
  problems.push(...malformed);

  const files = [
    ...providerFiles(join(shippedDir, 'providers'), reading),
    ...extraProviderFiles(merged, file, reading),
  ];
  const keepDefault = keep.safeParse(merged.keep);
  const overrides: Layer = {
    ...file,
    value: isSection(file.value) ? file.value.providers : undefined,
    root: ['providers'],
  };
  const resolved = resolveProviders(files, overrides, keepDefault.data ?? 'refresh-token');
  problems.push(...resolved.problems);

  problems.push(...unknownVariables(env, variablesNamed(merged)));
  const around = {
    inKubernetes,
    providerNames: resolved.names,
    publicProviders: publicProviders(resolved),
    isSet: (variable: string) => (env[variable] ?? '') !== '',
    redisUrlInFile: !isSection(over.value) || over.value.redis === undefined,
  };
  problems.push(...contradictions(parsed, unread, around).map((finding) => problemAt(layers, finding)));
  if (problems.length > 0) return { ok: false, problems: inOrder(problems) };

  const config = derive(parsed, resolved.providers, cwd);
  const apart = pathFindings(config).map((finding) => problemAt(layers, finding));
  if (apart.length > 0) return { ok: false, problems: inOrder(apart) };
  return { ok: true, config, redisUrl: parsed.redis.url, inKubernetes, sources };
}

/** The file named, or the shipped one, which may be missing. */
function mainFile(named: string | undefined, reading: Reading): Layer {
  const path = named === undefined ? join(shippedDir, 'pilotlight.yaml') : resolve(reading.cwd, named);
  const layer = readLayer(path, named !== undefined, reading);
  const { value = {} } = layer;
  if (isSection(value)) return { ...layer, value: withoutEmptySections(value) };
  reading.problems.push({
    file: path,
    key: '',
    message: 'must hold keys and values',
    fix: 'see config/pilotlight.yaml',
  });
  return { ...layer, value: {} };
}

/** A section whose keys are all commented out reads as null: it says nothing. `store: aws` is short for its kind. */
function withoutEmptySections(value: Section): Section {
  const entries = Object.entries(value).filter(([, item]) => item !== null);
  return Object.fromEntries(
    entries.map(([key, item]) => {
      if (key === 'store' && typeof item === 'string') return [key, { kind: item }];
      // A client that says nothing is a mistake to be told, a provider that changes nothing is not.
      if (key === 'clients' && isSection(item))
        return [key, Object.fromEntries(Object.entries(item).map(([name, source]) => [name, source ?? {}]))];
      return [key, isSection(item) && key !== 'providers' ? withoutEmptySections(item) : item];
    }),
  );
}

/** Checks what was merged. Malformed sections are named in `unread` and take their defaults, so that the others can be checked too. */
function parse(merged: Section, layers: readonly Layer[]) {
  const result = configSchema.safeParse(merged);
  if (result.success) return { parsed: result.data, unread: new Set<string>(), problems: [] };
  const findings = findingsOf(result.error, configSchema);
  const unread = new Set(findings.map(({ path }) => String(path[0])));
  const rest = Object.fromEntries(Object.entries(merged).filter(([key]) => !unread.has(key)));
  const parsed: ParsedConfig = configSchema.parse(rest);
  return { parsed, unread, problems: findings.map((finding) => problemAt(layers, finding)) };
}

function extraProviderFiles(merged: Section, main: Layer, reading: Reading): ProviderFile[] {
  if (typeof merged.providersDir !== 'string') return [];
  try {
    return providerFiles(resolve(reading.cwd, merged.providersDir), reading);
  } catch (error) {
    reading.problems.push(problemAt([main], { path: ['providersDir'], message: unreadable(error) }));
    return [];
  }
}

/** Provider files of a folder. Dot files are left out: Kubernetes keeps a mounted folder's versions in them. */
function providerFiles(folder: string, reading: Reading): ProviderFile[] {
  const names = reading.listDir(folder).filter((name) => /^[^.].*\.ya?ml$/.test(name));
  return [...names].sort().map((name): ProviderFile => {
    const path = join(folder, name);
    const before = reading.problems.length;
    const layer = readLayer(path, true, reading);
    if (!isSection(layer.value) && reading.problems.length === before) {
      reading.problems.push({
        file: path,
        key: '',
        message: 'must hold keys and values',
        fix: 'copy config/providers/oauth2.yaml and change it',
      });
    }
    return { ...layer, name: basename(name, extname(name)) };
  });
}

function readLayer(path: string, required: boolean, reading: Reading): Layer {
  const nothing: Layer = { file: path, value: undefined, root: [], lineOf: () => undefined };
  let bytes: Uint8Array;
  try {
    bytes = reading.readFile(path);
  } catch (error) {
    if (required || codeOf(error) !== 'ENOENT')
      reading.problems.push({ file: path, key: '', message: unreadable(error) });
    return nothing;
  }
  reading.sources.push(path);
  const { yaml, problems } = readYaml(path, bytes);
  reading.problems.push(...problems);
  return { ...nothing, value: yaml.value, lineOf: yaml.lineOf };
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

function unreadable(error: unknown): string {
  const messages: Record<string, string> = {
    ENOENT: 'does not exist',
    EISDIR: 'is a folder, not a file',
    ENOTDIR: 'is a file, not a folder',
    EACCES: 'may not be read by this user',
    EPERM: 'may not be read by this user',
  };
  const code = codeOf(error) ?? 'unknown error';
  return messages[code] ?? `cannot be read (${code})`;
}

/** Variables the configuration itself names: they may begin with PILOTLIGHT_ too. */
function variablesNamed(merged: Section): Set<string> {
  const names = new Set<string>();
  const collect = (value: unknown) => {
    if (!isSection(value)) return;
    for (const [key, item] of Object.entries(value)) {
      if (key.endsWith('Env') && typeof item === 'string') names.add(item);
      else collect(item);
    }
  };
  collect(merged.clients);
  collect(merged.store);
  return names;
}

function publicProviders({ providers }: ResolvedProviders): string[] {
  return Object.values(providers).flatMap(({ name, request }) => (request.clientAuth === 'none' ? [name] : []));
}

/** By file in the order found, then by line. */
function inOrder(problems: readonly Problem[]): readonly Problem[] {
  const files = [...new Set(problems.map(({ file }) => file))];
  return problems.toSorted((a, b) => files.indexOf(a.file) - files.indexOf(b.file) || (a.line ?? 0) - (b.line ?? 0));
}
