/**
 * Writes a loaded configuration as YAML that loads again to the same: what `config print` shows. A Config holds no secret
 * by construction; values of headers that look like credentials are left out all the same.
 */
import { stringify } from 'yaml';
import { z } from 'zod';
import type { Config } from './derive.ts';
import { formatDuration } from './duration.ts';
import { configuredProvider } from './resolve-providers.ts';
import { configSchema } from './schema.ts';
import { bare, step } from './schema-walk.ts';

const printed = configSchema.extend({ providers: z.record(z.string(), configuredProvider) });

export function renderConfig(config: Config): string {
  const { providers, ...rest } = config;
  const order = Object.keys(configSchema.shape);
  const sections = Object.entries(rest).sort(([a], [b]) => order.indexOf(a) - order.indexOf(b));
  return stringify(written({ ...Object.fromEntries(sections), providers }, printed, []), { lineWidth: 0 });
}

/** A value as it is written in a file: durations with their units, a tag as key=value. */
function written(value: unknown, schema: z.core.$ZodType | undefined, path: readonly string[]): unknown {
  const inner = schema === undefined ? undefined : bare(schema);
  if (typeof value === 'number' && inner instanceof z.ZodString) return formatDuration(value);
  if (typeof value === 'string' && mayBeCredential(path)) return '[redacted]';
  const below = (key: string) => (schema === undefined ? undefined : step(schema, key));
  if (Array.isArray(value))
    return value.map((item, index) => written(item, below(String(index)), [...path, String(index)]));
  if (typeof value !== 'object' || value === null) return value;
  if (inner instanceof z.ZodString && 'key' in value && 'value' in value) return `${value.key}=${value.value}`;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, written(item, below(key), [...path, key])]),
  );
}

/** A gateway's key in a provider's header or parameter is not ours to print. */
function mayBeCredential(path: readonly string[]): boolean {
  return /^providers\.[^.]+\.\w+\.(?:headers|parameters)\.(?=.*(?:key|secret|passw|auth|credential|signature))/i.test(
    path.join('.'),
  );
}
