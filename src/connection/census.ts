/**
 * A count of all connections, made page by page in one pass over the index: per provider and state, nearest deadline, and
 * how many deadlines lie within each window. Pure and flat in memory; feeds metrics, the status page and `status`.
 */
import { type ConnectionState, connectionStates, type IndexEntry } from './entry.ts';
import type { Alarms } from './urgency.ts';

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

/** Whether a refresh moves a connection's end, or only its customer's consent does. */
export const deadlineEnds = ['refreshable', 'final'] as const;
export type DeadlineEnd = (typeof deadlineEnds)[number];

/** The first instants at which a connection becomes urgent (epoch ms); past ones say since when it is. */
type FirstAlarms = { readonly [K in keyof Alarms]: number | null };

export interface ProviderCensus {
  readonly states: Readonly<Record<ConnectionState, number>>;
  /** The nearest deadline of a connection that is not proven dead (epoch ms). */
  readonly earliestDeadlineAt: number | null;
  /** Connections not proven dead whose deadline lies within the window. */
  readonly within: Readonly<Record<DeadlineWindow, number>>;
  /** Empty where the census was not told when an entry becomes urgent. */
  readonly alarms: Readonly<Record<DeadlineEnd, FirstAlarms>>;
}

export interface NearDeadline {
  readonly id: string;
  readonly provider: string;
  readonly deadlineAt: number;
}

export interface Census {
  /** The instant the windows count from (epoch ms). */
  readonly takenAt: number;
  readonly total: number;
  readonly providers: ReadonlyMap<string, ProviderCensus>;
  /** Those not proven dead that die first, as many as were asked for; soonest first. */
  readonly nearest: readonly NearDeadline[];
}

export interface CensusOptions {
  /** When an entry becomes urgent; undefined where nothing is known. */
  readonly alarmsOf?: (entry: IndexEntry) => Alarms | undefined;
  /** How many of the nearest deadlines to name. Default 0. */
  readonly nearest?: number;
}

export interface CensusTaker {
  add(entries: readonly IndexEntry[]): void;
  result(): Census;
}

/** Starts a census as of `now`. */
export function takeCensus(now: number, { alarmsOf, nearest: nearestMax = 0 }: CensusOptions = {}): CensusTaker {
  const providers = new Map<string, ReturnType<typeof emptyTally>>();
  const nearest: NearDeadline[] = [];
  let total = 0;
  return {
    add(entries) {
      for (const entry of entries) {
        const tally = providers.get(entry.at.provider) ?? emptyTally();
        providers.set(entry.at.provider, tally);
        total += 1;
        count(tally, entry, now);
        countAlarms(tally, entry, alarmsOf?.(entry));
        if (nearestMax > 0) keepNearest(nearest, entry, nearestMax);
      }
    },
    result: () => ({ takenAt: now, total, providers, nearest }),
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

/**
 * A warning is for what was tried and failed: what is active will be refreshed in time, and what waits for its client or
 * the store is that cause's. So near its end that on-call is paged, it counts whatever its state: nothing may have run.
 */
function countAlarms(tally: ReturnType<typeof emptyTally>, entry: IndexEntry, alarms: Alarms | undefined): void {
  if (alarms === undefined || entry.state === 'reauth_required') return;
  const end = entry.state === 'unkeepable' || entry.clock === 'absolute' ? 'final' : 'refreshable';
  const first = tally.alarms[end];
  const warns = end === 'final' || entry.state === 'retrying';
  if (warns && (first.warnAt === null || alarms.warnAt < first.warnAt)) first.warnAt = alarms.warnAt;
  if (first.pageAt === null || alarms.pageAt < first.pageAt) first.pageAt = alarms.pageAt;
}

/** Inserts where it belongs, and lets go of what is too much. */
function keepNearest(nearest: NearDeadline[], { id, at, state, deadlineAt }: IndexEntry, max: number): void {
  if (deadlineAt === null || state === 'reauth_required') return;
  if (nearest.length === max && deadlineAt >= (nearest.at(-1)?.deadlineAt ?? 0)) return;
  const place = nearest.findIndex((one) => deadlineAt < one.deadlineAt);
  nearest.splice(place === -1 ? nearest.length : place, 0, { id, provider: at.provider, deadlineAt });
  if (nearest.length > max) nearest.pop();
}

function emptyTally() {
  return {
    states: Object.fromEntries(connectionStates.map((state) => [state, 0])) as Record<ConnectionState, number>,
    earliestDeadlineAt: null as number | null,
    within: Object.fromEntries(windowNames.map((name) => [name, 0])) as Record<DeadlineWindow, number>,
    alarms: { refreshable: noAlarms(), final: noAlarms() },
  };
}

function noAlarms(): { warnAt: number | null; pageAt: number | null } {
  return { warnAt: null, pageAt: null };
}
