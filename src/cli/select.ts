/** Chooses connections from the index in one pass, keeping only as many as are shown: memory stays flat at any number. */
import type { IndexEntry } from '../connection/entry.ts';
import type { ConnectionIndex } from '../rotation/ports.ts';

export interface Selection {
  readonly entries: readonly IndexEntry[];
  /** How many match, shown or not. */
  readonly matching: number;
}

export interface SelectOptions {
  readonly matches: (entry: IndexEntry) => boolean;
  readonly order: (a: IndexEntry, b: IndexEntry) => number;
  /** 0: all. */
  readonly limit: number;
  /** Told after each page how many entries were looked at. */
  readonly onProgress?: (seen: number) => void;
}

export async function select(index: Pick<ConnectionIndex, 'scan'>, options: SelectOptions): Promise<Selection> {
  const { matches, order } = options;
  const limit = options.limit === 0 ? Number.POSITIVE_INFINITY : options.limit;
  let kept: IndexEntry[] = [];
  let matching = 0;
  let seen = 0;
  for await (const entries of index.scan()) {
    seen += entries.length;
    const found = entries.filter(matches);
    matching += found.length;
    kept.push(...found);
    if (kept.length > 2 * limit + 1_000) kept = kept.sort(order).slice(0, limit);
    options.onProgress?.(seen);
  }
  return { entries: kept.sort(order).slice(0, limit), matching };
}

/** Nearest deadline first, then unknown deadlines, then what is proven dead; by id where equal. */
export function byDeadline(a: IndexEntry, b: IndexEntry): number {
  return compare(deadlineRank(a), deadlineRank(b)) || compare(a.id, b.id);
}

/** What runs next first; by deadline where equal. */
export function byNext(a: IndexEntry, b: IndexEntry): number {
  return compare(a.nextAt ?? Number.MAX_VALUE, b.nextAt ?? Number.MAX_VALUE) || byDeadline(a, b);
}

function deadlineRank({ state, deadlineAt }: IndexEntry): number {
  if (state === 'reauth_required') return Number.POSITIVE_INFINITY;
  return deadlineAt ?? Number.MAX_VALUE;
}

function compare<T extends string | number>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
