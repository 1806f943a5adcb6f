/**
 * The service as it runs in production (a scheduler and a worker, each a process of its own), scraped by the real
 * Prometheus with the chart's rules, which tells the real Alertmanager, which tells us. Only times are shorter, and those
 * by the chart's own values.
 */

import { readdirSync } from 'node:fs';
import { systemClock } from '../../src/runtime/clock.ts';
import { createClosers } from '../../src/runtime/closers.ts';
import { until } from '../faults/processes/within.ts';
import type { WorkerProcess } from '../faults/processes/worker-process.ts';
import { createWorld, type FaultWorld } from '../faults/processes/world.ts';
import { type Received, startAlertmanager, startReceiver } from '../support/channel-servers.ts';
import { documentOf, rigClient } from '../support/world.ts';
import { renderRules } from './chart-rules.ts';
import { type Prometheus, startPrometheus } from './prometheus.ts';

const day = 86_400_000;

/** What an operator could write in values.yaml; instead of minutes and hours, seconds. */
export const shortened = {
  PilotlightTargetAbsent: { for: '8s' },
  PilotlightSchedulerStale: { for: '6s', threshold: 10 },
  PilotlightWorkerAbsent: { for: '8s' },
  PilotlightInventoryStale: { for: '10s', threshold: 90 },
  PilotlightJobFailing: { for: '25s', window: '20s' },
  PilotlightMissingMetrics: { for: '10s', threshold: 90 },
  PilotlightDeadlineNear: { for: '2s' },
  PilotlightDeadlineImminent: { for: '2s' },
  PilotlightFinalLimitNear: { for: '2s' },
  PilotlightReauthRequired: { for: '2s' },
  PilotlightQuarantined: { for: '2s' },
  PilotlightSecretInvalid: { for: '2s' },
  PilotlightClientRejected: { for: '2s', keepFiringFor: '2s' },
  PilotlightRefreshErrorBudgetBurnFast: { for: '2s' },
  PilotlightQueueOldestWaiting: { for: '5s', threshold: 45 },
  // Longer than the limit of a write and the fifteen seconds between two counts, as the rule asks of it: or it would end
  // with the disk's word, and fire anew by the index's, which comes later.
  PilotlightSpoolNotEmpty: { keepFiringFor: '25s', threshold: 5 },
  PilotlightSpoolStuck: { keepFiringFor: '25s', threshold: 12 },
  PilotlightSpoolUnreadable: { for: '2s' },
  PilotlightStoreDenied: { for: '2s', window: '15s' },
  PilotlightStoreThrottled: { for: '2s', window: '15s' },
  PilotlightStoreUnavailable: { for: '4s', window: '10s' },
  PilotlightStoreUnwritable: { for: '4s', window: '15s' },
  PilotlightRedisDown: { for: '3s' },
  PilotlightClockSkew: { for: '5s' },
  PilotlightAlertDeliveryFailing: { for: '5s', threshold: 60 },
  // Who looks may be stopped or killed in the middle of it: its turn is over after a minute, and the other looks within
  // fifteen seconds.
  PilotlightAlertingStale: { for: '100s', threshold: 120 },
};

/** One change of an alert, as Alertmanager told it. */
export interface Change {
  readonly alert: string;
  readonly status: 'firing' | 'resolved';
  /** Seconds since the stage was set. */
  readonly atS: number;
}

export interface LiveStage {
  readonly world: FaultWorld;
  readonly prometheus: Prometheus;
  /** Processes of now; a role that is not running is undefined. */
  readonly processes: { scheduler?: WorkerProcess; worker?: WorkerProcess };
  /** Starts a role and has it scraped. */
  start(role: 'scheduler' | 'worker'): Promise<void>;
  /** Ends it at once and for good. */
  kill(role: 'scheduler' | 'worker'): Promise<void>;
  /** Where a role says what it knows. */
  metricsOf(
    role: 'scheduler' | 'worker',
  ): Promise<{ readonly status: number; readonly body: string; readonly ms: number }>;
  /** A connection that was refreshed last so many days ago. */
  connect(connection: string, provider: 'docusign' | 'oauth2', daysAgo: number): void;
  /** Whether the store holds the token that lives. */
  isKept(connection: string): boolean;
  /** Rotations on the worker's disk that are not settled: what is in the store is not verified yet. */
  unsettled(): number;
  /** Everything Alertmanager told, in its order. */
  changes(): readonly Change[];
  /** Alerts that fire now by what Alertmanager told; without the watchdog. */
  firing(): readonly string[];
  stop(): Promise<void>;
}

export async function setStage(): Promise<LiveStage> {
  const clock = systemClock();
  const startedMs = clock.monotonic();
  const closers = createClosers();
  const changes: Change[] = [];
  const hook = await startReceiver('/hook', () => ({ status: 200 }));
  closers.push('hook', () => hook.stop());
  const alertmanager = await startAlertmanager(hook.url);
  closers.push('alertmanager', () => alertmanager.stop());
  const prometheus = await startPrometheus(await renderRules({ rules: shortened }), alertmanager.url);
  closers.push('prometheus', () => prometheus.stop());
  const world = await createWorld();
  closers.push('world', () => world.close());

  const processes: LiveStage['processes'] = {};
  const urls = new Map<string, URL>();
  const rescrape = () => prometheus.scrape([...urls.values()]);
  let read = 0;
  const hear = () => {
    for (const one of hook.received.slice(read))
      changes.push(...changesIn(one, (clock.monotonic() - startedMs) / 1_000));
    read = hook.received.length;
  };

  return {
    world,
    prometheus,
    processes,
    async start(role) {
      // The shortest wait a file may say before a refused client is tried again.
      const started = world.start({ name: role, role, rotation: { probeEvery: '1m' } });
      processes[role] = started;
      const { url } = await started.said('service.started');
      urls.set(role, new URL(String(url)));
      await rescrape();
    },
    async kill(role) {
      await processes[role]?.kill();
      delete processes[role];
      urls.delete(role);
      await rescrape();
    },
    async metricsOf(role) {
      const from = clock.monotonic();
      const answer = await fetch(new URL('metrics', urls.get(role)), { headers: { connection: 'close' } });
      return { status: answer.status, body: await answer.text(), ms: clock.monotonic() - from };
    },
    connect(connection, provider, daysAgo) {
      const refreshedAt = clock.now() - daysAgo * day;
      const scope = provider === 'docusign' ? 'signature extended' : 'sign';
      const consent = { provider, connection, client: rigClient, scope, consentedAt: refreshedAt - day, refreshedAt };
      const held = world.sandbox.grants.create(consent);
      world.double.secrets.create(connection, JSON.stringify(documentOf(provider, held)), {
        'pilotlight:managed': 'true',
      });
    },
    isKept: (connection) => world.document(connection).refresh_token === world.sandbox.oracle.liveToken(connection),
    unsettled: () => readdirSync(world.spoolOf('worker')).filter((name) => name.endsWith('.rec')).length,
    changes() {
      hear();
      return changes;
    },
    firing() {
      hear();
      const last = new Map(changes.map(({ alert, status }) => [alert, status]));
      return [...last]
        .flatMap(([alert, status]) => (status === 'firing' && alert !== 'Watchdog' ? [alert] : []))
        .toSorted();
    },
    stop: () => closers.closeAll(),
  };
}

function changesIn({ body }: Received, atS: number): Change[] {
  const { alerts } = JSON.parse(body) as { alerts: { status: Change['status']; labels: { alertname: string } }[] };
  return alerts.map(({ status, labels }) => ({ alert: labels.alertname.replace(/^Pilotlight/, ''), status, atS }));
}

/** Waits for something true, and says what was there instead. */
export async function eventually(
  what: string,
  isTrue: () => boolean,
  msMax: number,
  instead: () => unknown,
): Promise<void> {
  if (!(await until(isTrue, msMax)))
    throw new Error(`${what} within ${msMax / 1_000} s; instead: ${JSON.stringify(instead())}`);
}
