/** What Helm itself says of the chart, for each shape and both majors: it lints, it renders, and both render the same. */

import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Chart,
  type Helm,
  helms,
  type Manifest,
  manifestsIn,
  nameOf,
  render,
  template,
  valuesFile,
} from './chart.ts';
import type { Check } from './check.ts';
import { findTool, runProgram } from './tools.ts';

export function helmChecks(chart: Chart): Check[] {
  return chart.shapes.flatMap((shape) => [
    ...helms.map((helm) => ({
      group: `${helm} lint --strict`,
      what: shape,
      run: () => lint(chart, shape, helm),
    })),
    ...chart.kubernetes.map((kubernetes) => ({
      group: 'both Helms render the same',
      what: `${shape}, Kubernetes ${kubernetes}`,
      run: async () => {
        const [newer, older] = await Promise.all(helms.map((helm) => render(chart, shape, helm, kubernetes)));
        return differences(manifestsIn(newer ?? ''), manifestsIn(older ?? ''));
      },
    })),
    {
      group: 'the packed chart renders the same',
      what: shape,
      run: async () => {
        const values = valuesFile(chart, shape);
        const packed = await withPacked(chart, (archive) => template(archive, values, 'helm', chart.kubernetes[1]));
        return differences(manifestsIn(packed), manifestsIn(await render(chart, shape)));
      },
    },
  ]);
}

/** What is pushed to a registry is the packed chart: .helmignore must not leave out what a template reads. */
async function withPacked<T>(chart: Chart, use: (archive: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'pilotlight-packed-'));
  try {
    const ran = await runProgram(await findTool('helm'), ['package', chart.folder, '--destination', folder]);
    const [archive] = await readdir(folder);
    if (ran.code !== 0 || archive === undefined) throw new Error(`${ran.out}${ran.err}`.trim());
    return await use(join(folder, archive));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function lint(chart: Chart, shape: string, helm: Helm): Promise<string[]> {
  const args = ['lint', chart.folder, '--strict', '--values', valuesFile(chart, shape)];
  const ran = await runProgram(await findTool(helm), [...args, '--kube-version', chart.kubernetes[1]]);
  return ran.code === 0 ? [] : [`${ran.out}${ran.err}`.trim()];
}

/** Manifests that are not the same in both, and why. Nothing rendered is no likeness. */
export function differences(one: readonly Manifest[], other: readonly Manifest[]): string[] {
  if (one.length === 0) return ['renders nothing'];
  const others = new Map(other.map((manifest) => [nameOf(manifest), JSON.stringify(manifest)]));
  const changed = one.filter((manifest) => others.get(nameOf(manifest)) !== JSON.stringify(manifest)).map(nameOf);
  const names = new Set(one.map(nameOf));
  const added = [...others.keys()].filter((name) => !names.has(name));
  return [...changed, ...added].map((name) => `${name} is not the same`);
}
