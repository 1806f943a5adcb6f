/**
 * Many connections of one provider refused at once: an administrator, the provider, or a mistake. Nobody is flagged before
 * a person has looked, and on-call hears once. Pure rules; operations reference: more than max(20, 5 %) within 15 minutes.
 */
import type { IndexEntry, Reason } from '../connection/entry.ts';

export interface MassState {
  /** Refusals from this instant on belong to it (epoch ms). */
  readonly since: number;
  /** A person says that they are real: from then on connections are flagged. */
  readonly confirmedAt?: number;
}

export interface Refusals {
  /** Within the last window. */
  readonly recent: number;
  /** Since the mass began, or 0 where there is none. */
  readonly sinceStart: number;
}

export const massWindowMs = 15 * 60_000;
const massMin = 20;
const massShare = 0.05;

const refused: readonly Reason[] = ['invalid_grant', 'lost_rotation'];

/** One of those a mass stands for: refused since it began, and not long after a person said that it is real. */
export function belongsTo({ since, confirmedAt }: MassState, entry: IndexEntry): boolean {
  if (!refused.includes(entry.reason) || entry.since < since) return false;
  return confirmedAt === undefined || entry.since <= confirmedAt + massWindowMs;
}

/** Adds a connection to the count. */
export function refusalsOf(so: Refusals, entry: IndexEntry, now: number, state: MassState | undefined): Refusals {
  const counts = (entry.state === 'suspect' || entry.state === 'reauth_required') && refused.includes(entry.reason);
  if (!counts) return so;
  return {
    recent: so.recent + (entry.since > now - massWindowMs ? 1 : 0),
    sinceStart: so.sinceStart + (state !== undefined && entry.since >= state.since ? 1 : 0),
  };
}

/** What holds from now on; undefined where there is no mass of refusals. It ends when half of what began it is left. */
export function massOf(
  before: MassState | undefined,
  { recent, sinceStart }: Refusals,
  of: number,
  now: number,
): MassState | undefined {
  const limit = Math.max(massMin, of * massShare);
  if (before !== undefined) return sinceStart > limit / 2 ? before : undefined;
  return recent > limit ? { since: now - massWindowMs } : undefined;
}
