/**
 * What `null` does, with which Helm takes a value away: from each section of values.yaml everything is taken that the schema
 * does not require. Either the rest still renders to manifests the API takes, or the refusal is one that was meant, never an
 * error of a template.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { type Chart, clusterArguments, manifestsIn, valuesFile } from './chart.ts';
import type { Check } from './check.ts';
import { applyProblems, conform } from './manifest-checks.ts';
import { findTool, runProgram } from './tools.ts';
import type { ValuesSchema } from './values-checks.ts';

/** The least there is, and the most: what is off renders nothing that could break. */
const shapes = ['minimal', 'everything-on'];

export async function nullChecks(chart: Chart): Promise<Check[]> {
  const read = (file: string) => readFile(join(chart.folder, file), 'utf8');
  const values = parse(await read('values.yaml')) as Record<string, unknown>;
  const schema = JSON.parse(await read('values.schema.json')) as ValuesSchema;
  const sections = Map.groupBy(optionalIn(values, schema), ([first = '', second]) => (second ? first : 'the top'));
  return [...sections].flatMap(([section, paths]) =>
    shapes.map((shape) => ({
      group: 'values taken away break no template',
      what: `${section}, ${shape}`,
      cases: () => paths.length,
      run: () => takenAway(chart, shape, paths),
    })),
  );
}

/** Every value that may be absent, by its keys: what the schema requires is refused by that alone. */
export function optionalIn(values: object, schema: ValuesSchema, above: readonly string[] = []): string[][] {
  return Object.entries(values).flatMap(([key, value]) => {
    const path = [...above, key];
    const below = schema.properties?.[key];
    if (!schema.required?.includes(key)) return [path];
    return below?.properties !== undefined ? optionalIn(value as object, below, path) : [];
  });
}

async function takenAway(chart: Chart, shape: string, paths: readonly string[][]): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'pilotlight-null-'));
  const [, kubernetes] = chart.kubernetes;
  try {
    const file = join(folder, 'values.json');
    await writeFile(file, JSON.stringify(nulls(paths)));
    const values = ['--values', valuesFile(chart, shape), '--values', file];
    const args = ['template', 'demo', chart.folder, ...values, ...clusterArguments(kubernetes)];
    const { code, out, err } = await runProgram(await findTool('helm'), args);
    if (code !== 0) return isMeant(err) ? [] : [err.trim()];
    return [...manifestsIn(out).flatMap(applyProblems), ...(await conform(out, kubernetes, chart))];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Values with null at each of the paths. */
function nulls(paths: readonly string[][]): object {
  const result: Record<string, unknown> = {};
  for (const [key, below] of Map.groupBy(paths, ([first = '']) => first)) {
    const deeper = below.map((path) => path.slice(1)).filter((path) => path.length > 0);
    result[key] = deeper.length > 0 ? nulls(deeper) : null;
  }
  return result;
}

/** Whether a refusal says what is missing, as opposed to where a template broke. */
export function isMeant(said: string): boolean {
  const broke = /nil pointer|error calling|wrong type|YAML parse error|<nil>|<no value>/;
  return !broke.test(said) && /missing propert|got null|these values contradict themselves/.test(said);
}
