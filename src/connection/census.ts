/**
 * A count of all connections, made page by page in one pass over the index: per provider and state, nearest deadline, and
 * how many deadlines lie within each window. Pure and flat in memory; feeds metrics, the status page and `status`.
 */
import { type ConnectionState, connectionStates, type IndexEntry } from './entry.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** The windows deadlines are counted in, nearest first. Each includes the ones before it and what is already over. */
export const deadlineWindows = {
  '1h': hourMs,
  '1d': dayMs,
  '3d': 3 * dayMs,
  '7d': 7 * dayMs,
  '14d': 14 * dayMs,
  '30d': 30 * dayMs,
} as const;
export type DeadlineWindow = keyof typeof deadlineWindows;

const windowNames = Object.keys(deadlineWindows) as DeadlineWindow[];

export interface ProviderCensus {
  readonly states: Readonly<Record<ConnectionState, number>>;
  /** The nearest deadline of a connection that is not proven dead (epoch ms). */
  readonly earliestDeadlineAt: number | null;
  /** Connections not proven dead whose deadline lies within the window. */
  readonly within: Readonly<Record<DeadlineWindow, number>>;
}

export interface Census {
  /** The instant the windows count from (epoch ms). */
  readonly takenAt: number;
  readonly total: number;
  readonly providers: ReadonlyMap<string, ProviderCensus>;
}

export interface CensusTaker {
  add(entries: readonly IndexEntry[]): void;
  result(): Census;
}

/** Starts a census as of `now`. */
export function takeCensus(now: number): CensusTaker {
  const providers = new Map<string, ReturnType<typeof emptyTally>>();
  let total = 0;
  return {
    add(entries) {
      for (const entry of entries) {
        const tally = providers.get(entry.at.provider) ?? emptyTally();
        providers.set(entry.at.provider, tally);
        total += 1;
        count(tally, entry, now);
      }
    },
    result: () => ({ takenAt: now, total, providers }),
  };
}

/** Connections per state over all providers. */
export function totalStates(census: Census): Record<ConnectionState, number> {
  const sum = emptyTally().states;
  for (const { states } of census.providers.values()) for (const state of connectionStates) sum[state] += states[state];
  return sum;
}

function count(tally: ReturnType<typeof emptyTally>, entry: IndexEntry, now: number): void {
  tally.states[entry.state] += 1;
  const { deadlineAt } = entry;
  // What is proven dead has no deadline any more; counting it would pin the earliest one in the past for good.
  if (deadlineAt === null || entry.state === 'reauth_required') return;
  if (tally.earliestDeadlineAt === null || deadlineAt < tally.earliestDeadlineAt) tally.earliestDeadlineAt = deadlineAt;
  for (const name of windowNames) if (deadlineAt <= now + deadlineWindows[name]) tally.within[name] += 1;
}

function emptyTally() {
  return {
    states: Object.fromEntries(connectionStates.map((state) => [state, 0])) as Record<ConnectionState, number>,
    earliestDeadlineAt: null as number | null,
    within: Object.fromEntries(windowNames.map((name) => [name, 0])) as Record<DeadlineWindow, number>,
  };
}
