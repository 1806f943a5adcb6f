/**
 * After the memory of incidents was lost: what many share and is not true any more may still stand open at a receiver.
 * Its end is told once, to those that deduplicate by key and so show nothing where nothing stood. Pure.
 */
import { type Condition, clientIncidentKey, sharedKey } from './condition.ts';
import type { Facts } from './gather.ts';
import type { Incident } from './incident.ts';
import type { IncidentKind } from './kinds.ts';

export interface RecallFacts {
  readonly install: string;
  readonly facts: Pick<Facts, 'clients' | 'lamps'>;
  readonly providers: readonly string[];
  readonly channels: readonly string[];
  /** When this memory began, and how long it takes until everything that is true has been seen again. */
  readonly bornAt: number;
  readonly settleMs: number;
  readonly now: number;
}

const perProvider = ['mass_revocation', 'provider_down'] as const;
const ofAll = ['store_denied', 'store_throttled', 'store_down', 'spool_not_empty'] as const;
const byName = ['client_rejected', 'scheduler_stale', 'channel_failing'] as const;
const recalledKinds = [...perProvider, ...ofAll, ...byName] as const;
type RecalledKind = (typeof recalledKinds)[number];

/** Whether the end of such an incident is told after a loss. A digest's is not: its keys would be new ones each day. */
export function isEndRecalled(kind: IncidentKind): boolean {
  return (recalledKinds as readonly IncidentKind[]).includes(kind);
}

/** Ends of everything shared that is proven not to be true now. */
export function sharedEnds(given: RecallFacts, conditions: readonly Condition[]): readonly Incident[] {
  const { install, facts, providers, channels, bornAt, settleMs, now } = given;
  const isTrue = new Set(conditions.map(({ key }) => key));
  const ends: Incident[] = [];
  const end = (key: string, kind: RecalledKind, about: Incident['about']) => {
    if (isTrue.has(key)) return;
    const when = { since: now, openedAt: bornAt, toldAt: now, endedAt: now };
    ends.push({ key, kind, severity: 'page', about, ...when, sequence: 1, event: 'resolved', recalled: true });
  };
  // A success since is proof, however young the memory; silence is none.
  for (const { at, health } of facts.clients) {
    if (health.breaker !== 'closed' || health.lastSuccessAt === null) continue;
    end(clientIncidentKey(install, at), 'client_rejected', { provider: at.provider, client: at.client });
  }
  if (now - bornAt < settleMs) return ends;
  for (const provider of providers)
    for (const kind of perProvider) end(sharedKey(install, kind, provider), kind, { provider });
  for (const kind of ofAll) end(sharedKey(install, kind), kind, {});
  for (const { name } of facts.lamps) end(sharedKey(install, 'scheduler_stale', name), 'scheduler_stale', {});
  for (const channel of channels) end(sharedKey(install, 'channel_failing', channel), 'channel_failing', { channel });
  return ends;
}
