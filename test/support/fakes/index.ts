/** The connection index and its due sets in memory, as the ports describe them. */
import { type ClientAtHost, clientKey, type IndexEntry } from '../../../src/connection/entry.ts';
import type { ConnectionIndex } from '../../../src/rotation/ports.ts';
import type { DueIndex } from '../../../src/schedule/ports.ts';

export const acme: ClientAtHost = {
  provider: 'acme',
  environment: 'production',
  client: 'main',
  host: 'auth.acme.test',
};

export function entryFor(id: string, change: Partial<IndexEntry> = {}): IndexEntry {
  return {
    id,
    at: acme,
    state: 'active',
    reason: 'none',
    since: 0,
    seen: 'seen',
    fingerprint: `f-${id}`,
    nextAt: null,
    deadlineAt: null,
    clock: null,
    estimated: false,
    extendedAt: null,
    failures: 0,
    ...change,
  };
}

export interface MemoryIndex extends ConnectionIndex, DueIndex {
  readonly entries: ReadonlyMap<string, IndexEntry>;
  /** Calls of `take`, in order. */
  readonly taken: readonly { readonly at: ClientAtHost; readonly count: number; readonly ids: readonly string[] }[];
}

export function memoryIndex(given: readonly IndexEntry[] = []): MemoryIndex {
  const entries = new Map(given.map((entry) => [entry.id, entry]));
  const ready = new Set<string>();
  /** Where a connection stands in the due set. */
  const dueAt = new Map<string, number>();
  const taken: { at: ClientAtHost; count: number; ids: readonly string[] }[] = [];
  const schedule = ({ id, nextAt }: IndexEntry) => {
    ready.delete(id);
    if (nextAt === null) dueAt.delete(id);
    else dueAt.set(id, nextAt);
  };
  for (const entry of given) schedule(entry);
  const readyOf = (at: ClientAtHost) =>
    [...ready]
      .flatMap((id) => entries.get(id) ?? [])
      .filter((entry) => clientKey(entry.at) === clientKey(at))
      .sort((a, b) => (a.deadlineAt ?? 0) - (b.deadlineAt ?? 0));
  return {
    entries,
    taken,
    get: async (id) => entries.get(id),
    getMany: async (ids) => ids.map((id) => entries.get(id)),
    async put(changed) {
      for (const entry of changed) {
        entries.set(entry.id, entry);
        schedule(entry);
      }
    },
    async remove(ids) {
      for (const id of ids) {
        entries.delete(id);
        ready.delete(id);
        dueAt.delete(id);
      }
    },
    async *scan() {
      const all = [...entries.values()];
      for (let start = 0; start < all.length; start += 100) yield all.slice(start, start + 100);
    },
    count: async () => entries.size,
    holderOf: async (fingerprint, id) =>
      [...entries.values()].find((entry) => entry.fingerprint === fingerprint && entry.id !== id)?.id,
    async promote(now, limit) {
      const due = [...dueAt].filter(([, at]) => at <= now).slice(0, limit);
      for (const [id] of due) {
        dueAt.delete(id);
        ready.add(id);
      }
      return due.length;
    },
    async ready() {
      const groups = new Map<string, { at: ClientAtHost; ready: number }>();
      for (const id of ready) {
        const at = entries.get(id)?.at ?? acme;
        groups.set(clientKey(at), { at, ready: (groups.get(clientKey(at))?.ready ?? 0) + 1 });
      }
      return [...groups.values()];
    },
    async take(at, count, lookAgainAt, before) {
      const ids = readyOf(at)
        .filter(({ deadlineAt }) => before === undefined || (deadlineAt !== null && deadlineAt < before))
        .slice(0, count)
        .map(({ id }) => id);
      for (const id of ids) {
        ready.delete(id);
        dueAt.set(id, lookAgainAt);
      }
      taken.push({ at, count, ids });
      return ids;
    },
    upcoming: async (at, count) =>
      [...dueAt]
        .filter(([id]) => clientKey(entries.get(id)?.at ?? acme) === clientKey(at))
        .sort(([, a], [, b]) => a - b)
        .slice(0, count)
        .map(([id]) => id),
    backlog: async (now) => ({ due: [...dueAt.values()].filter((at) => at <= now).length, ready: ready.size }),
  };
}
