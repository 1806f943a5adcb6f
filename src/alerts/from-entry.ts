/** What one connection's index entry says on-call should hear. Pure. */
import { type IndexEntry, isInDoubt } from '../connection/entry.ts';
import type { Urgency } from '../connection/urgency.ts';
import { type Condition, type ConnectionKind, connectionKey } from './condition.ts';
import type { Severity } from './kinds.ts';

export interface EntryRules {
  /** Name of the installation. */
  readonly install: string;
  readonly urgencyOf: (entry: IndexEntry, now: number) => Urgency;
}

/** What is due waits its turn for minutes at most. */
const overdueMs = 3_600_000;

/**
 * At most one condition. A connection that waits for its client, the store or the provider is part of that cause's
 * incident; it has one of its own only when its deadline comes near.
 */
export function conditionOf(entry: IndexEntry, now: number, { install, urgencyOf }: EntryRules): Condition | undefined {
  const urgency = urgencyOf(entry, now);
  const told = toldOf(entry, urgency, now);
  if (told === undefined) return undefined;
  const [kind, severity] = told;
  return {
    key: connectionKey(install, entry.id, kind),
    kind,
    severity,
    about: {
      connection: entry.id,
      ...(entry.at.provider === '' ? {} : { provider: entry.at.provider }),
      ...(entry.at.environment === '' ? {} : { environment: entry.at.environment }),
      ...(entry.at.client === '' ? {} : { client: entry.at.client }),
    },
    since: entry.since,
    reason: entry.reason,
    ...(entry.deadlineAt === null ? {} : { deadlineAt: entry.deadlineAt }),
    ...(entry.clock === null ? {} : { clock: entry.clock }),
    ...(entry.estimated ? { estimated: true } : {}),
    ...(entry.extendedAt === null ? {} : { extendedAt: entry.extendedAt }),
    ...(entry.failures === 0 ? {} : { failures: entry.failures }),
  };
}

function toldOf(entry: IndexEntry, urgency: Urgency, now: number): readonly [ConnectionKind, Severity] | undefined {
  const isNear = urgency === 'page' || urgency === 'over';
  switch (entry.state) {
    case 'reauth_required':
      return ['reauth_required', 'page'];
    case 'unkeepable':
      // Told on the first day: only a consent with another scope helps, and that takes time.
      return [urgency === 'none' ? 'cannot_be_kept' : 'absolute_limit_near', isNear ? 'page' : 'warn'];
    case 'quarantined':
      return ['quarantined', 'page'];
    case 'invalid':
      return ['secret_invalid', 'warn'];
    case 'suspect':
      // Told on the first day: nothing but a person's act moves it, and that takes time.
      if (isInDoubt(entry)) return ['token_in_doubt', isNear ? 'page' : 'warn'];
      return isNear ? ['refused_near_deadline', 'page'] : undefined;
    case 'active':
      // Scheduled and due in time: nothing to tell, unless a final limit comes that no refresh moves.
      if (entry.clock === 'absolute' && urgency !== 'none') return ['absolute_limit_near', isNear ? 'page' : 'warn'];
      // Not looked at while its end comes: no worker, or none that gets to it.
      if (isNear && entry.nextAt !== null && now - entry.nextAt >= overdueMs) return ['deadline_near', 'page'];
      return undefined;
    case 'retrying':
    case 'blocked':
    case 'sealed':
      if (urgency === 'none') return undefined;
      if (entry.clock === 'absolute') return ['absolute_limit_near', isNear ? 'page' : 'warn'];
      // A warning while its whole client or store is away is that incident's; a page is worth its own.
      if (!isNear && entry.state !== 'retrying') return undefined;
      return ['deadline_near', isNear ? 'page' : 'warn'];
    default:
      return entry.state satisfies never;
  }
}
