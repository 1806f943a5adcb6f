/**
 * A group is a client at a host: what one due set, one ready set and one breaker belong to. Redis gives each a small
 * number. The number means something only together with the data beside it (a flush starts the count again), so it never
 * leaves this folder and is never remembered between two calls.
 */
import type { ClientAtHost } from '../connection/entry.ts';

/** The group's name in Redis: the four parts as a JSON array, which no part can break. */
export function groupName(at: ClientAtHost): string {
  return JSON.stringify([at.provider, at.environment, at.client, at.host]);
}

/** Undefined when the text is not a group's name. */
export function parseGroupName(name: string): ClientAtHost | undefined {
  let parts: unknown;
  try {
    parts = JSON.parse(name);
  } catch {
    return undefined;
  }
  if (!Array.isArray(parts) || parts.length !== 4 || !parts.every((part) => typeof part === 'string')) return undefined;
  const [provider, environment, client, host] = parts as [string, string, string, string];
  return { provider, environment, client, host };
}
