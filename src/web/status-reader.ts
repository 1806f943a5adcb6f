/**
 * Reads the status out of the index: one pass that counts everything and keeps only the rows a page can show, so that
 * memory stays flat at any number of connections. A pass is shared by everyone who asks the same within a few seconds.
 */
import { takeCensus } from '../connection/census.ts';
import type { IndexEntry } from '../connection/entry.ts';
import type { Urgency } from '../connection/urgency.ts';
import type { ConnectionIndex } from '../rotation/ports.ts';
import type { Clock } from '../runtime/clock.ts';
import { type Overview, pageDepthMax, pageSizeMax, type StatusQuery, type StatusReader } from './ports.ts';
import { type ConnectionSort, compareBySort, type Order, type SortedStatus } from './sort.ts';

export interface StatusReaderOptions {
  readonly index: Pick<ConnectionIndex, 'scan'>;
  readonly clock: Pick<Clock, 'now' | 'monotonic'>;
  /** Everything of the overview that is not counted in the pass. */
  readonly facts: () => Promise<Omit<Overview, 'now' | 'census'>>;
  readonly urgencyOf: (entry: IndexEntry, now: number) => Urgency;
  /** How long a pass may be shown again, ms of monotonic time. Default 3 s. */
  readonly cacheMs?: number;
}

/** Different filters kept at once; each holds the rows of one page. */
const passesMax = 4;
const cacheMsDefault = 3_000;

export function createStatusReader(options: StatusReaderOptions): StatusReader {
  const { clock, cacheMs = cacheMsDefault } = options;
  const passes = new Map<string, { status: Promise<SortedStatus>; endedAt: number | null }>();
  return {
    read(query: StatusQuery & Order) {
      const key = JSON.stringify([
        query.provider,
        query.state,
        query.text?.toLowerCase(),
        query.page,
        query.size,
        query.sort,
      ]);
      const kept = passes.get(key);
      // A pass under way is joined however long it takes: a second one would only slow the first.
      if (kept !== undefined && (kept.endedAt === null || clock.monotonic() - kept.endedAt < cacheMs))
        return kept.status;
      const fresh = { status: pass(options, query), endedAt: null as number | null };
      passes.delete(key);
      passes.set(key, fresh);
      fresh.status.then(
        () => {
          fresh.endedAt = clock.monotonic();
        },
        // A failure is not kept: the next who asks tries again.
        () => passes.get(key) === fresh && passes.delete(key),
      );
      for (const oldest of [...passes.keys()].slice(0, Math.max(0, passes.size - passesMax))) passes.delete(oldest);
      return fresh.status;
    },
  };
}

async function pass(
  { index, clock, facts, urgencyOf }: StatusReaderOptions,
  query: StatusQuery & Order,
): Promise<SortedStatus> {
  const now = clock.now();
  const size = Math.min(Math.max(1, query.size), pageSizeMax);
  const end = Math.min(query.page * size, pageDepthMax);
  const census = takeCensus(now);
  const first = keepFirst(end, query.sort);
  let matching = 0;
  for await (const entries of index.scan()) {
    census.add(entries);
    for (const entry of entries) {
      if (!matches(entry, query)) continue;
      matching += 1;
      first.add(entry);
    }
  }
  const rows = first.result().slice((query.page - 1) * size);
  return {
    overview: { ...(await facts()), now, census: census.result() },
    rows: rows.map((entry) => ({ entry, urgency: urgencyOf(entry, now) })),
    matching,
    sortedBy: query.sort ?? 'deadline',
  };
}

function matches({ id, at, state }: IndexEntry, query: StatusQuery): boolean {
  if (query.provider !== undefined && at.provider !== query.provider) return false;
  if (query.state !== undefined && state !== query.state) return false;
  if (query.text === undefined) return true;
  const text = query.text.toLowerCase();
  return id.toLowerCase().includes(text) || at.client.toLowerCase().includes(text);
}

/**
 * Nearest deadline first, then unknown deadlines, then what is proven dead and can only wait for its customer; by id where
 * equal, so that pages neither repeat nor skip a row.
 */
export function byDeadline(a: IndexEntry, b: IndexEntry): number {
  const rankA = rank(a);
  const rankB = rank(b);
  if (rankA !== rankB) return rankA < rankB ? -1 : 1;
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

function rank({ state, deadlineAt }: IndexEntry): number {
  if (state === 'reauth_required') return Number.POSITIVE_INFINITY;
  return deadlineAt ?? Number.MAX_VALUE;
}

/** Keeps the first `count` of many in the order asked for: collects up to twice as many, then sorts and drops the far half. */
function keepFirst(count: number, sort: ConnectionSort | undefined) {
  let kept: IndexEntry[] = [];
  const shrink = () => {
    kept = kept.sort((a, b) => compareBySort(sort, a, b) || byDeadline(a, b)).slice(0, count);
  };
  return {
    add(entry: IndexEntry) {
      kept.push(entry);
      if (kept.length >= count * 2 + 1_000) shrink();
    },
    result() {
      shrink();
      return kept;
    },
  };
}
