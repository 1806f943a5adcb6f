/** Looks and deliveries of the real watch and tell, over a memory in maps and channels that note what they took. */
import type { Channel } from '../../src/alerts/channel.ts';
import type { Facts } from '../../src/alerts/gather.ts';
import type { Notice } from '../../src/alerts/notice.ts';
import type { MadeNotice, TellJob } from '../../src/alerts/ports.ts';
import { tell } from '../../src/alerts/tell.ts';
import { type WatchSettings, watch } from '../../src/alerts/watch.ts';
import type { ClientAtHost, IndexEntry } from '../../src/connection/entry.ts';
import { type FakeIncidents, fakeIncidents } from './fakes/incidents.ts';

const minute = 60_000;
const day = 24 * 60 * minute;

export interface WatchWorld {
  now: number;
  entries: IndexEntry[];
  clients: Facts['clients'][number][];
  owner: string | undefined;
  storeIsDown: boolean;
  scanFails: boolean;
  /** What reading the index takes. */
  scanMs: number;
  /** Channels that answer nothing. */
  readonly down: Set<string>;
  /** Connections whose flag is on the secret, and those whose flag judges the current version. */
  readonly flagged: Set<string>;
  readonly judged: Set<string>;
  readonly forgotten: ClientAtHost[];
}

export interface WatchBench {
  readonly world: WatchWorld;
  readonly memory: FakeIncidents;
  /** One look, `afterMs` later, and its deliveries: what was taken, as "channel event severity kind key". */
  look(afterMs?: number): Promise<readonly string[]>;
}

export function watchBench(now: number, change: Partial<WatchSettings> = {}): WatchBench {
  const memory = fakeIncidents();
  const world: WatchWorld = {
    now,
    entries: [],
    clients: [],
    owner: 'team-contracts',
    storeIsDown: false,
    scanFails: false,
    scanMs: 0,
    down: new Set(),
    flagged: new Set(),
    judged: new Set(),
    forgotten: [],
  };
  const settings: WatchSettings = {
    install: 'p',
    urgencyOf: () => 'none',
    flapGuardMs: 10 * minute,
    remindMs: day,
    channels: ['pager', 'chat'],
    routes: [],
    providers: ['docusign'],
    restMs: 1,
    digestAtMs: 20 * 60 * minute,
    deduplicating: ['pager'],
    ...change,
  };
  const clock = { now: () => world.now, monotonic: () => world.now, sleep: async () => undefined };
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const taken: string[] = [];
  const channelOf = (name: string): Channel => ({
    name,
    kind: 'webhook',
    async deliver({ event, severity, message, key }: Notice) {
      if (world.down.has(name)) return { kind: 'retry', why: 'no answer' };
      taken.push(`${name} ${event} ${severity} ${message.kind} ${key}`);
      return { kind: 'accepted' };
    },
  });
  const channels = new Map(settings.channels.map((name) => [name, channelOf(name)]));
  const notice: MadeNotice = async ({ key, sequence, severity, openedAt, toldAt, kind }, event) => ({
    id: `${key}/${sequence}`,
    key,
    event,
    severity,
    openedAt,
    at: toldAt,
    message: { kind, title: kind, environment: 'p', actor: 'nobody', action: '', ends: '', facts: [], links: [] },
  });
  const jobs: TellJob[] = [];
  const ports = {
    memory,
    clock,
    log,
    index: {
      async *scan() {
        world.now += world.scanMs;
        if (world.scanFails) throw new Error('redis is away');
        yield world.entries;
      },
    },
    queue: { add: async (more: readonly TellJob[]) => void jobs.push(...more) },
    facts: async () => ({ clients: world.clients, lamps: [] }),
    async secretFacts() {
      if (world.storeIsDown) throw new Error('store is away');
      return world.owner === undefined ? {} : { owner: world.owner };
    },
    forgetClient: async (client: ClientAtHost) => void world.forgotten.push(client),
    async consentEnded(connection: string) {
      if (!world.judged.has(connection)) world.flagged.delete(connection);
      return true;
    },
  };
  return {
    world,
    memory,
    async look(afterMs = 0) {
      world.now += afterMs;
      taken.length = 0;
      await watch(ports, settings);
      for (const job of jobs.splice(0))
        await tell(job, { memory, channels, notice, clock, log }, new AbortController().signal);
      return [...taken];
    },
  };
}
