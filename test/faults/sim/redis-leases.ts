/** Leases, cool-downs and the epoch rule of src/queue/leases.ts as a state machine: owner tokens, ends by Redis's clock. */
import type { Lease, LeaseAnswer, Leases } from '../../../src/rotation/ports.ts';
import type { Clock } from '../../../src/runtime/clock.ts';
import type { Calls } from './call.ts';
import { askingRedis, type RedisServer } from './redis-server.ts';

interface Held {
  readonly owner: string;
  readonly endsAt: number;
}

export interface LeaseState {
  bind(calls: Calls, clock: Clock, actor: string): Leases;
  /** Who holds the lease now, by the name it was bound with. */
  ownerOf(connection: string): string | undefined;
  /** How long the lease is held from now on, by Redis's clock; 0 when nobody holds it. */
  leftMs(connection: string): number;
  /** Ends a lease while its owner goes on believing in it: what a stopped process or a lost key looks like. */
  lose(connection: string): boolean;
  clear(): void;
  /** This run of the server is known since that instant of Redis's clock. */
  seenSince(at: number): void;
  /** Everything that can make a later answer differ, instants as distances from now. */
  digest(): unknown;
}

type Word = 'granted' | 'held' | 'cooling' | 'epoch_young';

/** `leaseMs`: the longest lease anybody takes, for which a server not known before grants none. */
export function leaseState(server: RedisServer, leaseMs: number): LeaseState {
  const epoch = new Map<string, number>();
  const leases = new Map<string, Held>();
  const coolUntil = new Map<string, number>();

  const held = (connection: string) => {
    const lease = leases.get(connection);
    if (lease !== undefined && lease.endsAt > server.now()) return lease;
    leases.delete(connection);
    return undefined;
  };
  const cooling = (connection: string) => Math.max(0, (coolUntil.get(connection) ?? 0) - server.now());

  function acquire(connection: string, owner: string, ms: number, pass: boolean): readonly [Word, number] {
    const now = server.now();
    let since = epoch.get(server.runId);
    if (since === undefined || since > now) {
      if (epoch.size >= 16) epoch.clear();
      epoch.set(server.runId, now);
      since = now;
    }
    if (now - since < leaseMs) return ['epoch_young', leaseMs - (now - since)];
    const other = held(connection);
    if (other !== undefined && other.owner !== owner) return ['held', other.endsAt - now];
    if (!pass && cooling(connection) > 0) return ['cooling', cooling(connection)];
    leases.set(connection, { owner, endsAt: now + ms });
    return ['granted', 0];
  }
  const release = (connection: string, owner: string) => {
    if (held(connection)?.owner === owner) leases.delete(connection);
  };

  return {
    ownerOf: (connection) => held(connection)?.owner.split('#')[0],
    leftMs: (connection) => (held(connection)?.endsAt ?? server.now()) - server.now(),
    lose(connection) {
      const had = held(connection) !== undefined;
      leases.delete(connection);
      return had;
    },
    seenSince: (at) => void epoch.set(server.runId, at),
    clear() {
      epoch.clear();
      leases.clear();
      coolUntil.clear();
    },
    digest: () => ({
      epoch: Math.max(0, leaseMs - (server.now() - (epoch.get(server.runId) ?? server.now()))),
      leases: [...leases.keys()].sort().flatMap((name) => {
        const lease = held(name);
        return lease === undefined ? [] : [[name, lease.owner, lease.endsAt - server.now()]];
      }),
      cooling: [...coolUntil.keys()].sort().flatMap((name) => (cooling(name) > 0 ? [[name, cooling(name)]] : [])),
    }),
    bind(calls, clock, actor) {
      const ask = askingRedis(server, calls);
      let given = 0;
      const giveBack = (connection: string, owner: string) =>
        ask('lease.release', connection, () => release(connection, owner)).catch(() => {});
      const leaseOf = (connection: string, owner: string, endsAt: number): Lease => {
        let over = false;
        const remainingMs = () => (over ? 0 : Math.max(0, endsAt - clock.monotonic()));
        return {
          remainingMs,
          async stillOurs() {
            if (remainingMs() <= 0) return false;
            const answer = await calls({
              name: 'lease.stillOurs',
              about: connection,
              effect: () => !server.down && held(connection)?.owner === owner,
              failed: () => false,
              limitMs: 1_000,
            });
            return answer && remainingMs() > 0;
          },
          async release() {
            over = true;
            await giveBack(connection, owner);
          },
          async coolDown(ms) {
            over = true;
            const length = Math.max(1, Math.ceil(ms));
            const effect = () => {
              if (cooling(connection) < length) coolUntil.set(connection, server.now() + length);
              release(connection, owner);
            };
            await ask('lease.coolDown', connection, effect).catch(() => {});
          },
        };
      };
      return {
        async acquire(connection, { ms, passCoolDown }): Promise<LeaseAnswer> {
          const owner = `${actor}#${++given}`;
          // Counted from before the call, so that our end of the lease is never later than Redis's.
          const from = clock.monotonic();
          const effect = () => acquire(connection, owner, ms, passCoolDown);
          const [word, wait] = await ask('lease.acquire', connection, effect).catch((error: unknown) => {
            // It may have been granted all the same.
            void giveBack(connection, owner);
            throw error;
          });
          if (word === 'granted') return { lease: leaseOf(connection, owner, from + ms) };
          return { refused: word, retryAfterMs: Math.max(1, wait) };
        },
      };
    },
  };
}
