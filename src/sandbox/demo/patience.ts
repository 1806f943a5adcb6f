/**
 * When the calendar has to wait for the service. Leases, request limits and a machine's speed are real time and do not run
 * faster with it: where the service has fallen behind by more than a day of the calendar, that day says nothing about it.
 */
import type { IndexEntry } from '../../connection/entry.ts';
import { dayMs } from './calendar.ts';

export interface Waiting {
  readonly now: number;
  readonly entries: Iterable<IndexEntry>;
  /** Since when a connection has been turned away as busy (no lease yet), by connection. */
  readonly busySince: ReadonlyMap<string, number>;
  /** When the service last went through the store. */
  readonly inventoryAt: number;
  /** Clients that are blocked by design: theirs wait for the calendar itself. */
  readonly blockedClient: string;
}

/** A sweep a day, and some hours for what it brings. */
const behindMs = 1.25 * dayMs;

export function isBehind({ now, entries, busySince, inventoryAt, blockedClient }: Waiting): boolean {
  const late = (at: number) => now - at > behindMs;
  if (late(inventoryAt)) return true;
  for (const at of busySince.values()) if (late(at)) return true;
  for (const { state, nextAt, at } of entries) {
    const waits = (state === 'active' || state === 'retrying') && at.client !== blockedClient;
    if (waits && nextAt !== null && late(nextAt)) return true;
  }
  return false;
}
