/**
 * Every metric the service has, once: name, type, labels, buckets and help. What is listed is exported and what is exported
 * is listed; documentation, dashboards and alert rules are held against this list. Base units; instants, not ages, so that
 * `time() - x` goes on growing when the process that sets it hangs. No label names a connection or a customer, but for the
 * few nearest deadlines where the configuration asks for them.
 */
export interface MetricDescription {
  /** With the prefix. */
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly string[];
  readonly help: string;
  /** Upper bounds of a histogram, in its unit. */
  readonly buckets?: readonly number[];
}

export const metricPrefix = 'pilotlight_';

/** From a fast answer to the longest request limit, seconds. */
const callBuckets = [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];
/** A disk's flush: half a millisecond is a good one, a second is a broken one. */
const sealBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1];
/** Hours to months, seconds. The first bucket holds what was refreshed after its (estimated) deadline. */
const marginBuckets = [
  0, 3_600, 21_600, 86_400, 259_200, 604_800, 1_209_600, 1_728_000, 2_592_000, 5_184_000, 15_552_000,
];

const list = {
  connections: ['gauge', 'Connections by state, as of the last pass over the index.', ['provider', 'state']],
  earliest_deadline_timestamp_seconds: [
    'gauge',
    'The nearest instant at which a connection not proven dead dies if nothing happens.',
    ['provider'],
  ],
  connections_due_within: [
    'gauge',
    'Connections not proven dead whose deadline lies within the window; windows are cumulative.',
    ['provider', 'within'],
  ],
  connections_scan_timestamp_seconds: [
    'gauge',
    'When connections were last counted; the three gauges above are of that instant.',
    [],
  ],
  deadline_alarm_timestamp_seconds: [
    'gauge',
    'When the first connection comes, or came, so near its end that on-call is warned or paged; final: no refresh moves that end.',
    ['provider', 'end', 'urgency'],
  ],
  connection_deadline_timestamp_seconds: [
    'gauge',
    'Deadlines of the connections that die first, as many as web.metrics.nearest says; none by default.',
    ['provider', 'connection'],
  ],
  refresh_attempts_total: ['counter', 'Rotations by outcome.', ['provider', 'outcome']],
  refresh_duration_seconds: [
    'histogram',
    'Duration of a whole rotation that reached the provider, waiting for permits included.',
    ['provider'],
    callBuckets,
  ],
  deadline_margin_seconds: [
    'histogram',
    'Life that was left when a rotation succeeded: how close to the edge we run.',
    ['provider'],
    marginBuckets,
  ],
  tokens_rotated_total: [
    'counter',
    'Refresh tokens replaced by a new one. A provider that keeps its token is not counted.',
    ['provider'],
  ],
  needs_consent_total: [
    'counter',
    'Connections flagged for a new consent, by cause; lost_rotation is a fault of ours.',
    ['provider', 'cause'],
  ],
  foreign_writes_total: [
    'counter',
    'Writes by others to secrets we keep: refreshed is normal, replaced and spent_token are not.',
    ['kind'],
  ],
  oddities_total: ['counter', 'Unusual answers that were kept all the same.', ['provider', 'oddity']],
  token_endpoint_responses_total: [
    'counter',
    'Answers of token endpoints; none: sent without a readable answer.',
    ['provider', 'code'],
  ],
  token_endpoint_duration_seconds: [
    'histogram',
    'Duration of refresh requests, from the first byte sent to the last received.',
    ['provider'],
    callBuckets,
  ],
  seal_duration_seconds: [
    'histogram',
    "From the last byte of a provider's answer to its sealed bytes on disk.",
    [],
    sealBuckets,
  ],
  secretsmanager_requests_total: [
    'counter',
    'Calls of the secret store by operation and how they ended.',
    ['op', 'outcome'],
  ],
  store_clock_skew_seconds: [
    'gauge',
    "The store's clock minus ours, from the Date header of its last answer; absent before the first.",
    [],
  ],
  secret_write_duration_seconds: ['histogram', 'Duration of writes to the secret store.', ['op'], callBuckets],
  spool_records: [
    'gauge',
    'Rotations on disk that are not yet settled; answered: a new token is not yet in the store.',
    ['state'],
  ],
  spool_oldest_timestamp_seconds: [
    'gauge',
    'When the oldest record of the spool was made; absent while the spool is empty.',
    [],
  ],
  spool_oldest_answered_timestamp_seconds: [
    'gauge',
    'When the oldest rotation was begun whose new token is not yet in the store; absent while there is none.',
    [],
  ],
  breaker_open: [
    'gauge',
    '1 while connections of a client wait because the provider rejects the client.',
    ['provider', 'client'],
  ],
  client_paused_until_timestamp_seconds: [
    'gauge',
    'Until when a provider asked for a pause; absent where none is asked for.',
    ['provider', 'client'],
  ],
  queue_jobs: ['gauge', 'Jobs by queue and state.', ['queue', 'state']],
  queue_oldest_waiting_timestamp_seconds: [
    'gauge',
    'When the oldest waiting job was enqueued; absent while none waits.',
    ['queue'],
  ],
  ready_connections: ['gauge', 'Connections due and not yet in a queue.', []],
  stalled_jobs_total: ['counter', 'Jobs whose worker vanished and that were handed to another.', ['queue']],
  lease_contention_total: ['counter', 'Rotations given up because another held the lease.', ['provider']],
  redis_up: ['gauge', '1 while Redis answers.', []],
  cron_runs_total: ['counter', 'Runs of cron jobs by how they ended.', ['cron_job', 'result']],
  scheduler_last_success_timestamp_seconds: ['gauge', 'When a sweep last ran to its end; absent before the first.', []],
  scheduler_last_run_duration_seconds: ['gauge', 'Duration of the last sweep.', []],
  scheduler_enqueued_total: ['counter', 'Refresh jobs enqueued by sweeps.', ['provider']],
  inventory_passes_total: [
    'counter',
    'Passes over the store; vanished: so many connections were missing that none was dropped.',
    ['result'],
  ],
  inventory_last_pass_duration_seconds: ['gauge', 'Duration of the last pass over the store.', []],
  inventory_last_complete_timestamp_seconds: [
    'gauge',
    'When a complete pass over the store last ended; absent before the first.',
    [],
  ],
  inventory_secrets: ['gauge', 'Managed secrets seen by the last complete pass.', []],
  alerts_open: ['gauge', 'Open incidents; exported by the process that looked last.', ['kind', 'severity']],
  alerts_looked_timestamp_seconds: ['gauge', 'When this process last looked for incidents; absent before.', []],
  alerts_outbox_oldest_timestamp_seconds: [
    'gauge',
    'Since when a channel is owed what it has not accepted; absent while none is owed anything.',
    [],
  ],
  alerts_sent_total: ['counter', 'Deliveries to alert channels by how they ended.', ['channel', 'outcome']],
  audit_failures_total: [
    'counter',
    'Audit lines that could not be written, and full files that could not be put aside.',
    [],
  ],
  config_load_timestamp_seconds: ['gauge', 'When the configuration in force was read.', []],
  role: ['gauge', '1 for each thing this process does: scheduler, worker.', ['role']],
  build_info: ['gauge', 'Always 1; the build is in the labels.', ['version', 'commit', 'node']],
} as const satisfies Record<
  string,
  readonly ['counter' | 'gauge' | 'histogram', string, readonly string[], (readonly number[])?]
>;

export type MetricName = keyof typeof list;
export type LabelOf<N extends MetricName> = (typeof list)[N][2][number];

/** Every metric of ours with type, labels and help, in the order it is documented. The runtime adds process_* and nodejs_*. */
export function describeMetrics(): readonly MetricDescription[] {
  return (Object.keys(list) as MetricName[]).map(describeMetric);
}

/** One metric's description, by its name without the prefix. */
export function describeMetric(name: MetricName): MetricDescription {
  const [type, help, labels, buckets]: readonly [
    'counter' | 'gauge' | 'histogram',
    string,
    readonly string[],
    (readonly number[])?,
  ] = list[name];
  return { name: metricPrefix + name, type, labels, help, ...(buckets === undefined ? {} : { buckets }) };
}
