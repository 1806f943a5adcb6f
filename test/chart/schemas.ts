/**
 * JSON schemas kubeconform holds manifests against, kept in the user's cache: Kubernetes' own from a Python package that
 * brings them for many versions (checked by its hash), and those of the operators' kinds from the CRDs in their modules.
 */
import { createHash } from 'node:crypto';
import { access, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { cacheFolder, goModule, runProgram } from './tools.ts';

const wheel = {
  name: 'kubernetes-validate',
  version: '1.37.0',
  sha256: '85136d018a27b50ec7fc049d902bfa5193f5976807e6c0f408e3ab6fe078cad9',
};
/** The newest Kubernetes there are schemas of. */
export const newestKubernetes = '1.37.0';

/** Operators whose kinds the chart may render: where their CRDs are, and the API versions a cluster with them serves. */
const operators = [
  {
    module: 'github.com/prometheus-operator/prometheus-operator',
    version: 'v0.85.0',
    files: ['podmonitors', 'servicemonitors', 'prometheusrules'].map(
      (plural) => `example/prometheus-operator-crd/monitoring.coreos.com_${plural}.yaml`,
    ),
  },
  {
    module: 'github.com/kedacore/keda/v2',
    version: 'v2.21.0',
    files: ['scaledobjects', 'triggerauthentications'].map((plural) => `config/crd/bases/keda.sh_${plural}.yaml`),
  },
];

export const operatorKinds = [
  'monitoring.coreos.com/v1',
  'monitoring.coreos.com/v1/PodMonitor',
  'monitoring.coreos.com/v1/ServiceMonitor',
  'monitoring.coreos.com/v1/PrometheusRule',
  'keda.sh/v1alpha1',
  'keda.sh/v1alpha1/ScaledObject',
  'keda.sh/v1alpha1/TriggerAuthentication',
];

/** Raised whenever the way schemas are written changes, so that older ones in the cache are not taken for new. */
const form = 1;

/** `-schema-location` of kubeconform for the Kubernetes versions given. Throws in words what is missing. */
export async function schemaLocations(versions: readonly string[]): Promise<string[]> {
  const kubernetes = cacheFolder('schemas', `kubernetes-${wheel.version}-${form}`);
  for (const version of versions) await onceAt(join(kubernetes, `v${version}`), (to) => unpackKubernetes(version, to));
  const kinds = operators.map(({ version }) => version).join('-');
  const crds = cacheFolder('schemas', `operators-${kinds}-${form}`);
  await onceAt(crds, writeOperatorKinds);
  const file = '{{ .ResourceKind }}{{ .KindSuffix }}.json';
  return [join(kubernetes, '{{ .NormalizedKubernetesVersion }}', file), join(crds, file)];
}

/** Makes a folder whole or not at all; one that is there is left as it is. */
async function onceAt(folder: string, make: (folder: string) => Promise<void>): Promise<void> {
  if (await exists(folder)) return;
  await mkdir(join(folder, '..'), { recursive: true });
  const making = await mkdtemp(join(folder, '..', '.making-'));
  try {
    await make(making);
    await rename(making, folder).catch(async (error: unknown) => {
      if (!(await exists(folder))) throw error;
    });
  } finally {
    await rm(making, { recursive: true, force: true });
  }
}

async function unpackKubernetes(version: string, to: string): Promise<void> {
  const download = await mkdtemp(join(tmpdir(), 'pilotlight-schemas-'));
  try {
    const archive = await downloadWheel(download);
    const below = `kubernetes_validate/kubernetes-json-schema/v${version}-local-strict/`;
    const unpack = `import sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as z:
    z.extractall(sys.argv[2], [n for n in z.namelist() if n.startswith(sys.argv[3])])`;
    await orThrow('python3', ['-c', unpack, archive, download, below]);
    const from = join(download, below);
    if (!(await exists(from)))
      throw new Error(`${wheel.name} ${wheel.version} has no schemas of Kubernetes ${version}`);
    for (const file of await readdir(from))
      await writeFile(join(to, file), beside(await readFile(join(from, file), 'utf8')));
  } finally {
    await rm(download, { recursive: true, force: true });
  }
}

/** Where earlier downloads are kept does not matter: pip has a cache of its own. */
async function downloadWheel(folder: string): Promise<string> {
  const wanted = `${wheel.name}==${wheel.version}`;
  const asked = ['-m', 'pip', 'download', '--quiet', '--no-deps', '--only-binary', ':all:', '--dest', folder, wanted];
  await orThrow('python3', asked);
  const file = (await readdir(folder)).find((name) => name.endsWith('.whl')) ?? '';
  const hash = createHash('sha256')
    .update(await readFile(join(folder, file)))
    .digest('hex');
  if (hash !== wheel.sha256) throw new Error(`${file} hashes to ${hash}, which is not the one known`);
  return join(folder, file);
}

async function orThrow(program: string, args: readonly string[]): Promise<void> {
  const ran = await runProgram(program, args).catch((error: Error) => ({ code: 127, out: '', err: error.message }));
  if (ran.code !== 0)
    throw new Error(`the schemas of Kubernetes need python3 with pip (Debian: python3-pip): ${ran.err.slice(-500)}`);
}

/** The schema without the address it claims for itself, so that what it refers to is looked for in the file beside it. */
export function beside(text: string): string {
  const { $id: _, ...schema } = JSON.parse(text) as Record<string, unknown>;
  return JSON.stringify(schema).replaceAll('"/api/_definitions.json#', '"_definitions.json#');
}

interface Crd {
  readonly spec: {
    readonly group: string;
    readonly names: { readonly kind: string };
    readonly versions: readonly { readonly name: string; readonly schema: { readonly openAPIV3Schema: Schema } }[];
  };
}
type Schema = { readonly [key: string]: unknown };

async function writeOperatorKinds(folder: string): Promise<void> {
  for (const { module, version, files } of operators) {
    const { Dir } = await goModule(module, version);
    for (const file of files) {
      const { spec } = parse(await readFile(join(Dir, file), 'utf8')) as Crd;
      for (const { name, schema } of spec.versions) {
        const [group = ''] = spec.group.split('.');
        const path = join(folder, `${spec.names.kind.toLowerCase()}-${group}-${name}.json`);
        await writeFile(path, JSON.stringify(strict(schema.openAPIV3Schema)));
      }
    }
  }
}

/**
 * A CRD's schema as a strict JSON schema. The API server drops members it does not know without a word; here they are
 * refused, except where the CRD keeps unknown ones on purpose.
 */
export function strict(schema: Schema, root = true): Schema {
  const result: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(schema)) {
    if (key === 'properties') {
      const entries = Object.entries(value as Record<string, Schema>);
      result[key] = Object.fromEntries(entries.map(([name, member]) => [name, strict(member, false)]));
    } else if (key === 'items' || (key === 'additionalProperties' && typeof value === 'object')) {
      result[key] = strict(value as Schema, false);
    } else if (key === 'anyOf' || key === 'oneOf' || key === 'allOf') {
      // Only conditions on what is described above stand in these: they name no new members.
      result[key] = value;
    } else if (key === 'nullable' || key.startsWith('x-kubernetes-')) {
      // Said by what is made of them below.
    } else result[key] = value;
  }
  if (schema['x-kubernetes-int-or-string'] === true) {
    delete result.type;
    delete result.anyOf;
    result.type = ['integer', 'string'];
  }
  if (schema.nullable === true && typeof result.type === 'string') result.type = [result.type, 'null'];
  const open = schema['x-kubernetes-preserve-unknown-fields'] === true || schema.additionalProperties !== undefined;
  if (result.properties !== undefined && !open) result.additionalProperties = false;
  // What every object has; `metadata` is the API server's own business and is checked with its other kinds.
  if (root)
    result.required = [...new Set(['apiVersion', 'kind', 'metadata', ...((schema.required as string[]) ?? [])])];
  return result;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
