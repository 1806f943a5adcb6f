/**
 * Gauges that are set whole from a snapshot: what the index, the spool, the queues and the breakers looked like at one
 * instant. What is no longer in the snapshot leaves the export, so that no gauge shows a state long gone.
 */
import type { Incident } from '../alerts/ports.ts';
import type { Census } from '../connection/census.ts';
import { deadlineWindows } from '../connection/census.ts';
import { connectionStates } from '../connection/entry.ts';
import type { Instruments } from './instruments.ts';
import { incidentLabels, type JobState, jobStates, otherLabel, severityLabels, spoolStates } from './labels.ts';

export interface SpoolStats {
  readonly records: number;
  readonly answered: number;
  readonly unreadable: number;
  readonly oldestAt: number | null;
}

export interface QueueSnapshot {
  readonly jobs: Readonly<Record<JobState, number>>;
  /** When the oldest waiting job was enqueued (epoch ms). */
  readonly oldestWaitingAt: number | null;
}

export interface SnapshotGauges {
  /** From one pass over the index. */
  connections(census: Census): void;
  spool(stats: SpoolStats): void;
  /** Every client at a host; a client counts as open while it is at any of its hosts. */
  breakers(clients: readonly { readonly provider: string; readonly client: string; readonly open: boolean }[]): void;
  /** Everything on-call hears of now. */
  incidents(open: readonly Pick<Incident, 'kind' | 'severity'>[]): void;
  queue(name: string, snapshot: QueueSnapshot): void;
  /** Connections due and ready, not yet queued. */
  ready(count: number): void;
  redis(up: boolean): void;
  configLoaded(at: number): void;
}

/** Clients are few and named by the operator, yet a name in a secret may be anything: more than these share `other`. */
const clientLabelsMax = 200;

/** The providers and queues that may be labels (`other` among them), and how a name becomes one. */
export interface Bounds {
  readonly provider: (name: string) => string;
  readonly providers: readonly string[];
  readonly queue: (name: string) => string;
  readonly queues: readonly string[];
}

export function createGauges(make: Instruments, bounds: Bounds): SnapshotGauges {
  const breakerOpen = make.gauge('breaker_open');
  const spoolRecords = make.gauge('spool_records');
  const spoolOldest = make.gauge('spool_oldest_timestamp_seconds');
  const queueJobs = make.gauge('queue_jobs');
  const queueOldest = make.gauge('queue_oldest_waiting_timestamp_seconds');
  const alertsOpen = make.gauge('alerts_open');
  const readyConnections = make.gauge('ready_connections');
  const redisUp = make.gauge('redis_up');
  const configLoadedAt = make.gauge('config_load_timestamp_seconds');
  for (const state of spoolStates) spoolRecords.set({ state }, 0);
  for (const queue of bounds.queues) for (const state of jobStates) queueJobs.set({ queue, state }, 0);
  return {
    connections: connectionGauges(make, bounds),
    spool(stats) {
      spoolRecords.set({ state: 'answered' }, stats.answered);
      spoolRecords.set({ state: 'unreadable' }, stats.unreadable);
      spoolRecords.set({ state: 'intent' }, Math.max(0, stats.records - stats.answered));
      if (stats.oldestAt === null) spoolOldest.remove();
      else spoolOldest.set(stats.oldestAt / 1_000);
    },
    breakers(clients) {
      breakerOpen.reset();
      for (const { labels, open } of boundedClients(clients, bounds)) breakerOpen.set(labels, open ? 1 : 0);
    },
    incidents(open) {
      for (const kind of incidentLabels)
        for (const severity of severityLabels)
          alertsOpen.set(
            { kind, severity },
            open.filter((one) => one.kind === kind && one.severity === severity).length,
          );
    },
    queue(name, snapshot) {
      const queue = bounds.queue(name);
      for (const state of jobStates) queueJobs.set({ queue, state }, snapshot.jobs[state]);
      if (snapshot.oldestWaitingAt === null) queueOldest.remove({ queue });
      else queueOldest.set({ queue }, snapshot.oldestWaitingAt / 1_000);
    },
    ready: (count) => readyConnections.set(count),
    redis: (up) => redisUp.set(up ? 1 : 0),
    configLoaded: (at) => configLoadedAt.set(at / 1_000),
  };
}

function connectionGauges(make: Instruments, bounds: Bounds): (census: Census) => void {
  const connections = make.gauge('connections');
  const earliest = make.gauge('earliest_deadline_timestamp_seconds');
  const dueWithin = make.gauge('connections_due_within');
  const scannedAt = make.gauge('connections_scan_timestamp_seconds');
  const zero = () => {
    for (const provider of bounds.providers) {
      for (const state of connectionStates) connections.set({ provider, state }, 0);
      for (const within of Object.keys(deadlineWindows)) dueWithin.set({ provider, within }, 0);
    }
  };
  zero();
  return (census) => {
    zero();
    earliest.reset();
    const nearest = new Map<string, number>();
    for (const [name, tally] of census.providers) {
      const provider = bounds.provider(name);
      // Several unknown providers share one label, so counts add up and the nearest deadline wins.
      for (const state of connectionStates) connections.inc({ provider, state }, tally.states[state]);
      for (const [within, count] of Object.entries(tally.within)) dueWithin.inc({ provider, within }, count);
      if (tally.earliestDeadlineAt !== null)
        nearest.set(provider, Math.min(nearest.get(provider) ?? Infinity, tally.earliestDeadlineAt));
    }
    for (const [provider, at] of nearest) earliest.set({ provider }, at / 1_000);
    scannedAt.set(census.takenAt / 1_000);
  };
}

function boundedClients(clients: Parameters<SnapshotGauges['breakers']>[0], bounds: Bounds) {
  const sets = new Map<string, { labels: { provider: string; client: string }; open: boolean }>();
  for (const { provider, client, open } of clients) {
    const exact = { provider: bounds.provider(provider), client: client.slice(0, 64) };
    const fits = sets.has(JSON.stringify(exact)) || sets.size < clientLabelsMax;
    const labels = fits ? exact : { provider: exact.provider, client: otherLabel };
    const key = JSON.stringify(labels);
    sets.set(key, { labels, open: open || (sets.get(key)?.open ?? false) });
  }
  return sets.values();
}
