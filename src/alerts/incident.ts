/** A condition that on-call has been or is being told of, and how it changes from look to look. Pure. */
import type { Condition } from './condition.ts';
import type { NoticeEvent } from './notice.ts';

export interface Incident extends Condition {
  readonly openedAt: number;
  /** Counts what is worth telling: each channel is behind, or has it. */
  readonly sequence: number;
  /** That of its opening; 1 where absent. What is below is of a time when it was true before, its end the last of it. */
  readonly firstSequence?: number;
  readonly event: NoticeEvent;
  /** When there was last something to tell. */
  readonly toldAt: number;
  /** How many it hit when it was told last. */
  readonly toldHits?: number;
  /** The condition is not true any more since then; told when it stays so. */
  readonly clearSince?: number;
  readonly endedAt?: number;
  /** Its opening was not seen by this memory: the end is told even to channels that have not been told of its beginning. */
  readonly recalled?: boolean;
  /** Every channel has its end, and what followed from that is done. */
  readonly closed?: boolean;
  /** Owner and snooze could not be read: asked again at the next look. */
  readonly factsMissing?: boolean;
  readonly owner?: string;
  readonly snoozedUntil?: number;
  readonly snoozeReason?: string;
}

export interface IncidentPolicy {
  /** A condition that is gone for less long than this was not gone. */
  readonly flapGuardMs: number;
  /** An open incident is told again after this long. */
  readonly remindMs: number;
}

/** What a person ordered since the last look. */
export interface Orders {
  /** Keys to be closed now; one whose condition is still true opens again after the guard. */
  readonly resolve: ReadonlySet<string>;
  readonly snooze: ReadonlyMap<string, { readonly until: number; readonly reason: string }>;
}

/**
 * The incidents as they are from now on: every known one and every new one. One that did not change is the same object.
 * An ended one stays until its end was delivered; the caller removes it then.
 */
export function reconcile(
  known: ReadonlyMap<string, Incident>,
  conditions: readonly Condition[],
  orders: Orders,
  now: number,
  policy: IncidentPolicy,
): readonly Incident[] {
  const next: Incident[] = [];
  const seen = new Set<string>();
  for (const condition of conditions) {
    if (seen.has(condition.key)) continue;
    seen.add(condition.key);
    const before = known.get(condition.key);
    if (before === undefined || (before.endedAt !== undefined && now - before.endedAt >= policy.flapGuardMs))
      next.push(snoozedBy(opened(condition, now, before), orders));
    else if (before.endedAt !== undefined) next.push(before);
    else next.push(ordered(goesOn(before, condition, now, policy), orders, now));
  }
  for (const before of known.values()) {
    if (seen.has(before.key)) continue;
    next.push(before.endedAt === undefined ? ordered(cleared(before, now, policy), orders, now) : before);
  }
  return next;
}

/** One that was over and is true again counts on: a channel is behind, whatever it has of the time before. */
function opened(condition: Condition, now: number, before: Incident | undefined): Incident {
  const sequence = (before?.sequence ?? 0) + 1;
  const again = before === undefined ? {} : { firstSequence: sequence };
  return { ...condition, openedAt: now, sequence, ...again, event: 'opened', toldAt: now, ...toldHitsOf(condition) };
}

/** Against what was told, not against the last look: what grows step by step doubles too. */
function toldHitsOf({ hits }: Condition): { readonly toldHits?: number } {
  return hits === undefined ? {} : { toldHits: hits.count };
}

function goesOn(before: Incident, condition: Condition, now: number, { remindMs }: IncidentPolicy): Incident {
  const { clearSince: _, ...rest } = before;
  const same = { ...rest, ...condition, since: Math.min(before.since, condition.since) };
  const told = { sequence: before.sequence + 1, toldAt: now, ...toldHitsOf(condition) };
  if (isWorthTelling(before, condition)) return { ...same, ...told, event: 'updated' };
  const isSnoozed = before.snoozedUntil !== undefined && before.snoozedUntil > now;
  // A warning is told again by the daily digest; a page by itself.
  if (!isSnoozed && condition.severity === 'page' && now - before.toldAt >= remindMs)
    return { ...same, ...told, event: 'reminder' };
  return same;
}

/** Worse, another cause, or hitting twice as many: what a person who has read the first message would want to know. */
function isWorthTelling(before: Incident, condition: Condition): boolean {
  if (before.kind !== condition.kind) return true;
  if (before.severity !== condition.severity && condition.severity === 'page') return true;
  const [was, is] = [before.toldHits ?? before.hits?.count ?? 0, condition.hits?.count ?? 0];
  return is >= 10 && is >= 2 * was;
}

function cleared(before: Incident, now: number, { flapGuardMs }: IncidentPolicy): Incident {
  const clearSince = before.clearSince ?? now;
  if (endsAtOnce(before) || now - clearSince >= flapGuardMs) return ended(before, now);
  return { ...before, clearSince };
}

/** A new grant in the store cannot flap, nor the clock. */
function endsAtOnce({ kind }: Incident): boolean {
  return (
    kind === 'reauth_required' || kind === 'cannot_be_kept' || kind === 'absolute_limit_near' || kind === 'daily_digest'
  );
}

export function ended(before: Incident, now: number): Incident {
  const { clearSince: _, ...rest } = before;
  return { ...rest, sequence: before.sequence + 1, event: 'resolved', toldAt: now, endedAt: now };
}

function ordered(incident: Incident, orders: Orders, now: number): Incident {
  if (incident.endedAt !== undefined) return incident;
  if (orders.resolve.has(incident.key)) return ended(incident, now);
  return snoozedBy(incident, orders);
}

function snoozedBy(incident: Incident, { snooze }: Orders): Incident {
  const order = snooze.get(incident.key);
  return order === undefined ? incident : { ...incident, snoozedUntil: order.until, snoozeReason: order.reason };
}
