/**
 * The chart as it is checked: its ci values files (one for each shape it is installed in), what they render to with each
 * Helm, and the manifests in that.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { newestKubernetes, operatorKinds } from './schemas.ts';
import { findTool, runProgram } from './tools.ts';

export const root = join(import.meta.dirname, '../..');
export const chartFolder = join(root, 'helm/pilotlight');

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [key: string]: unknown;
}

export interface Chart {
  readonly folder: string;
  /** Its ci values files, by name without folder and ending. */
  readonly shapes: readonly string[];
  /** Oldest and newest version of Kubernetes to hold it against. */
  readonly kubernetes: readonly [oldest: string, newest: string];
}

/** Reads what there is to check. Throws where there is no chart, or one without a shape. */
export async function readChart(folder: string): Promise<Chart> {
  const { kubeVersion = '' } = parse(await readFile(join(folder, 'Chart.yaml'), 'utf8')) as { kubeVersion?: string };
  const [, oldest] = /^>=\s*(\d+\.\d+\.\d+)/.exec(kubeVersion) ?? [];
  if (oldest === undefined) throw new Error(`Chart.yaml: kubeVersion must begin with >=, it is '${kubeVersion}'`);
  const files = await readdir(join(folder, 'ci'));
  const shapes = files
    .filter((file) => file.endsWith('-values.yaml'))
    .map((file) => file.replace(/-values\.yaml$/, ''));
  if (shapes.length === 0) throw new Error('no ci/*-values.yaml: nothing would be checked');
  return { folder, shapes: shapes.toSorted(), kubernetes: [oldest, newestKubernetes] };
}

export const valuesFile = (chart: Chart, shape: string) => join(chart.folder, 'ci', `${shape}-values.yaml`);

export type Helm = 'helm' | 'helm3';
export const helms: readonly Helm[] = ['helm', 'helm3'];

/** What every rendering is told of the cluster: its version, and that the operators' kinds are there. */
export function clusterArguments(kubernetes: string): string[] {
  return ['--kube-version', kubernetes, ...operatorKinds.flatMap((version) => ['--api-versions', version])];
}

const rendered = new Map<string, Promise<string>>();

/** What `helm template` prints for a shape; rendered once. Throws what Helm says. */
export function render(chart: Chart, shape: string, helm: Helm = 'helm', kubernetes = chart.kubernetes[1]) {
  const key = [chart.folder, shape, helm, kubernetes].join(' ');
  const known = rendered.get(key);
  if (known !== undefined) return known;
  const asked = template(chart.folder, valuesFile(chart, shape), helm, kubernetes);
  rendered.set(key, asked);
  return asked;
}

/** Renders a chart (its folder or its archive) with a values file. Throws what Helm says. */
export async function template(chart: string, values: string, helm: Helm, kubernetes: string): Promise<string> {
  const args = ['template', 'demo', chart, '--namespace', 'pilotlight', '--values', values];
  const ran = await runProgram(await findTool(helm), [...args, ...clusterArguments(kubernetes)]);
  if (ran.code !== 0) throw new Error(ran.err.trim());
  return ran.out;
}

/** The manifests in rendered text. Throws where it is not YAML, or a key stands twice (one of them would be lost). */
export function manifestsIn(text: string): Manifest[] {
  return parseAllDocuments(text, { uniqueKeys: true }).flatMap((document) => {
    const [error] = document.errors;
    if (error !== undefined) throw error;
    const value = document.toJS() as Manifest | null;
    return value === null ? [] : [value];
  });
}

export async function manifestsOf(chart: Chart, shape: string): Promise<Manifest[]> {
  return manifestsIn(await render(chart, shape));
}

export const nameOf = ({ kind, metadata }: Manifest) => `${kind}/${metadata.name}`;
