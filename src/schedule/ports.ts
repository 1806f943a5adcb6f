/** What inventory and sweep need of the room that speaks Redis. */
import type { ClientAtHost } from '../connection/entry.ts';

/** Why a refresh was asked for. `due` comes from the sweep, `probe` and `canary` test a client, `manual` is a person. */
export const refreshReasons = ['due', 'probe', 'canary', 'manual'] as const;
export type RefreshReason = (typeof refreshReasons)[number];

export interface RefreshJob {
  readonly connection: string;
  readonly reason: RefreshReason;
}

export interface ReadyGroup {
  readonly at: ClientAtHost;
  readonly ready: number;
}

/**
 * Due and ready sets. A connection is in the due set of its client at a host, scored by nextAt; the sweep moves what is
 * due into that client's ready set, scored by deadline (unknown deadlines first).
 */
export interface DueIndex {
  /** Moves at most `limit` connections with nextAt <= now into ready sets; returns how many. Cheap when there is none. */
  promote(now: number, limit: number): Promise<number>;
  /** Clients at hosts that have ready connections. */
  ready(): Promise<readonly ReadyGroup[]>;
  /**
   * Takes up to `count` ready connections, nearest deadline first. Each goes back to the due set at `lookAgainAt`, so that
   * a job that is lost costs delay and never the connection. With `before`, only those whose known deadline is sooner.
   */
  take(at: ClientAtHost, count: number, lookAgainAt: number, before?: number): Promise<readonly string[]>;
  /** The connections of a client at a host that fall due next, soonest first. */
  upcoming(at: ClientAtHost, count: number): Promise<readonly string[]>;
  /** Due and ready now, for status and metrics. */
  backlog(now: number): Promise<{ readonly due: number; readonly ready: number }>;
}

/** What `jobs/refresh.ts` says of its job, for the room that puts it into queues and takes it out. */
export interface JobDefinition {
  readonly name: string;
  /** Starts in all; a rotation never throws, so a second one is for faults of our own. */
  readonly attempts: number;
  readonly retryMs: number;
  /** The payload; undefined where it is none. */
  read(payload: unknown): RefreshJob | undefined;
}

export interface RefreshQueues {
  /** Jobs waiting or active in a provider's queue. */
  backlog(provider: string): Promise<number>;
  /** Adds jobs in the order given; one already queued for the connection is left as it is. */
  add(provider: string, jobs: readonly RefreshJob[]): Promise<void>;
}
