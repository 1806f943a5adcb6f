/** The memory of incidents without Redis, for tests of what is told: the same rules, in plain maps. */
import type {
  ChannelHealth,
  DeliveryState,
  Incident,
  IncidentMemory,
  MassState,
  PersonsOrders,
  Recalled,
} from '../../../src/alerts/ports.ts';

export interface FakeIncidents extends IncidentMemory {
  readonly incidents: Map<string, Incident>;
  /** What each look left everybody to rest for, ms. */
  readonly rests: readonly number[];
}

export function fakeIncidents(): FakeIncidents {
  const incidents = new Map<string, Incident>();
  const deliveries = new Map<string, Map<string, DeliveryState>>();
  const channels = new Map<string, ChannelHealth>();
  const recalled = new Map<string, Recalled>();
  const spoken = new Set<string>();
  const ordered: Partial<PersonsOrders>[] = [];
  const rests: number[] = [];
  let mass = new Map<string, MassState>();
  let born: number | undefined;
  return {
    incidents,
    rests,
    takeTurn: async () => true,
    endTurn: async (ms) => void rests.push(ms),
    all: async () => [...incidents.values()],
    get: async (key) => incidents.get(key),
    async write(changed, removed) {
      for (const incident of changed) incidents.set(incident.key, incident);
      for (const key of removed) for (const kept of [incidents, deliveries]) kept.delete(key);
    },
    deliveries: async () => deliveries,
    delivery: async (key, channel) => deliveries.get(key)?.get(channel),
    async noteDelivery({ key, openedAt }, channel, state) {
      if (incidents.get(key)?.openedAt !== openedAt) return;
      deliveries.set(key, (deliveries.get(key) ?? new Map()).set(channel, state));
    },
    channels: async () => channels,
    async noteChannel(name, health) {
      if (health === undefined) channels.delete(name);
      else channels.set(name, { ...health, failingSince: channels.get(name)?.failingSince ?? health.failingSince });
    },
    recall: async (key, one) => void recalled.set(key, one),
    recalled: async () => new Map(recalled),
    async forgetRecalled(keys) {
      for (const key of keys) recalled.delete(key);
    },
    async bornAt(now) {
      born ??= now;
      return born;
    },
    spokenOf: async () => new Set(spoken),
    async speakOf(keys) {
      for (const key of keys) spoken.add(key);
    },
    mass: async () => mass,
    async writeMass(states) {
      mass = new Map(states);
    },
    order: async (order) => void ordered.push(order),
    orders: async () => ({
      resolve: ordered.flatMap(({ resolve = [] }) => resolve),
      snooze: ordered.flatMap(({ snooze = [] }) => snooze),
      confirm: ordered.flatMap(({ confirm = [] }) => confirm),
      taken: ordered.length,
    }),
    forgetOrders: async (taken) => void ordered.splice(0, taken),
    noteForeign: async () => undefined,
    foreign: async () => [],
  };
}
