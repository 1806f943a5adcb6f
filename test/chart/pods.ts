/** The pods a manifest makes, and their containers. */
import type { Manifest } from './chart.ts';

export interface EnvVar {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: Readonly<Record<string, unknown>>;
}

interface Probe {
  readonly httpGet?: { readonly path: string; readonly port: string | number };
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly EnvVar[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string; readonly subPath?: string }[];
  readonly startupProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly readinessProbe?: Probe;
}

interface Items {
  readonly items?: readonly { readonly key: string; readonly path: string }[];
}
export interface Source {
  readonly configMap?: Items & { readonly name: string };
  readonly secret?: Items & { readonly secretName?: string; readonly name?: string };
}
export interface Volume extends Source {
  readonly name: string;
  readonly projected?: { readonly sources: readonly Source[] };
}

export interface PodSpec {
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly volumes?: readonly Volume[];
  readonly terminationGracePeriodSeconds?: number;
}

/** The pod a manifest makes: its own spec, or that of its template. */
export function podOf(manifest: Manifest): PodSpec | undefined {
  const { kind } = manifest;
  const spec = manifest.spec as (PodSpec & { readonly template?: { readonly spec: PodSpec } }) | undefined;
  if (kind === 'Pod') return spec;
  return ['Deployment', 'StatefulSet', 'DaemonSet', 'Job'].includes(kind) ? spec?.template?.spec : undefined;
}

export function containersOf(manifest: Manifest): readonly Container[] {
  const pod = podOf(manifest);
  return [...(pod?.initContainers ?? []), ...(pod?.containers ?? [])];
}

/** Workloads that run the service, as opposed to a pod that runs one command. */
export const isService = ({ kind }: Manifest) => kind === 'Deployment' || kind === 'StatefulSet';

/** Every container that runs our image, with its pod and manifest. Others are the installer's own. */
export function ownContainers(manifests: readonly Manifest[]) {
  const image = manifests.filter(isService).map((manifest) => podOf(manifest)?.containers[0]?.image)[0];
  return manifests.flatMap((manifest) => {
    const pod = podOf(manifest);
    if (pod === undefined) return [];
    const own = [...pod.containers, ...(pod.initContainers ?? [])].filter((one) => one.image === image);
    return own.map((container) => ({ manifest, pod, container }));
  });
}
