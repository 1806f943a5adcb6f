/** The connection index with its due and ready sets, and the claims by which one token in two secrets is found. */
import { type ClientAtHost, clientKey, type IndexEntry } from '../../../src/connection/entry.ts';
import type { ConnectionIndex } from '../../../src/rotation/ports.ts';
import type { DueIndex } from '../../../src/schedule/ports.ts';
import type { Calls } from './call.ts';
import { askingRedis, type RedisServer } from './redis-server.ts';

export interface IndexState {
  bind(calls: Calls): { readonly index: ConnectionIndex; readonly due: DueIndex };
  /** What is in the index now; nobody's call. */
  readonly entries: ReadonlyMap<string, IndexEntry>;
  clients(): readonly ClientAtHost[];
  clear(): void;
  digest(): unknown;
}

const pageSize = 500;

export function indexState(server: RedisServer): IndexState {
  const entries = new Map<string, IndexEntry>();
  /** Fingerprint to the connection that claims it. */
  const claims = new Map<string, string>();
  const dueAt = new Map<string, number>();
  const ready = new Set<string>();

  /** The claimant, where it still holds the token. */
  function claimant(fingerprint: string): string | undefined {
    const id = claims.get(fingerprint);
    return id !== undefined && entries.get(id)?.fingerprint === fingerprint ? id : undefined;
  }
  function release(id: string, fingerprint: string): void {
    if (claims.get(fingerprint) === id) claims.delete(fingerprint);
  }
  function putOne(entry: IndexEntry): void {
    const { id, fingerprint, nextAt } = entry;
    const before = entries.get(id);
    if (before !== undefined && before.fingerprint !== fingerprint) release(id, before.fingerprint);
    entries.set(id, entry);
    ready.delete(id);
    if (nextAt === null) dueAt.delete(id);
    else dueAt.set(id, nextAt);
    if (fingerprint !== '' && claimant(fingerprint) === undefined) claims.set(fingerprint, id);
  }
  function removeOne(id: string): void {
    const before = entries.get(id);
    if (before === undefined) return;
    release(id, before.fingerprint);
    entries.delete(id);
    dueAt.delete(id);
    ready.delete(id);
  }
  const groupOf = (id: string) => {
    const entry = entries.get(id);
    return entry === undefined ? '' : clientKey(entry.at);
  };
  const clients = () => [...new Map([...entries.values()].map(({ at }) => [clientKey(at), at])).values()];

  function take(at: ClientAtHost, count: number, lookAgainAt: number, before: number | undefined): string[] {
    const ids = [...ready]
      .filter((id) => groupOf(id) === clientKey(at))
      .map((id) => ({ id, deadlineAt: entries.get(id)?.deadlineAt ?? null }))
      .filter(({ deadlineAt }) => before === undefined || (deadlineAt !== null && deadlineAt < before))
      .sort((a, b) => (a.deadlineAt ?? 0) - (b.deadlineAt ?? 0))
      .slice(0, count)
      .map(({ id }) => id);
    for (const id of ids) {
      ready.delete(id);
      dueAt.set(id, lookAgainAt);
    }
    return ids;
  }

  return {
    entries,
    clients,
    clear() {
      for (const all of [entries, claims, dueAt, ready]) all.clear();
    },
    digest: () => [[...entries.values()], [...claims], [...dueAt], [...ready]],
    bind(calls) {
      const ask = askingRedis(server, calls);
      const index: ConnectionIndex = {
        get: (id) => ask('index.get', id, () => entries.get(id)),
        getMany: (ids) => ask('index.getMany', `${ids.length}`, () => ids.map((id) => entries.get(id))),
        async put(given) {
          if (given.length > 0) await ask('index.put', given.map(({ id }) => id).join(), () => given.forEach(putOne));
        },
        async remove(ids) {
          if (ids.length > 0) await ask('index.remove', ids.join(), () => ids.forEach(removeOne));
        },
        async *scan() {
          for (let from = 0; ; from += pageSize) {
            const page = await ask('index.scan', `${from}`, () => [...entries.values()].slice(from, from + pageSize));
            if (page.length > 0) yield page;
            if (page.length < pageSize) return;
          }
        },
        count: () => ask('index.count', '', () => entries.size),
        async holderOf(fingerprint, id) {
          if (fingerprint === '') return undefined;
          const holder = await ask('index.holderOf', id, () => claimant(fingerprint));
          return holder === id ? undefined : holder;
        },
      };
      const due: DueIndex = {
        promote: (now, limit) =>
          ask('due.promote', '', () => {
            const soonest = [...dueAt].filter(([, at]) => at <= now).sort(([, a], [, b]) => a - b);
            for (const [id] of soonest.slice(0, limit)) {
              dueAt.delete(id);
              ready.add(id);
            }
            return Math.min(limit, soonest.length);
          }),
        ready: () =>
          ask('due.ready', '', () =>
            clients()
              .map((at) => ({ at, ready: [...ready].filter((id) => groupOf(id) === clientKey(at)).length }))
              .filter((group) => group.ready > 0),
          ),
        take: (at, count, lookAgainAt, before) =>
          ask('due.take', at.client, () => take(at, count, lookAgainAt, before)),
        upcoming: (at, count) =>
          ask('due.upcoming', at.client, () =>
            [...dueAt]
              .filter(([id]) => groupOf(id) === clientKey(at))
              .sort(([, a], [, b]) => a - b)
              .slice(0, count)
              .map(([id]) => id),
          ),
        backlog: (now) =>
          ask('due.backlog', '', () => ({
            due: [...dueAt.values()].filter((at) => at <= now).length,
            ready: ready.size,
          })),
      };
      return { index, due };
    },
  };
}
