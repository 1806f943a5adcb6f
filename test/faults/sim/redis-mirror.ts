/** The spool's mirror as src/queue/spool-mirror.ts keeps it: sealed records by connection and attempt. */
import type { SpoolMirror } from '../../../src/rotation/ports.ts';
import type { Calls } from './call.ts';
import { askingRedis, type RedisServer } from './redis-server.ts';

export interface MirrorState {
  bind(calls: Calls): SpoolMirror;
  /** Sealed bytes by attempt; nobody's call. The buffers are never changed in place. */
  recordsOf(connection: string): ReadonlyMap<string, Buffer>;
  connections(): Iterable<string>;
  clear(): void;
  digest(): unknown;
}

const none: ReadonlyMap<string, Buffer> = new Map();
const pageSize = 200;

export function mirrorState(server: RedisServer): MirrorState {
  const records = new Map<string, Map<string, Buffer>>();
  const recordsOf = (connection: string) => records.get(connection) ?? none;
  return {
    recordsOf,
    connections: () => records.keys(),
    clear: () => records.clear(),
    digest: () => [...records].map(([id, kept]) => [id, [...kept].map(([attempt, bytes]) => [attempt, bytes.length])]),
    bind(calls) {
      const ask = askingRedis(server, calls);
      return {
        keep: (connection, attempt, bytes) =>
          ask('mirror.keep', attempt, () => {
            const kept = records.get(connection) ?? new Map<string, Buffer>();
            if ((kept.get(attempt)?.length ?? 0) >= bytes.length) return;
            records.set(connection, kept.set(attempt, Buffer.from(bytes)));
          }),
        drop: (connection, attempt) =>
          ask('mirror.drop', attempt, () => {
            const kept = records.get(connection);
            kept?.delete(attempt);
            if (kept?.size === 0) records.delete(connection);
          }),
        of: (connection) => ask('mirror.of', connection, () => new Map(recordsOf(connection))),
        async *connections() {
          for (let from = 0; ; from += pageSize) {
            const page = await ask('mirror.connections', `${from}`, () =>
              [...records.keys()].slice(from, from + pageSize),
            );
            yield page;
            if (page.length < pageSize) return;
          }
        },
      };
    },
  };
}
