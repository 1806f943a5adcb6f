/**
 * Puts each provider together: shipped file, file of the same name in `providersDir`, and `providers.<name>` of the
 * configuration, merged in this order and checked as a whole. Every problem is reported where it was written.
 */
import { didYouMean } from './did-you-mean.ts';
import { isSection, type Layer, merge, problemAt } from './layers.ts';
import { findingsOf, type Problem } from './problem.ts';
import { type Provider, provider } from './provider.ts';
import { providerFindings } from './provider-rules.ts';
import { type Keep, keep } from './schema.ts';

/** A provider file, and what is kept alive of its connections. */
export type ConfiguredProvider = Provider & { readonly keep: Keep };

/** The provider schema and the one key that only the configuration adds. */
export const configuredProvider = provider.extend({ keep: keep.optional() });

/** A provider file that was read; `value` undefined where it could not be. */
export interface ProviderFile extends Layer {
  readonly name: string;
}

export interface ResolvedProviders {
  readonly providers: Readonly<Record<string, ConfiguredProvider>>;
  /** Names that exist, also those whose file is broken: nobody is told that they do not. */
  readonly names: readonly string[];
  readonly problems: readonly Problem[];
}

/** `overrides` is the configuration's `providers` section with its layer; `keepDefault` its `keep`. */
export function resolveProviders(
  files: readonly ProviderFile[],
  overrides: Layer,
  keepDefault: Keep,
): ResolvedProviders {
  const given = isSection(overrides.value) ? overrides.value : {};
  const shipped = [...new Set(files.map(({ name }) => name))];
  const names = [...new Set([...shipped, ...Object.keys(given)])].sort();
  const providers: Record<string, ConfiguredProvider> = {};
  const problems: Problem[] = [];
  for (const name of names) {
    const own = files.filter((file) => file.name === name);
    const override = given[name];
    if (
      own.some(({ value }) => !isSection(value)) ||
      (override !== undefined && override !== null && !isSection(override))
    )
      continue;
    const layer: Layer = { ...overrides, value: override ?? {}, root: [...overrides.root, name] };
    const meant = didYouMean(name, shipped);
    if (own.length === 0 && meant !== undefined && isSection(override) && override.environments === undefined) {
      problems.push(problemAt([layer], { path: [], message: 'is no provider', fix: `did you mean ${meant}?` }));
      continue;
    }
    const resolved = resolveOne(name, [...own, layer], keepDefault);
    if ('problems' in resolved) problems.push(...resolved.problems);
    else providers[name] = resolved.provider;
  }
  return { providers, names, problems };
}

function resolveOne(
  name: string,
  layers: readonly Layer[],
  keepDefault: Keep,
): { provider: ConfiguredProvider } | { problems: Problem[] } {
  const merged = layers.reduce<unknown>((earlier, { value }) => merge(earlier, value), { name, title: name });
  const parsed = configuredProvider.safeParse(merged);
  if (!parsed.success)
    return { problems: findingsOf(parsed.error, configuredProvider).map((finding) => problemAt(layers, finding)) };
  const resolved = { ...parsed.data, keep: parsed.data.keep ?? keepDefault };
  const findings = providerFindings(resolved, resolved.keep);
  if (resolved.name !== name)
    findings.push({ path: ['name'], message: `must be ${name}, as the file or key is called` });
  return findings.length === 0
    ? { provider: resolved }
    : { problems: findings.map((finding) => problemAt(layers, finding)) };
}
