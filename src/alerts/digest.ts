/**
 * The daily digest: what warns and is open, as one message, for whoever starts a day. True for an hour a day, so that it
 * is raised again under the same key where Redis was lost; its end is nobody's news. Pure.
 */
import { type Condition, sharedKey } from './condition.ts';
import type { Incident } from './incident.ts';
import { kindWords } from './kinds.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/** As many are named; the rest is counted. */
const namedMax = 8;

/** Undefined outside its hour, and where nothing warns. `atMs`: after midnight, UTC. */
export function digestOf(
  install: string,
  incidents: readonly Incident[],
  atMs: number,
  now: number,
): Condition | undefined {
  const dayAt = Math.floor((now - atMs) / dayMs) * dayMs + atMs;
  if (now - dayAt >= hourMs) return undefined;
  const warning = incidents.filter(
    ({ severity, kind, endedAt, snoozedUntil = 0 }) =>
      severity === 'warn' && kind !== 'daily_digest' && endedAt === undefined && snoozedUntil <= now,
  );
  if (warning.length === 0) return undefined;
  const named = warning
    .slice(0, namedMax)
    .map(({ kind, about }) =>
      [kindWords(kind).title, about.connection ?? about.provider].filter((word) => word !== undefined).join(': '),
    );
  const rest = warning.length - named.length;
  return {
    key: sharedKey(install, 'daily_digest', new Date(dayAt).toISOString().slice(0, 10)),
    kind: 'daily_digest',
    severity: 'warn',
    about: {},
    since: dayAt,
    detail: `${named.join('; ')}${rest > 0 ? `; and ${rest} more` : ''}`,
    hits: { count: warning.length, of: warning.length },
  };
}
