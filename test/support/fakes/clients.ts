/** Breakers and queues in memory, as far as the sweep asks them. */
import { type ClientAtHost, clientKey } from '../../../src/connection/entry.ts';
import type { ClientHealth, Clients } from '../../../src/rotation/ports.ts';
import type { RefreshJob, RefreshQueues } from '../../../src/schedule/ports.ts';

export const healthy: ClientHealth = {
  breaker: 'closed',
  breakerReason: '',
  openedAt: null,
  nextProbeAt: null,
  lastSuccessAt: null,
  suspects: 0,
  heldUntil: 0,
  secret: 'current',
};

const unused = () => Promise.reject(new Error('the sweep has no business with this'));

export function memoryClients(given: readonly (readonly [ClientAtHost, Partial<ClientHealth>])[] = []) {
  const known = new Map(given.map(([at, health]) => [clientKey(at), { at, health: { ...healthy, ...health } }]));
  const clients: Clients = {
    health: async (at) => known.get(clientKey(at))?.health ?? healthy,
    list: async () => [...known.values()],
    async takeProbe(at, now, probeEveryMs) {
      const { health = healthy } = known.get(clientKey(at)) ?? {};
      if (health.nextProbeAt !== null && now < health.nextProbeAt && health.nextProbeAt <= now + probeEveryMs)
        return false;
      known.set(clientKey(at), { at, health: { ...health, nextProbeAt: now + probeEveryMs } });
      return true;
    },
    succeeded: unused,
    suspected: unused,
    rejected: unused,
    forget: unused,
    preferSecret: unused,
    hold: unused,
    mayFlag: unused,
  };
  return {
    clients,
    set(at: ClientAtHost, health: Partial<ClientHealth>) {
      known.set(clientKey(at), { at, health: { ...healthy, ...health } });
    },
  };
}

export function memoryQueues() {
  const jobs: (RefreshJob & { readonly provider: string })[] = [];
  const queues: RefreshQueues = {
    backlog: async (provider) => jobs.filter((job) => job.provider === provider).length,
    async add(provider, added) {
      for (const job of added)
        if (!jobs.some(({ connection }) => connection === job.connection)) jobs.push({ ...job, provider });
    },
  };
  return { queues, jobs };
}
