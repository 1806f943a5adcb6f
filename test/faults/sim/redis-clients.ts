/** What src/queue/clients.ts keeps of each client at a host, script by script: breaker, suspects, holds, probes, secret. */
import { type ClientAtHost, clientKey } from '../../../src/connection/entry.ts';
import type { ClientHealth, Clients } from '../../../src/rotation/ports.ts';
import type { Calls } from './call.ts';
import { askingRedis, type RedisServer } from './redis-server.ts';

interface Client {
  readonly at: ClientAtHost;
  open: { reason: string; readonly at: number } | undefined;
  probeAt: number | undefined;
  lastSuccessAt: number | undefined;
  heldUntil: number;
  secret: 'current' | 'previous';
  readonly suspects: Set<string>;
}

export interface ClientState {
  bind(calls: Calls): Clients;
  healthOf(at: ClientAtHost): ClientHealth;
  clear(): void;
  digest(): unknown;
}

const hostKey = (at: ClientAtHost) => `${at.provider}|${at.environment}|${at.host}`;

/** `indexed`: clients that have a connection in the index; they are listed as well. */
export function clientState(server: RedisServer, indexed: () => readonly ClientAtHost[]): ClientState {
  const clients = new Map<string, Client>();
  const holds = new Map<string, number>();

  function known(at: ClientAtHost): Client {
    const key = clientKey(at);
    const found = clients.get(key);
    if (found !== undefined) return found;
    const made: Client = {
      at,
      open: undefined,
      probeAt: undefined,
      lastSuccessAt: undefined,
      heldUntil: 0,
      secret: 'current',
      suspects: new Set(),
    };
    clients.set(key, made);
    return made;
  }

  function healthOf(at: ClientAtHost): ClientHealth {
    const client = clients.get(clientKey(at));
    return {
      breaker: client?.open === undefined ? 'closed' : 'open',
      breakerReason: client?.open?.reason ?? '',
      openedAt: client?.open?.at ?? null,
      nextProbeAt: client?.probeAt ?? null,
      lastSuccessAt: client?.lastSuccessAt ?? null,
      suspects: client?.suspects.size ?? 0,
      heldUntil: Math.max(client?.heldUntil ?? 0, holds.get(hostKey(at)) ?? 0),
      secret: client?.secret ?? 'current',
    };
  }

  function open(client: Client, now: number, reason: string, probeAt: number): boolean {
    if (client.open !== undefined) {
      client.open.reason = reason;
      return false;
    }
    client.open = { reason, at: now };
    client.probeAt = probeAt;
    return true;
  }

  return {
    healthOf,
    clear() {
      clients.clear();
      holds.clear();
    },
    digest: () => [[...clients].map(([key, { at: _, ...client }]) => [key, client, [...client.suspects]]), [...holds]],
    bind(calls) {
      const asking = askingRedis(server, calls);
      const ask = <T>(name: string, at: ClientAtHost, effect: () => T) => asking(name, at.client, effect);
      return {
        health: (at) => ask('clients.health', at, () => healthOf(at)),
        list: () =>
          asking('clients.list', '', () => {
            const all = new Map(
              [...indexed(), ...[...clients.values()].map(({ at }) => at)].map((at) => [clientKey(at), at]),
            );
            return [...all.values()].map((at) => ({ at, health: healthOf(at) }));
          }),
        succeeded: (at, startedAt, secret) =>
          ask('clients.succeeded', at, () => {
            const client = known(at);
            client.lastSuccessAt = Math.max(client.lastSuccessAt ?? startedAt, startedAt);
            client.open = undefined;
            client.probeAt = undefined;
            client.secret = secret;
            client.suspects.clear();
          }),
        suspected: (at, connection, now, { threshold, probeEveryMs }) =>
          ask('clients.suspected', at, () => {
            const client = known(at);
            client.suspects.add(connection);
            if (client.suspects.size < threshold || client.open !== undefined) return { opened: false };
            return { opened: open(client, now, 'invalid_grant', now + probeEveryMs) };
          }),
        rejected: (at, now, reason, probeEveryMs) =>
          ask('clients.rejected', at, () => ({ opened: open(known(at), now, reason, now + probeEveryMs) })),
        forget: (at) => ask('clients.forget', at, () => void clients.delete(clientKey(at))),
        preferSecret: (at, secret) =>
          ask('clients.preferSecret', at, () => {
            known(at).secret = secret;
          }),
        hold: (at, scope, until) =>
          ask('clients.hold', at, () => {
            const client = known(at);
            if (scope === 'client') client.heldUntil = Math.max(client.heldUntil, until);
            else holds.set(hostKey(at), Math.max(holds.get(hostKey(at)) ?? 0, until));
          }),
        takeProbe: (at, now, probeEveryMs) =>
          ask('clients.takeProbe', at, () => {
            const client = clients.get(clientKey(at));
            if (client === undefined || (client.open === undefined && client.suspects.size === 0)) return false;
            // A probe further away than one interval was set by a calendar that has been turned back.
            const next = client.probeAt;
            if (next !== undefined && next > now && next - now <= probeEveryMs) return false;
            client.probeAt = now + probeEveryMs;
            return true;
          }),
        // A mass of refusals is on-call's affair; here nobody is told, and nobody holds anything back.
        mayFlag: async () => true,
      };
    },
  };
}
