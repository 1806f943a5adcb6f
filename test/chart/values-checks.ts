/**
 * values.schema.json is strict: a mistyped key is refused at every level, not ignored. One values file with a key nobody
 * knows at each level is given to Helm, and every one of them must be named in what it answers.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Chart, helms } from './chart.ts';
import type { Check } from './check.ts';
import { findTool, runProgram } from './tools.ts';

export const typo = 'zzMistyped';

export interface ValuesSchema {
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, ValuesSchema>>;
  readonly properties?: Readonly<Record<string, ValuesSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | ValuesSchema;
  readonly patternProperties?: Readonly<Record<string, ValuesSchema>>;
  readonly propertyNames?: { readonly pattern?: string; readonly enum?: readonly string[] };
  readonly items?: ValuesSchema;
  readonly anyOf?: readonly ValuesSchema[];
  readonly oneOf?: readonly ValuesSchema[];
  readonly allOf?: readonly ValuesSchema[];
}

export interface Planted {
  /** Values with the mistyped key at each closed level. */
  readonly values: unknown;
  /** JSON pointers of those levels. */
  readonly levels: readonly string[];
  /** Levels that name their keys and let others pass all the same. */
  readonly open: readonly string[];
}

/** Puts the key at every level of the schema that names its keys. */
export function plant(schema: ValuesSchema): Planted {
  const levels: string[] = [];
  const open: string[] = [];

  function at(given: ValuesSchema, pointer: string, within: readonly string[]): unknown {
    const { $ref } = given;
    // A schema that refers to itself is planted once.
    if ($ref !== undefined && within.includes($ref)) return undefined;
    const node = $ref === undefined ? given : resolved(schema, $ref);
    const deeper = $ref === undefined ? within : [...within, $ref];
    const choice = [...(node.anyOf ?? []), ...(node.oneOf ?? [])].find(
      (one) => one.properties ?? one.$ref ?? one.items,
    );
    if (node.properties === undefined && choice !== undefined) return at(choice, pointer, deeper);
    if (node.items !== undefined) {
      const item = at(node.items, `${pointer}/0`, deeper);
      return item === undefined ? undefined : [item];
    }
    const [pattern] = Object.values(node.patternProperties ?? {});
    const each = pattern ?? (typeof node.additionalProperties === 'object' ? node.additionalProperties : undefined);
    const result: Record<string, unknown> = {};
    for (const [key, member] of Object.entries(node.properties ?? {})) {
      const value = at(member, `${pointer}/${key}`, deeper);
      if (value !== undefined) result[key] = value;
    }
    if (each !== undefined) {
      const key = node.propertyNames?.enum?.[0] ?? 'sample';
      const value = at(each, `${pointer}/${key}`, deeper);
      if (value !== undefined) result[key] = value;
    } else if (node.properties !== undefined) {
      if (node.additionalProperties === false) {
        levels.push(pointer);
        result[typo] = 1;
      } else open.push(pointer);
    }
    return Object.keys(result).length === 0 ? undefined : result;
  }

  return { values: at(schema, '', []) ?? {}, levels, open };
}

function resolved(schema: ValuesSchema, ref: string): ValuesSchema {
  let node: unknown = schema;
  for (const part of ref.replace(/^#\//, '').split('/')) node = (node as Record<string, unknown> | undefined)?.[part];
  if (node === undefined) throw new Error(`values.schema.json: ${ref} leads nowhere`);
  return node as ValuesSchema;
}

/** Levels whose mistyped key is not named in what Helm says. */
export function unnoticed(levels: readonly string[], said: string): string[] {
  return levels.filter((level) => {
    const key = typo.replaceAll(/[^A-Za-z]/g, '');
    const line = said.split('\n').find((text) => text.includes(`at '${level}'`) && text.includes(key));
    return line === undefined;
  });
}

export async function valuesChecks(chart: Chart): Promise<Check[]> {
  const schema = JSON.parse(await readFile(join(chart.folder, 'values.schema.json'), 'utf8')) as ValuesSchema;
  const planted = plant(schema);
  const group = 'values.schema.json refuses a mistyped key';
  const answers = new Map<string, Promise<string>>();
  const answer = (helm: (typeof helms)[number]) => {
    const asked = answers.get(helm) ?? ask(chart, planted.values, helm);
    answers.set(helm, asked);
    return asked;
  };
  return [
    {
      group,
      what: 'every level that names its keys refuses others',
      run: async () => planted.open.map((level) => `${level === '' ? '/' : level} lets unknown keys pass`),
    },
    ...helms.flatMap((helm) =>
      planted.levels.map((level) => ({
        group,
        what: `${helm}: ${level === '' ? '/' : level}`,
        run: async () => unnoticed([level], await answer(helm)).map(() => `${typo} was not refused`),
      })),
    ),
  ];
}

/** What Helm says of values it must refuse. */
async function ask(chart: Chart, values: unknown, helm: (typeof helms)[number]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'pilotlight-values-'));
  try {
    const file = join(folder, 'values.json');
    await writeFile(file, JSON.stringify(values));
    const ran = await runProgram(await findTool(helm), ['template', 'demo', chart.folder, '--values', file]);
    if (ran.code === 0) throw new Error('was rendered');
    return ran.err;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
