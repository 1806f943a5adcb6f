/** The chart's own rules, rendered by Helm with values of the caller's, and the programs of Prometheus that judge them. */
import { execFile } from 'node:child_process';
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { findTool } from '../chart/tools.ts';

const run = promisify(execFile);
const chart = join(import.meta.dirname, '../../helm/pilotlight');

export interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly for?: string;
  readonly keep_firing_for?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface RuleGroup {
  readonly name: string;
  readonly rules: readonly Rule[];
}

/** Where the release is installed, and so the `namespace` label of its series. */
export const namespace = 'pilotlight';

/** What the operator of Prometheus would be given. Throws in Helm's words where the chart refuses the values. */
export async function renderRules(
  prometheusRule: Readonly<Record<string, unknown>> = {},
  release = 'pilotlight',
): Promise<readonly RuleGroup[]> {
  const values = { prometheusRule: { enabled: true, ...prometheusRule } };
  const [object] = await render('prometheusrule', values, release);
  return (object as { spec: { groups: RuleGroup[] } }).spec.groups;
}

/** The objects one template of the chart makes. */
export async function render(
  template: string,
  values: Readonly<Record<string, unknown>>,
  release = 'pilotlight',
): Promise<readonly unknown[]> {
  const folder = await mkdtemp(join(tmpdir(), 'pilotlight-values-'));
  try {
    const file = join(folder, 'values.yaml');
    // JSON is YAML.
    await writeFile(file, JSON.stringify(values));
    const least = join(chart, 'ci/minimal-values.yaml');
    const { stdout } = await run(await findTool('helm'), [
      ...['template', release, chart, '--namespace', namespace, '--values', least, '--values', file],
      ...['--show-only', `templates/${template}.yaml`],
    ]);
    return stdout
      .split(/^---$/m)
      .map((text) => parse(text) as unknown)
      .filter((object) => object !== null);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const packages = {
  prometheus: 'prometheus',
  promtool: 'prometheus',
  'prometheus-alertmanager': 'prometheus-alertmanager',
};

/** Absolute path of a program of Debian's packages. Throws saying what to install where it is missing. */
export async function findProgram(name: keyof typeof packages): Promise<string> {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, name);
    if (
      await access(path).then(
        () => true,
        () => false,
      )
    )
      return path;
  }
  throw new Error(`${name} is missing: apt-get install ${packages[name]}`);
}

/** What promtool says, and whether it was content. */
export async function promtool(
  ...parameters: readonly string[]
): Promise<{ readonly ok: boolean; readonly said: string }> {
  const program = await findProgram('promtool');
  return run(program, [...parameters], { maxBuffer: 1 << 26 }).then(
    ({ stdout, stderr }) => ({ ok: true, said: stdout + stderr }),
    (error: { stdout?: string; stderr?: string }) => ({
      ok: false,
      said: `${error.stdout ?? ''}${error.stderr ?? ''}`,
    }),
  );
}
