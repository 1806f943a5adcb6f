/**
 * The rendered manifests: held against the API's own schemas by kubeconform (nothing skipped, no schema missing), against
 * good practice by kube-score, and against what makes a server-side apply fail.
 */
import { type Chart, type Manifest, manifestsIn, manifestsOf, nameOf, render } from './chart.ts';
import type { Check } from './check.ts';
import { containersOf } from './pods.ts';
import { schemaLocations } from './schemas.ts';
import { type Finding, findingsIn, scoreOptions, unexcused, unusedExcuses } from './score.ts';
import { findTool, runProgram } from './tools.ts';

/** Manifests the tools must refuse: a tool that passes these looks at nothing. */
const unknownMember = `apiVersion: v1
kind: Service
metadata: { name: planted }
spec: { ports: [{ port: 80, protokol: TCP }] }
`;
const unknownOperatorMember = `apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata: { name: planted }
spec: { selector: {}, podMetricsEndpoints: [{ port: health, intervall: 30s }] }
`;
const unknownKind = `apiVersion: example.org/v1
kind: Planted
metadata: { name: planted }
`;
const privileged = `apiVersion: v1
kind: Pod
metadata: { name: planted }
spec: { containers: [{ name: planted, image: "planted:latest", securityContext: { privileged: true } }] }
`;

export function manifestChecks(chart: Chart): Check[] {
  const scored = new Map<string, Promise<Finding[]>>();
  const findings = (shape: string) => {
    const asked = scored.get(shape) ?? render(chart, shape).then((text) => score(text, chart.kubernetes[1]));
    scored.set(shape, asked);
    return asked;
  };
  const conforms = (what: string, text: () => Promise<string>, kubernetes: string): Check => {
    let cases = 0;
    return {
      group: 'kubeconform -strict',
      what: `${what}, Kubernetes ${kubernetes}`,
      cases: () => cases,
      async run() {
        const manifests = await text();
        cases = manifestsIn(manifests).length;
        return conform(manifests, kubernetes, chart);
      },
    };
  };
  return [
    ...chart.kubernetes.flatMap((kubernetes) =>
      chart.shapes.map((shape) => conforms(shape, () => render(chart, shape, 'helm', kubernetes), kubernetes)),
    ),
    ...(
      [
        ['a member no Service has', unknownMember, /additional properties 'protokol' not allowed/],
        ['a member no PodMonitor has', unknownOperatorMember, /additional properties 'intervall' not allowed/],
        ['a kind there is no schema of', unknownKind, /could not find schema/],
      ] as const
    ).map(([what, text, says]) => ({
      group: 'kubeconform -strict',
      what: `refuses ${what}`,
      run: async () => mustSay(await conform(text, chart.kubernetes[0], chart), says),
    })),
    ...chart.shapes.map((shape) => ({
      group: 'kube-score, nothing critical',
      what: shape,
      run: async () => unexcused(await findings(shape)),
    })),
    {
      group: 'kube-score, nothing critical',
      what: 'every exception is still needed',
      run: async () => unusedExcuses((await Promise.all(chart.shapes.map(findings))).flat()),
    },
    {
      group: 'kube-score, nothing critical',
      what: 'finds a privileged container',
      run: async () => mustSay(unexcused(await score(privileged, chart.kubernetes[1])), /container-security-context/),
    },
    ...chart.shapes.map((shape) => ({
      group: 'a server-side apply takes it',
      what: shape,
      run: async () => (await manifestsOf(chart, shape)).flatMap(applyProblems),
    })),
  ];
}

const mustSay = (problems: readonly string[], says: RegExp) =>
  says.test(problems.join('\n')) ? [] : [`was not refused: ${problems.join('\n')}`];

/** What kubeconform finds in manifests, each of which it must have looked at. */
export async function conform(text: string, kubernetes: string, chart: Chart): Promise<string[]> {
  const locations = await schemaLocations([...new Set([...chart.kubernetes, kubernetes])]);
  const where = locations.flatMap((location) => ['-schema-location', location]);
  const args = ['-strict', '-summary', '-output', 'json', '-kubernetes-version', kubernetes, ...where, '-'];
  const { out, err } = await runProgram(await findTool('kubeconform'), args, { input: text });
  const { resources = [], summary } = JSON.parse(out === '' ? '{}' : out) as {
    resources?: { kind: string; name: string; msg: string }[];
    summary?: { valid: number; invalid: number; errors: number; skipped: number };
  };
  if (summary === undefined) return [`kubeconform said nothing: ${err}`];
  const problems = resources.map(({ kind, name, msg }) => `${kind}/${name}: ${msg}`);
  const wanted = manifestsIn(text).length;
  if (summary.valid + problems.length !== wanted || wanted === 0 || summary.skipped > 0)
    problems.push(`${wanted} manifests, but ${summary.valid} valid and ${summary.skipped} skipped`);
  return problems;
}

async function score(text: string, kubernetes: string): Promise<Finding[]> {
  const version = `v${kubernetes.split('.').slice(0, 2).join('.')}`;
  const args = ['score', '--output-format', 'json', '--kubernetes-version', version, ...scoreOptions, '-'];
  const { out, err } = await runProgram(await findTool('kube-score'), args, { input: text });
  if (!out.startsWith('[')) throw new Error(`kube-score said: ${err}${out}`);
  return findingsIn(out);
}

/** Lists that a server-side apply merges by a key, which may then stand once only; and members without a value. */
export function applyProblems(manifest: Manifest): string[] {
  const twice = (what: string, keys: readonly (string | number | undefined)[]) =>
    keys.filter((key, at) => keys.indexOf(key) !== at).map((key) => `${nameOf(manifest)}: ${what} ${key} stands twice`);
  const containers = containersOf(manifest);
  const found = containers.flatMap(({ name, env = [], ports = [], volumeMounts = [] }) => [
    ...twice(
      `${name}: the variable`,
      env.map((one) => one.name),
    ),
    ...twice(
      `${name}: the port`,
      ports.map(({ name: port }) => port),
    ),
    ...twice(
      `${name}: the mount at`,
      volumeMounts.map(({ mountPath }) => mountPath),
    ),
  ]);
  return [
    ...found,
    ...twice(
      'the container',
      containers.map(({ name }) => name),
    ),
    ...nulls(manifest, nameOf(manifest)),
  ];
}

function nulls(value: unknown, path: string): string[] {
  if (value === null) return [`${path} has no value`];
  if (typeof value !== 'object') return [];
  return Object.entries(value as object).flatMap(([key, member]) => nulls(member, `${path}.${key}`));
}
