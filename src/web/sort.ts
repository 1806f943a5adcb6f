/** The orders in which connections can be listed. The nearest deadline decides between equals, whatever the order is. */
import { type ConnectionState, connectionStates, type IndexEntry } from '../connection/entry.ts';
import { describeState, type Tone } from '../connection/words.ts';
import type { Status } from './ports.ts';
import { hrefOf, type PageQuery, type QueryChange } from './query.ts';

export const connectionSorts = ['deadline', 'state', 'provider'] as const;
export type ConnectionSort = (typeof connectionSorts)[number];

export interface Order {
  /** Absent: by deadline. */
  readonly sort?: ConnectionSort;
}

export type SortedQuery = PageQuery & Order;

/** A status whose reader can sort says by what it did; of one that cannot no order is offered. */
export interface SortedStatus extends Status {
  readonly sortedBy?: ConnectionSort;
}

export const sortWords: Readonly<Record<ConnectionSort, { readonly link: string; readonly caption: string }>> = {
  deadline: { link: 'deadline', caption: 'By nearest deadline' },
  state: { link: 'state', caption: 'By state, worst first' },
  provider: { link: 'provider', caption: 'By provider' },
};

/** The order asked for; what is not understood is left out. */
export function readSort(query: URLSearchParams): Order {
  const sort = connectionSorts.find((name) => name === query.get('sort'));
  return sort === undefined || sort === 'deadline' ? {} : { sort };
}

/** The address of a status page in its order. Another order starts at the first page again. */
export function sortedHref(query: SortedQuery, change: QueryChange & Order = {}): string {
  const { sort = query.sort, ...rest } = change;
  const href = hrefOf(query, change.sort === undefined ? rest : { page: 1, ...rest });
  if (sort === undefined || sort === 'deadline') return href;
  return `${href}${href.includes('?') ? '&' : '?'}sort=${sort}`;
}

const toneRank: Readonly<Record<Tone, number>> = { bad: 0, warn: 1, info: 2, good: 3 };
const stateRank = new Map<ConnectionState, number>(
  connectionStates.map((state, i) => [state, toneRank[describeState(state).tone] * connectionStates.length + i]),
);

/** Compares by state or provider alone: 0 between equals, and always where the deadline decides. */
export function compareBySort(sort: ConnectionSort | undefined, a: IndexEntry, b: IndexEntry): number {
  if (sort === 'state') return (stateRank.get(a.state) ?? 0) - (stateRank.get(b.state) ?? 0);
  if (sort !== 'provider' || a.at.provider === b.at.provider) return 0;
  return a.at.provider < b.at.provider ? -1 : 1;
}
