/**
 * What is counted, as typed methods over one registry of its own. Labels are held to closed sets: a provider nobody
 * configured (its name comes out of a customer's secret) counts as `other`. Every known label set exists from the start,
 * so that a rate over it is 0 and not missing.
 */
import { collectDefaultMetrics, Registry } from 'prom-client';
import type { Oddity } from '../rotation/ports.ts';
import { type Bounds, createGauges, type SnapshotGauges } from './gauges.ts';
import { createInstruments, type Instruments } from './instruments.ts';
import type { ConsentCause, ForeignWriteKind, InventoryResult, OutcomeLabel, StoreOperation } from './labels.ts';
import * as labels from './labels.ts';

export interface MetricsOptions {
  /** Names of the configured providers. */
  readonly providers: readonly string[];
  /** Names of the queues. */
  readonly queues: readonly string[];
  readonly build: { readonly version: string; readonly commit: string; readonly node: string };
  /** process_* and nodejs_*. Tests leave them out; they keep observers that end with the process. Default true. */
  readonly runtimeMetrics?: boolean;
}

/** One rotation as it was settled. */
export interface RotationMetrics {
  readonly provider: string;
  readonly outcome: OutcomeLabel;
  /** Of a rotation that reached the provider. */
  readonly durationMs?: number | undefined;
  /** Life left at a success, ms; negative after an estimated deadline. */
  readonly marginMs?: number | undefined;
  /** A new refresh token replaced the old one. */
  readonly tokenReplaced?: boolean | undefined;
  readonly oddities?: readonly Oddity[] | undefined;
}

export interface Metrics extends SnapshotGauges {
  rotation(settled: RotationMetrics): void;
  needsConsent(provider: string, cause: ConsentCause): void;
  foreignWrite(kind: ForeignWriteKind): void;
  /** `answer`: the HTTP status, or why there is none. `durationMs` is absent where nothing was sent. */
  tokenEndpoint(provider: string, answer: number | 'none' | 'not_sent', durationMs?: number): void;
  sealed(durationMs: number): void;
  /** One call of the store; `outcome` is `ok` or an error code. */
  storeRequest(op: StoreOperation, outcome: string, durationMs: number): void;
  stalled(queue: string): void;
  leaseContention(provider: string): void;
  /** A sweep ran to its end. */
  sweep(result: {
    readonly endedAt: number;
    readonly durationMs: number;
    readonly enqueued: Readonly<Record<string, number>>;
  }): void;
  /** A pass of the inventory ended. */
  inventory(pass: {
    readonly result: InventoryResult;
    readonly endedAt: number;
    readonly durationMs: number;
    readonly secrets: number;
  }): void;
  auditFailure(): void;
  /** A run of a cron job ended. */
  cronRun(job: string, result: labels.CronResult): void;
  /** A delivery to an alert channel ended. */
  alertTold(channel: string, outcome: labels.DeliveryLabel): void;
  render(): Promise<{ readonly contentType: string; readonly body: string }>;
}

/** Writes to the store whose duration is of interest. */
const writeOperations: readonly StoreOperation[] = ['put', 'moveStage'];

/** Makes the metrics of a process. */
export function createMetrics(options: MetricsOptions): Metrics {
  const registry = new Registry();
  const make = createInstruments(registry);
  if (options.runtimeMetrics !== false) collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 50 });
  const providers = [...options.providers, labels.otherLabel];
  const queues = [...options.queues, labels.otherLabel];
  const bounds: Bounds = {
    providers,
    queues,
    provider: (name) => labels.known(name, providers),
    queue: (name) => labels.known(name, queues),
  };
  make.gauge('build_info').set({ ...options.build }, 1);
  return {
    ...createGauges(make, bounds),
    ...rotationCounters(make, bounds),
    ...callCounters(make, bounds),
    ...runCounters(make, bounds),
    render: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
  };
}

function rotationCounters(
  make: Instruments,
  { provider, providers }: Bounds,
): Pick<Metrics, 'rotation' | 'needsConsent' | 'foreignWrite' | 'leaseContention'> {
  const attempts = make.counter('refresh_attempts_total', { provider: providers, outcome: labels.outcomeLabels });
  const duration = make.histogram('refresh_duration_seconds', { provider: providers });
  const margin = make.histogram('deadline_margin_seconds', { provider: providers });
  const replaced = make.counter('tokens_rotated_total', { provider: providers });
  const oddities = make.counter('oddities_total', { provider: providers, oddity: labels.oddityLabels });
  const consent = make.counter('needs_consent_total', { provider: providers, cause: labels.consentCauses });
  const foreign = make.counter('foreign_writes_total', { kind: labels.foreignWriteKinds });
  const contention = make.counter('lease_contention_total', { provider: providers });
  return {
    rotation(settled) {
      const label = { provider: provider(settled.provider) };
      attempts.inc({ ...label, outcome: settled.outcome });
      if (settled.durationMs !== undefined) duration.observe(label, settled.durationMs / 1_000);
      if (settled.marginMs !== undefined) margin.observe(label, settled.marginMs / 1_000);
      if (settled.tokenReplaced === true) replaced.inc(label);
      for (const oddity of settled.oddities ?? []) oddities.inc({ ...label, oddity });
    },
    needsConsent: (name, cause) => consent.inc({ provider: provider(name), cause }),
    foreignWrite: (kind) => foreign.inc({ kind }),
    leaseContention: (name) => contention.inc({ provider: provider(name) }),
  };
}

function callCounters(
  make: Instruments,
  { provider, providers }: Bounds,
): Pick<Metrics, 'tokenEndpoint' | 'sealed' | 'storeRequest' | 'auditFailure' | 'alertTold'> {
  const answers = make.counter('token_endpoint_responses_total', { provider: providers, code: labels.answerClasses });
  const answerDuration = make.histogram('token_endpoint_duration_seconds', { provider: providers });
  const seal = make.histogram('seal_duration_seconds', {});
  const store = make.counter('secretsmanager_requests_total', {
    op: labels.storeOperations,
    outcome: labels.storeOutcomes,
  });
  const storeWrite = make.histogram('secret_write_duration_seconds', { op: writeOperations });
  // Channels are named by the operator; a configuration holds few.
  const alerts = make.counter('alerts_sent_total', { channel: [], outcome: labels.deliveryLabels });
  const auditFailures = make.counter('audit_failures_total', {});
  return {
    tokenEndpoint(name, answer, durationMs) {
      const code = typeof answer === 'number' ? labels.answerClass(answer) : answer;
      answers.inc({ provider: provider(name), code });
      if (durationMs !== undefined) answerDuration.observe({ provider: provider(name) }, durationMs / 1_000);
    },
    sealed: (durationMs) => seal.observe(durationMs / 1_000),
    storeRequest(op, outcome, durationMs) {
      store.inc({ op, outcome: labels.known(outcome, labels.storeOutcomes) });
      if (writeOperations.includes(op)) storeWrite.observe({ op }, durationMs / 1_000);
    },
    auditFailure: () => auditFailures.inc(),
    alertTold: (channel, outcome) => alerts.inc({ channel, outcome }),
  };
}

function runCounters(
  make: Instruments,
  { provider, providers, queue, queues }: Bounds,
): Pick<Metrics, 'sweep' | 'inventory' | 'stalled' | 'cronRun'> {
  const sweepAt = make.gauge('scheduler_last_success_timestamp_seconds');
  const sweepDuration = make.gauge('scheduler_last_run_duration_seconds');
  const enqueued = make.counter('scheduler_enqueued_total', { provider: providers });
  const passes = make.counter('inventory_passes_total', { result: labels.inventoryResults });
  const passDuration = make.gauge('inventory_last_pass_duration_seconds');
  const passAt = make.gauge('inventory_last_complete_timestamp_seconds');
  const passSecrets = make.gauge('inventory_secrets');
  const stalled = make.counter('stalled_jobs_total', { queue: queues });
  const runs = make.counter('cron_runs_total', { cron_job: labels.cronJobs, result: labels.cronResults });
  return {
    sweep(result) {
      sweepAt.set(result.endedAt / 1_000);
      sweepDuration.set(result.durationMs / 1_000);
      for (const [name, count] of Object.entries(result.enqueued)) enqueued.inc({ provider: provider(name) }, count);
    },
    inventory(pass) {
      passes.inc({ result: pass.result });
      passDuration.set(pass.durationMs / 1_000);
      if (pass.result !== 'complete') return;
      passAt.set(pass.endedAt / 1_000);
      passSecrets.set(pass.secrets);
    },
    stalled: (name) => stalled.inc({ queue: queue(name) }),
    cronRun(job, result) {
      runs.inc({ cron_job: labels.known(job, labels.cronJobs), result });
      // A pass that did not come to its end counts for nothing, and took who knows how long.
      if (job === 'inventory' && result === 'failed') passes.inc({ result: 'incomplete' });
    },
  };
}
