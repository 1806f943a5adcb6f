/** The chart's own tests, its generated README, and its alerting rules. */
import { access, cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { type Chart, type Manifest, manifestsOf, nameOf } from './chart.ts';
import type { Check } from './check.ts';
import { findTool, type Ran, runProgram } from './tools.ts';

export async function textChecks(chart: Chart): Promise<Check[]> {
  const suites = await filesIn(join(chart.folder, 'tests'), /_test\.yaml$/);
  return [
    {
      group: 'helm-unittest',
      what: 'there are suites',
      run: async () => (suites.length > 0 ? [] : ['tests/*_test.yaml is empty']),
    },
    ...suites.map((suite) => unittest(chart, suite)),
    { group: 'README.md is what helm-docs makes', what: 'README.md', run: () => readme(chart) },
    ...ruleChecks(chart),
  ];
}

function unittest(chart: Chart, suite: string): Check {
  let cases = 0;
  return {
    group: 'helm-unittest',
    what: suite,
    cases: () => cases,
    async run() {
      const args = ['--color=false', '--strict', '--file', `tests/${suite}`, chart.folder];
      const { code, out, err } = await runProgram(await findTool('helm-unittest'), args);
      cases = Number(/^Tests:\s.*?(\d+) total/m.exec(out)?.[1] ?? 0);
      return code === 0 && cases > 0 ? [] : [`${out}${err}`.trim()];
    },
  };
}

/** Made anew in a copy: this only looks. */
async function readme(chart: Chart): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'pilotlight-docs-'));
  try {
    const copy = join(folder, 'pilotlight');
    await cp(chart.folder, copy, { recursive: true });
    await rm(join(copy, 'README.md'), { force: true });
    const ran = await runProgram(await findTool('helm-docs'), [
      '--chart-search-root',
      folder,
      '--log-level',
      'warning',
    ]);
    if (ran.code !== 0) return [ran.err];
    const [made, kept] = await Promise.all([copy, chart.folder].map((at) => readFile(join(at, 'README.md'), 'utf8')));
    return made === kept ? [] : ['is out of date: run helm-docs in helm/pilotlight'];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Prometheus's own reading of the rules the chart renders; what they fire on is tested by `npm run test:observability`. */
function ruleChecks(chart: Chart): Check[] {
  const group = 'promtool takes the rules';
  return [
    ...chart.shapes.map((shape) => ({
      group,
      what: shape,
      run: async () => {
        const rules = (await manifestsOf(chart, shape)).filter(isRules);
        return (await Promise.all(rules.map(checkRules))).flat();
      },
    })),
    {
      group,
      what: 'some shape has rules',
      run: async () => {
        const all = await Promise.all(chart.shapes.map((shape) => manifestsOf(chart, shape)));
        return all.flat().some(isRules) ? [] : ['no ci values file turns prometheusRule on'];
      },
    },
  ];
}

const isRules = ({ kind }: Manifest) => kind === 'PrometheusRule';

function checkRules(manifest: Manifest): Promise<string[]> {
  return inFolder(async (folder) => {
    await writeFile(join(folder, 'rules.yaml'), stringify(manifest.spec));
    const ran = await promtool(['check', 'rules', join(folder, 'rules.yaml')]);
    return ran.code === 0 ? [] : [`${nameOf(manifest)}: ${ran.out}${ran.err}`];
  });
}

async function promtool(args: readonly string[]): Promise<Ran> {
  return runProgram('promtool', args).catch(() => {
    throw new Error('promtool is missing: install it (Debian: prometheus)');
  });
}

async function inFolder<T>(run: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'pilotlight-rules-'));
  try {
    return await run(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function filesIn(folder: string, named: RegExp): Promise<string[]> {
  const there = await access(folder).then(
    () => true,
    () => false,
  );
  return there ? (await readdir(folder)).filter((name) => named.test(name)).toSorted() : [];
}
