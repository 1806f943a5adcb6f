/**
 * Gauges that are set whole from a snapshot: what the index, the spool, the queues and the breakers looked like at one
 * instant. What is no longer in the snapshot leaves the export, so that no gauge shows a state long gone.
 */
import type { Incident } from '../alerts/ports.ts';
import type { Census } from '../connection/census.ts';
import { deadlineEnds, deadlineWindows } from '../connection/census.ts';
import { connectionStates } from '../connection/entry.ts';
import type { SpoolStats } from '../rotation/ports.ts';
import type { Instruments } from './instruments.ts';
import {
  incidentLabels,
  type JobState,
  jobStates,
  otherLabel,
  type RoleLabel,
  roleLabels,
  severityLabels,
  spoolStates,
} from './labels.ts';

export interface ClientSnapshot {
  readonly provider: string;
  readonly client: string;
  readonly open: boolean;
  /** No request before this instant (epoch ms); in the past, or 0, where it is free. */
  readonly heldUntil: number;
}

/** What one look for incidents came to. */
export interface IncidentSnapshot {
  readonly open: readonly Pick<Incident, 'kind' | 'severity'>[];
  readonly lookedAt: number;
  /** Since when a channel is owed something; null while none is. */
  readonly owedSince: number | null;
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
  /** Every client at a host as of `now`; a client counts as open while it is at any of its hosts. */
  clients(clients: readonly ClientSnapshot[], now: number): void;
  /** Everything on-call hears of now; undefined where another process looks, whose word counts then. */
  incidents(looked: IncidentSnapshot | undefined): void;
  queue(name: string, snapshot: QueueSnapshot): void;
  /** Connections due and ready, not yet queued. */
  ready(count: number): void;
  redis(up: boolean): void;
  /** Redis cannot be asked: what moves by the second is not shown rather than shown as it was. */
  queuesUnknown(): void;
  roles(does: readonly RoleLabel[]): void;
  /** The store's clock minus ours, ms. */
  storeClockSkew(ms: number): void;
  configLoaded(at: number): void;
}

/** Clients are few and named by the operator, yet a name in a secret may be anything: more than these share `other`. */
const clientLabelsMax = 200;
/** Names of secrets may be 512 characters long. */
const connectionLabelMax = 128;

/** The providers and queues that may be labels (`other` among them), and how a name becomes one. */
export interface Bounds {
  readonly provider: (name: string) => string;
  readonly providers: readonly string[];
  readonly queue: (name: string) => string;
  readonly queues: readonly string[];
}

export function createGauges(make: Instruments, bounds: Bounds): SnapshotGauges {
  const spoolRecords = make.gauge('spool_records');
  const spoolOldest = make.gauge('spool_oldest_timestamp_seconds');
  const spoolOldestAnswered = make.gauge('spool_oldest_answered_timestamp_seconds');
  const queueJobs = make.gauge('queue_jobs');
  const queueOldest = make.gauge('queue_oldest_waiting_timestamp_seconds');
  const readyConnections = make.gauge('ready_connections');
  const redisUp = make.gauge('redis_up');
  const clockSkew = make.gauge('store_clock_skew_seconds');
  const role = make.gauge('role');
  const configLoadedAt = make.gauge('config_load_timestamp_seconds');
  for (const state of spoolStates) spoolRecords.set({ state }, 0);
  for (const queue of bounds.queues) for (const state of jobStates) queueJobs.set({ queue, state }, 0);
  return {
    connections: connectionGauges(make, bounds),
    spool(stats) {
      spoolRecords.set({ state: 'answered' }, stats.answered);
      spoolRecords.set({ state: 'unreadable' }, stats.unreadable);
      spoolRecords.set({ state: 'intent' }, Math.max(0, stats.records - stats.answered));
      setInstant(spoolOldest, stats.oldestAt);
      setInstant(spoolOldestAnswered, stats.oldestAnsweredAt);
    },
    clients: clientGauges(make, bounds),
    incidents: incidentGauges(make),
    queue(name, snapshot) {
      const queue = bounds.queue(name);
      for (const state of jobStates) queueJobs.set({ queue, state }, snapshot.jobs[state]);
      if (snapshot.oldestWaitingAt === null) queueOldest.remove({ queue });
      else queueOldest.set({ queue }, snapshot.oldestWaitingAt / 1_000);
    },
    ready: (count) => readyConnections.set(count),
    redis: (up) => redisUp.set(up ? 1 : 0),
    queuesUnknown() {
      queueJobs.reset();
      queueOldest.reset();
      readyConnections.remove();
    },
    roles(does) {
      for (const name of roleLabels) role.set({ role: name }, does.includes(name) ? 1 : 0);
    },
    storeClockSkew: (ms) => clockSkew.set(ms / 1_000),
    configLoaded: (at) => configLoadedAt.set(at / 1_000),
  };
}

/** A gauge without labels that holds an instant (epoch ms), or nothing. */
function setInstant(gauge: { set(value: number): void; remove(): void }, at: number | null): void {
  if (at === null) gauge.remove();
  else gauge.set(at / 1_000);
}

function clientGauges(make: Instruments, bounds: Bounds): SnapshotGauges['clients'] {
  const breakerOpen = make.gauge('breaker_open');
  const pausedUntil = make.gauge('client_paused_until_timestamp_seconds');
  return (clients, now) => {
    breakerOpen.reset();
    pausedUntil.reset();
    for (const { labels, open, heldUntil } of boundedClients(clients, bounds)) {
      breakerOpen.set(labels, open ? 1 : 0);
      if (heldUntil > now) pausedUntil.set(labels, heldUntil / 1_000);
    }
  };
}

function incidentGauges(make: Instruments): SnapshotGauges['incidents'] {
  const alertsOpen = make.gauge('alerts_open');
  const lookedAt = make.gauge('alerts_looked_timestamp_seconds');
  const outbox = make.gauge('alerts_outbox_oldest_timestamp_seconds');
  return (looked) => {
    setInstant(outbox, looked?.owedSince ?? null);
    if (looked === undefined) return alertsOpen.reset();
    lookedAt.set(looked.lookedAt / 1_000);
    for (const kind of incidentLabels)
      for (const severity of severityLabels) {
        const alike = looked.open.filter((one) => one.kind === kind && one.severity === severity);
        alertsOpen.set({ kind, severity }, alike.length);
      }
  };
}

function connectionGauges(make: Instruments, bounds: Bounds): (census: Census) => void {
  const connections = make.gauge('connections');
  const earliest = make.gauge('earliest_deadline_timestamp_seconds');
  const dueWithin = make.gauge('connections_due_within');
  const scannedAt = make.gauge('connections_scan_timestamp_seconds');
  const alarm = make.gauge('deadline_alarm_timestamp_seconds');
  const deadline = make.gauge('connection_deadline_timestamp_seconds');
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
    alarm.reset();
    deadline.reset();
    const nearest = new Map<string, number>();
    const alarms = earliestOf<{ provider: string; end: string; urgency: string }>();
    for (const [name, tally] of census.providers) {
      const provider = bounds.provider(name);
      // Several unknown providers share one label, so counts add up and the nearest deadline wins.
      for (const state of connectionStates) connections.inc({ provider, state }, tally.states[state]);
      for (const [within, count] of Object.entries(tally.within)) dueWithin.inc({ provider, within }, count);
      if (tally.earliestDeadlineAt !== null)
        nearest.set(provider, Math.min(nearest.get(provider) ?? Infinity, tally.earliestDeadlineAt));
      for (const end of deadlineEnds) {
        alarms.note({ provider, end, urgency: 'warn' }, tally.alarms[end].warnAt);
        alarms.note({ provider, end, urgency: 'page' }, tally.alarms[end].pageAt);
      }
    }
    for (const [labels, at] of alarms.all()) alarm.set(labels, at / 1_000);
    for (const { id, provider, deadlineAt } of census.nearest)
      deadline.set(
        { provider: bounds.provider(provider), connection: id.slice(0, connectionLabelMax) },
        deadlineAt / 1_000,
      );
    for (const [provider, at] of nearest) earliest.set({ provider }, at / 1_000);
    scannedAt.set(census.takenAt / 1_000);
  };
}

/** The earliest instant of each label set. */
function earliestOf<L extends Record<string, string>>() {
  const sets = new Map<string, readonly [L, number]>();
  return {
    note(labels: L, at: number | null) {
      const key = JSON.stringify(labels);
      if (at !== null && at < (sets.get(key)?.[1] ?? Number.POSITIVE_INFINITY)) sets.set(key, [labels, at]);
    },
    all: () => sets.values(),
  };
}

function boundedClients(clients: readonly ClientSnapshot[], bounds: Bounds) {
  const sets = new Map<string, { labels: { provider: string; client: string }; open: boolean; heldUntil: number }>();
  for (const { provider, client, open, heldUntil } of clients) {
    const exact = { provider: bounds.provider(provider), client: client.slice(0, 64) };
    const fits = sets.has(JSON.stringify(exact)) || sets.size < clientLabelsMax;
    const labels = fits ? exact : { provider: exact.provider, client: otherLabel };
    const key = JSON.stringify(labels);
    const had = sets.get(key);
    sets.set(key, {
      labels,
      open: open || (had?.open ?? false),
      heldUntil: Math.max(heldUntil, had?.heldUntil ?? 0),
    });
  }
  return sets.values();
}
