/**
 * The simulated Redis: everything Pilotlight keeps in one, as state machines that follow src/queue script by script, and
 * what may happen to all of it at once: it is flushed, restarted, replaced by a replica that lags, or does not answer.
 */
import type { Clients, ConnectionIndex, Leases, Permits, SpoolMirror } from '../../../src/rotation/ports.ts';
import type { Clock } from '../../../src/runtime/clock.ts';
import type { DueIndex } from '../../../src/schedule/ports.ts';
import type { Calls } from './call.ts';
import { type ClientState, clientState } from './redis-clients.ts';
import { type IndexState, indexState } from './redis-index.ts';
import { type LeaseState, leaseState } from './redis-leases.ts';
import { type MirrorState, mirrorState } from './redis-mirror.ts';
import { type PermitRates, permitState } from './redis-permits.ts';
import type { RedisServer } from './redis-server.ts';

export interface RedisPorts {
  readonly leases: Leases;
  readonly permits: Permits;
  readonly clients: Clients;
  readonly index: ConnectionIndex;
  readonly due: DueIndex;
  readonly mirror: SpoolMirror;
}

export interface SimRedisOptions extends Partial<PermitRates> {
  /** Redis's own clock. */
  readonly monotonic: () => number;
  /** The longest lease anybody takes: a server not seen before grants none for as long. */
  readonly leaseMs: number;
}

export interface SimRedis {
  /** One actor's ports. The clock is the actor's own, by which it reckons what is left of a lease. */
  bind(calls: Calls, clock: Clock, actor: string): RedisPorts;
  /** FLUSHALL: the same server, holding nothing. */
  flush(): void;
  /** Another run of the server, or the replica that took over: with all data (it was written to disk) or with none. */
  restart(keepsData: boolean): void;
  /** True: no command has any effect. */
  outage: boolean;
  /** As if the server had been up long enough to grant leases. */
  grownUp(): void;
  /** Direct views for oracles; nobody's calls. */
  readonly leases: Omit<LeaseState, 'bind'>;
  readonly clients: Omit<ClientState, 'bind'>;
  readonly index: Omit<IndexState, 'bind'>;
  readonly mirror: Omit<MirrorState, 'bind'>;
  /** Everything that can make a later answer differ, as plain data, for telling states apart. */
  digest(): unknown;
}

export function createSimRedis(options: SimRedisOptions): SimRedis {
  const { monotonic, leaseMs, writesPerSecond = Number.POSITIVE_INFINITY, recoveryShare = 0.2, paced = true } = options;
  let runs = 1;
  const server: RedisServer = { now: monotonic, runId: 'run-1', down: false };
  const leases = leaseState(server, leaseMs);
  const index = indexState(server);
  const clients = clientState(server, index.clients);
  const mirror = mirrorState(server);
  const permits = permitState(server, { writesPerSecond, recoveryShare, paced });
  const flush = () => {
    for (const part of [leases, clients, index, mirror, permits]) part.clear();
  };
  return {
    leases,
    clients,
    index,
    mirror,
    flush,
    restart(keepsData) {
      server.runId = `run-${++runs}`;
      if (!keepsData) flush();
    },
    get outage() {
      return server.down;
    },
    set outage(down) {
      server.down = down;
    },
    grownUp: () => leases.seenSince(monotonic() - leaseMs),
    digest: () => [server.down, leases.digest(), clients.digest(), index.digest(), mirror.digest()],
    bind: (calls, clock, actor) => ({
      leases: leases.bind(calls, clock, actor),
      permits: permits.bind(calls, clock),
      clients: clients.bind(calls),
      mirror: mirror.bind(calls),
      ...index.bind(calls),
    }),
  };
}
