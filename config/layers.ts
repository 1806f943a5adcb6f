/**
 * A setting may come from several places: shipped file, extra file, `pilotlight.yaml`, environment. Later layers are
 * merged over earlier ones, and a problem is reported at the layer that said the value.
 */
import { dotted, type Finding, type Problem } from './problem.ts';

export interface Layer {
  /** Path of the file, or `environment`. */
  readonly file: string;
  readonly value: unknown;
  /** Where in the file the value stands. */
  readonly root: readonly PropertyKey[];
  /** Line of a path counted from the file's top. */
  lineOf(path: readonly PropertyKey[]): number | undefined;
  /** Name of the variable a path was set by, for the environment. */
  variableOf?(path: readonly PropertyKey[]): string | undefined;
}

export type Section = { readonly [key: string]: unknown };

export function isSection(value: unknown): value is Section {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Later over earlier: sections are merged key by key, lists and values replaced, and null takes a key away. Keys are
 * copied as own properties, so that `__proto__` in a file is an unknown key like any other.
 */
export function merge(earlier: unknown, later: unknown): unknown {
  if (!isSection(later)) return later;
  const out = new Map<string, unknown>(isSection(earlier) ? Object.entries(earlier) : []);
  for (const [key, value] of Object.entries(later)) {
    if (value === null) out.delete(key);
    else out.set(key, isSection(value) ? merge(out.get(key), value) : value);
  }
  return Object.fromEntries(out);
}

/**
 * Reports a finding where its value was said: in the latest layer that says it. What is missing or comes from a default
 * is reported in the file that says most of what is around it.
 */
export function problemAt(layers: readonly Layer[], { path, message, fix }: Finding): Problem {
  const depths = layers.map((layer) => ({ layer, depth: knownDepth(layer.value, path) }));
  const files = depths.filter(({ layer }) => layer.variableOf === undefined);
  const deepest = Math.max(...files.map(({ depth }) => depth));
  const layer = (depths.findLast(({ depth }) => depth === path.length) ?? files.find(({ depth }) => depth === deepest))
    ?.layer;
  const advice = fix === undefined ? {} : { fix };
  if (layer === undefined) return { file: '', key: dotted(path), message, ...advice };
  const whole = [...layer.root, ...path];
  const line = layer.lineOf(whole);
  const key = layer.variableOf?.(whole) ?? dotted(whole);
  return { file: layer.file, ...(line === undefined ? {} : { line }), key, message, ...advice };
}

function knownDepth(value: unknown, path: readonly PropertyKey[]): number {
  let at = value;
  for (const [depth, key] of path.entries()) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return depth;
    at = (at as Record<PropertyKey, unknown>)[key];
  }
  return path.length;
}
