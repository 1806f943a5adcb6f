/**
 * Two members of a connection's document must never be the same one, nor one lie inside another: writing the access token
 * back would otherwise overwrite the refresh token.
 */
import type { Finding } from './problem.ts';
import type { ParsedConfig } from './schema.ts';

/** Field names that collide. Case, `_` and `-` do not count, as they do not when a member is looked up. */
export function fieldFindings(fields: ParsedConfig['fields']): Finding[] {
  const seen: { key: string; name: string }[] = [];
  const findings: Finding[] = [];
  for (const [key, written] of Object.entries(fields)) {
    const name = `${written.toLowerCase().replaceAll(/[-_]/g, '')}.`;
    const other = seen.find((earlier) => earlier.name.startsWith(name) || name.startsWith(earlier.name));
    if (other !== undefined)
      findings.push({ path: ['fields', key], message: `is the same member as fields.${other.key}, or lies inside it` });
    seen.push({ key, name });
  }
  return findings;
}
