/**
 * What a container finds on its disk: every mounted ConfigMap and Secret as files, every other volume as a folder. So the
 * real loader can be given the configuration the chart renders, and every path in it be looked for.
 */
import { posix } from 'node:path';
import type { Manifest } from './chart.ts';
import type { Container, EnvVar, PodSpec, Source } from './pods.ts';

/** What a mounted Secret's file holds here: 32 bytes, as every key of ours is. */
const sampleKey = Buffer.alloc(32, 7).toString('base64');

export interface Mounted {
  /** Files there are, by their path in the container. */
  readonly files: ReadonlyMap<string, string>;
  /** Where volumes are mounted. */
  readonly mounts: readonly string[];
  /** Mounts of a whole Secret, whose keys only its owner knows: any file may be there. */
  readonly anything: readonly string[];
}

/** What the container's volumes come to. Throws where one is mounted that the pod does not have. */
export function mountedIn(container: Container, pod: PodSpec, manifests: readonly Manifest[]): Mounted {
  const files = new Map<string, string>();
  const anything: string[] = [];
  const { volumeMounts = [] } = container;
  const claims = new Set(manifests.flatMap(claimNames));
  for (const { name, mountPath, subPath } of volumeMounts) {
    const volume = pod.volumes?.find((one) => one.name === name);
    if (volume === undefined) {
      if (claims.has(name)) continue;
      throw new Error(`mounts the volume ${name}, which its pod does not have`);
    }
    for (const source of [volume, ...(volume.projected?.sources ?? [])]) {
      const found = filesOf(source, manifests);
      if (found === 'anything') anything.push(mountPath);
      else
        for (const [path, text] of found) {
          if (subPath === undefined) files.set(posix.join(mountPath, path), text);
          else if (path === subPath) files.set(mountPath, text);
        }
    }
  }
  return { files, mounts: volumeMounts.map(({ mountPath }) => mountPath), anything };
}

const claimNames = ({ spec }: Manifest) =>
  ((spec as { volumeClaimTemplates?: { metadata: { name: string } }[] } | undefined)?.volumeClaimTemplates ?? []).map(
    ({ metadata }) => metadata.name,
  );

function filesOf({ configMap, secret }: Source, manifests: readonly Manifest[]): 'anything' | [string, string][] {
  if (configMap !== undefined) {
    const data = manifests.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === configMap.name)?.data;
    const entries = Object.entries((data ?? {}) as Record<string, string>);
    if (data === undefined) return 'anything';
    if (configMap.items === undefined) return entries;
    return configMap.items.map(({ key, path }) => {
      const text = entries.find(([name]) => name === key)?.[1];
      if (text === undefined) throw new Error(`the ConfigMap ${configMap.name} has no ${key}`);
      return [path, text];
    });
  }
  if (secret === undefined) return [];
  return secret.items === undefined ? 'anything' : secret.items.map(({ path }) => [path, sampleKey]);
}

/**
 * Absolute paths in a configuration that the container does not have: a member that names a file needs one, or a Secret
 * mounted whole that may hold it; any other path needs something mounted at it or above it.
 */
export function missingPaths(value: unknown, { files, mounts, anything }: Mounted, key = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((one) => missingPaths(one, { files, mounts, anything }, key));
  if (typeof value === 'object' && value !== null)
    return Object.entries(value).flatMap(([name, one]) => missingPaths(one, { files, mounts, anything }, name));
  if (typeof value !== 'string' || !value.startsWith('/')) return [];
  const under = (all: readonly string[]) => all.some((one) => value === one || value.startsWith(`${one}/`));
  const isFile = /file$/i.test(key);
  const there = files.has(value) || under(anything) || (!isFile && under(mounts));
  return there ? [] : [`${key}: nothing is mounted at ${value}`];
}

/** The container's environment, with a sample where a value is somebody else's (a Secret, the pod's own fields). */
export function environmentOf(env: readonly EnvVar[]): Record<string, string> {
  const sample = (name: string) => (name === 'REDIS_URL' ? 'rediss://demo:demo@redis.example:6379' : 'sample');
  return Object.fromEntries(env.map(({ name, value }) => [name, value ?? sample(name)]));
}
