/** What is exported is what is documented, known label sets exist at zero, and nothing a customer sends becomes a label. */
import { describe, expect, it } from 'vitest';
import { takeCensus } from '../../src/connection/census.ts';
import { connectionStates } from '../../src/connection/entry.ts';
import { consentCauses, outcomeLabels } from '../../src/telemetry/labels.ts';
import { describeMetrics } from '../../src/telemetry/metric-list.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { fakeEntry, fakeNow } from '../browser/fake-status.ts';

const now = fakeNow;
const dayMs = 86_400_000;

const entry = fakeEntry;

function metricsOf(runtimeMetrics = false) {
  return createMetrics({
    providers: ['docusign', 'adobe-sign'],
    queues: ['refresh-docusign', 'recover'],
    build: { version: '0.1.0', commit: 'abc', node: '24.21.0' },
    runtimeMetrics,
  });
}

async function samples(metrics: ReturnType<typeof metricsOf>): Promise<Map<string, number>> {
  const { body } = await metrics.render();
  const found = new Map<string, number>();
  for (const line of body.split('\n')) {
    const match = /^([a-z_]+(?:\{.*\})?) (\S+)$/.exec(line);
    if (match !== null) found.set((match[1] ?? '').replace('pilotlight_', ''), Number(match[2]));
  }
  return found;
}

describe('createMetrics', () => {
  it('exports exactly the metrics that are documented, with their types and help', async () => {
    const { body, contentType } = await metricsOf().render();
    const exported = [...body.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => `${name} ${type}`).sort();
    expect(exported).toEqual(
      describeMetrics()
        .map(({ name, type }) => `${name} ${type}`)
        .sort(),
    );
    for (const { name, help } of describeMetrics()) expect(body).toContain(`# HELP ${name} ${help}`);
    expect(contentType).toMatch(/^text\/plain/);
  });

  it('names every metric by the conventions: prefix, base unit, _total for counters only', () => {
    for (const { name, type, help } of describeMetrics()) {
      expect(name).toMatch(/^pilotlight_[a-z_]+$/);
      expect(name.endsWith('_total')).toBe(type === 'counter');
      if (type === 'histogram') expect(name).toMatch(/_seconds$/);
      expect(name).not.toMatch(/_(ms|milliseconds|minutes|age)(_|$)/);
      expect(help).toMatch(/\.$/);
    }
  });

  it('adds process and Node metrics unless told not to', async () => {
    const { body } = await metricsOf(true).render();
    expect(body).toContain('process_cpu_seconds_total');
    expect(body).toContain('nodejs_eventloop_lag_seconds');
    expect((await metricsOf(false).render()).body).not.toContain('nodejs_');
  });

  it('has every known label set at zero from the start', async () => {
    const found = await samples(metricsOf());
    for (const provider of ['docusign', 'adobe-sign', 'other']) {
      for (const outcome of outcomeLabels)
        expect(found.get(`refresh_attempts_total{provider="${provider}",outcome="${outcome}"}`)).toBe(0);
      for (const cause of consentCauses)
        expect(found.get(`needs_consent_total{provider="${provider}",cause="${cause}"}`)).toBe(0);
      for (const state of connectionStates)
        expect(found.get(`connections{provider="${provider}",state="${state}"}`)).toBe(0);
      expect(found.get(`refresh_duration_seconds_count{provider="${provider}"}`)).toBe(0);
    }
    expect(found.get('spool_records{state="answered"}')).toBe(0);
    expect(found.get('build_info{version="0.1.0",commit="abc",node="24.21.0"}')).toBe(1);
  });

  it('shows no instant that never was', async () => {
    const metrics = metricsOf();
    const names = [...(await samples(metrics)).keys()];
    expect(names.filter((name) => name.includes('timestamp_seconds'))).toEqual([]);
    metrics.sweep({ endedAt: now, durationMs: 20, enqueued: { docusign: 3 } });
    metrics.inventory({ result: 'incomplete', endedAt: now, durationMs: 900, secrets: 7 });
    metrics.spool({ records: 1, answered: 1, unreadable: 0, oldestAt: now - 1_000, oldestAnsweredAt: now });
    let found = await samples(metrics);
    expect(found.get('scheduler_last_success_timestamp_seconds')).toBe(now / 1_000);
    expect(found.get('scheduler_enqueued_total{provider="docusign"}')).toBe(3);
    expect(found.get('spool_oldest_timestamp_seconds')).toBe(now / 1_000 - 1);
    expect(found.get('spool_oldest_answered_timestamp_seconds')).toBe(now / 1_000);
    expect(found.has('inventory_last_complete_timestamp_seconds')).toBe(false);
    metrics.spool({ records: 0, answered: 0, unreadable: 0, oldestAt: null, oldestAnsweredAt: null });
    metrics.inventory({ result: 'complete', endedAt: now, durationMs: 900, secrets: 7 });
    found = await samples(metrics);
    expect(found.has('spool_oldest_timestamp_seconds')).toBe(false);
    expect(found.has('spool_oldest_answered_timestamp_seconds')).toBe(false);
    expect(found.get('inventory_last_complete_timestamp_seconds')).toBe(now / 1_000);
    expect(found.get('inventory_secrets')).toBe(7);
  });

  it('counts a rotation with its duration, margin, replaced token and oddities', async () => {
    const metrics = metricsOf();
    const oddities = ['scope_changed', 'clock_skew'] as const;
    metrics.rotation({
      provider: 'docusign',
      outcome: 'rotated',
      durationMs: 800,
      marginMs: 20 * dayMs,
      tokenReplaced: true,
      oddities,
    });
    metrics.rotation({ provider: 'docusign', outcome: 'notDue' });
    const found = await samples(metrics);
    expect(found.get('refresh_attempts_total{provider="docusign",outcome="rotated"}')).toBe(1);
    expect(found.get('refresh_attempts_total{provider="docusign",outcome="notDue"}')).toBe(1);
    expect(found.get('refresh_duration_seconds_count{provider="docusign"}')).toBe(1);
    expect(found.get('refresh_duration_seconds_sum{provider="docusign"}')).toBe(0.8);
    expect(found.get('deadline_margin_seconds_sum{provider="docusign"}')).toBe((20 * dayMs) / 1_000);
    expect(found.get('tokens_rotated_total{provider="docusign"}')).toBe(1);
    expect(found.get('oddities_total{provider="docusign",oddity="clock_skew"}')).toBe(1);
  });

  it('counts a rotation we lost apart from a consent that was revoked', async () => {
    const metrics = metricsOf();
    metrics.needsConsent('docusign', 'lost_rotation');
    metrics.needsConsent('docusign', 'invalid_grant');
    metrics.needsConsent('docusign', 'invalid_grant');
    const found = await samples(metrics);
    expect(found.get('needs_consent_total{provider="docusign",cause="lost_rotation"}')).toBe(1);
    expect(found.get('needs_consent_total{provider="docusign",cause="invalid_grant"}')).toBe(2);
  });

  it('classes answers and calls of the store', async () => {
    const metrics = metricsOf();
    for (const status of [200, 302, 400, 429, 503]) metrics.tokenEndpoint('docusign', status, 100);
    metrics.tokenEndpoint('docusign', 'none', 90_000);
    metrics.tokenEndpoint('docusign', 'not_sent');
    metrics.storeRequest('put', 'ok', 40);
    metrics.storeRequest('describe', 'store_denied', 10);
    metrics.storeRequest('put', 'EPROTO something odd', 10);
    const found = await samples(metrics);
    for (const code of ['2xx', '3xx', '4xx', '429', '5xx', 'none', 'not_sent']) {
      expect(found.get(`token_endpoint_responses_total{provider="docusign",code="${code}"}`)).toBe(1);
    }
    expect(found.get('token_endpoint_duration_seconds_count{provider="docusign"}')).toBe(6);
    expect(found.get('secretsmanager_requests_total{op="describe",outcome="store_denied"}')).toBe(1);
    expect(found.get('secretsmanager_requests_total{op="put",outcome="other"}')).toBe(1);
    expect(found.get('secret_write_duration_seconds_count{op="put"}')).toBe(2);
  });

  it('never makes a label of a provider, queue or client name that nobody configured', async () => {
    const metrics = metricsOf();
    const before = (await samples(metrics)).size;
    const names = Array.from({ length: 1_000 }, (_, i) => `hostile-${i}"\n`);
    for (const provider of names) {
      metrics.rotation({ provider, outcome: 'gone' });
      metrics.stalled(provider);
      metrics.tokenEndpoint(provider, 200);
    }
    const census = takeCensus(now);
    census.add(names.map((provider) => entry({ at: { provider, environment: 'x', client: 'x', host: 'x' } })));
    metrics.connections(census.result());
    metrics.clients(
      names.map((client) => ({ provider: 'docusign', client, open: true, heldUntil: 0 })),
      now,
    );
    const { body } = await metrics.render();
    const found = await samples(metrics);
    expect(found.get('refresh_attempts_total{provider="other",outcome="gone"}')).toBe(1_000);
    expect(found.get('connections{provider="other",state="active"}')).toBe(1_000);
    expect(found.get('breaker_open{provider="docusign",client="other"}')).toBe(1);
    expect(found.size).toBeLessThanOrEqual(before + 205);
    expect(body.split('\n').every((line) => line === '' || /^(#|pilotlight_)/.test(line))).toBe(true);
  });

  it('sets the gauges of connections whole, so that what has gone is not shown', async () => {
    const metrics = metricsOf();
    const first = takeCensus(now);
    first.add([
      entry({ deadlineAt: now + 10 * dayMs }),
      entry({ id: 'b', state: 'suspect', deadlineAt: now + dayMs / 2 }),
    ]);
    metrics.connections(first.result());
    let found = await samples(metrics);
    expect(found.get('connections{provider="docusign",state="suspect"}')).toBe(1);
    expect(found.get('earliest_deadline_timestamp_seconds{provider="docusign"}')).toBe((now + dayMs / 2) / 1_000);
    expect(found.get('connections_due_within{provider="docusign",within="1d"}')).toBe(1);
    expect(found.get('connections_due_within{provider="docusign",within="14d"}')).toBe(2);
    metrics.connections(takeCensus(now).result());
    found = await samples(metrics);
    expect(found.get('connections{provider="docusign",state="suspect"}')).toBe(0);
    expect(found.get('connections_due_within{provider="docusign",within="14d"}')).toBe(0);
    expect([...found.keys()].some((name) => name.startsWith('earliest_deadline'))).toBe(false);
  });

  it('shows a client as rejected while it is at any of its hosts', async () => {
    const metrics = metricsOf();
    const client = { provider: 'adobe-sign', client: 'main' };
    const free = { ...client, open: false, heldUntil: 0 };
    metrics.clients([{ ...free, open: true }, free], now);
    expect((await samples(metrics)).get('breaker_open{provider="adobe-sign",client="main"}')).toBe(1);
    metrics.clients([free], now);
    expect((await samples(metrics)).get('breaker_open{provider="adobe-sign",client="main"}')).toBe(0);
  });

  it('shows queues, readiness of Redis, the load of the configuration and failures of the audit', async () => {
    const metrics = metricsOf();
    metrics.queue('recover', { jobs: { waiting: 2, active: 1, delayed: 0, failed: 0 }, oldestWaitingAt: now });
    metrics.ready(12);
    metrics.redis(false);
    metrics.configLoaded(now);
    metrics.auditFailure();
    metrics.leaseContention('docusign');
    metrics.foreignWrite('replaced');
    metrics.sealed(2);
    const found = await samples(metrics);
    expect(found.get('queue_jobs{queue="recover",state="waiting"}')).toBe(2);
    expect(found.get('queue_oldest_waiting_timestamp_seconds{queue="recover"}')).toBe(now / 1_000);
    expect(found.get('ready_connections')).toBe(12);
    expect(found.get('redis_up')).toBe(0);
    expect(found.get('config_load_timestamp_seconds')).toBe(now / 1_000);
    expect(found.get('audit_failures_total')).toBe(1);
    expect(found.get('lease_contention_total{provider="docusign"}')).toBe(1);
    expect(found.get('foreign_writes_total{kind="replaced"}')).toBe(1);
    expect(found.get('seal_duration_seconds_count')).toBe(1);
    metrics.queue('recover', { jobs: { waiting: 0, active: 0, delayed: 0, failed: 0 }, oldestWaitingAt: null });
    expect((await samples(metrics)).has('queue_oldest_waiting_timestamp_seconds{queue="recover"}')).toBe(false);
  });

  it('shows until when a provider asked for a pause, and nothing once that is over', async () => {
    const metrics = metricsOf();
    const client = { provider: 'adobe-sign', client: 'main', open: false };
    metrics.clients(
      [
        { ...client, heldUntil: now + 60_000 },
        { ...client, heldUntil: now + 5_000 },
      ],
      now,
    );
    const name = 'client_paused_until_timestamp_seconds{provider="adobe-sign",client="main"}';
    expect((await samples(metrics)).get(name)).toBe(now / 1_000 + 60);
    metrics.clients([{ ...client, heldUntil: now + 60_000 }], now + 60_000);
    expect((await samples(metrics)).has(name)).toBe(false);
  });

  it('says when connections become urgent, by what ends them, and names none of them unless asked to', async () => {
    const metrics = metricsOf();
    const alarmsOf = ({ deadlineAt }: { deadlineAt: number | null }) =>
      deadlineAt === null ? undefined : { warnAt: deadlineAt - 9 * dayMs, pageAt: deadlineAt - 3 * dayMs };
    const entries = [
      entry({ id: 'active', deadlineAt: now + 2 * dayMs }),
      entry({ id: 'tried', state: 'retrying', deadlineAt: now + 5 * dayMs }),
      entry({ id: 'waits', state: 'blocked', deadlineAt: now + 4 * dayMs }),
      entry({ id: 'ends', state: 'unkeepable', clock: 'absolute', deadlineAt: now + 6 * dayMs }),
      entry({ id: 'dead', state: 'reauth_required', deadlineAt: now - dayMs }),
    ];
    const census = takeCensus(now, { alarmsOf });
    census.add(entries);
    metrics.connections(census.result());
    const at = (end: string, urgency: string) =>
      `deadline_alarm_timestamp_seconds{provider="docusign",end="${end}",urgency="${urgency}"}`;
    let found = await samples(metrics);
    // What is active is no cause to warn: it is refreshed in time. So near its end it counts all the same.
    expect(found.get(at('refreshable', 'warn'))).toBe((now - 4 * dayMs) / 1_000);
    expect(found.get(at('refreshable', 'page'))).toBe((now - dayMs) / 1_000);
    expect(found.get(at('final', 'warn'))).toBe((now - 3 * dayMs) / 1_000);
    expect([...found.keys()].filter((name) => name.startsWith('connection_deadline'))).toEqual([]);

    const named = takeCensus(now, { nearest: 2 });
    named.add(entries);
    metrics.connections(named.result());
    found = await samples(metrics);
    expect([...found].filter(([name]) => name.startsWith('connection_deadline'))).toEqual([
      ['connection_deadline_timestamp_seconds{provider="docusign",connection="active"}', (now + 2 * dayMs) / 1_000],
      ['connection_deadline_timestamp_seconds{provider="docusign",connection="waits"}', (now + 4 * dayMs) / 1_000],
    ]);
    expect([...found.keys()].some((name) => name.startsWith('deadline_alarm'))).toBe(false);
  });

  it('leaves open incidents to the process that looked last', async () => {
    const metrics = metricsOf();
    const open = [{ kind: 'client_rejected', severity: 'page' }] as const;
    metrics.incidents({ open, lookedAt: now, owedSince: now - 5_000 });
    let found = await samples(metrics);
    expect(found.get('alerts_open{kind="client_rejected",severity="page"}')).toBe(1);
    expect(found.get('alerts_open{kind="store_denied",severity="page"}')).toBe(0);
    expect(found.get('alerts_outbox_oldest_timestamp_seconds')).toBe(now / 1_000 - 5);
    metrics.incidents(undefined);
    found = await samples(metrics);
    expect([...found.keys()].filter((name) => /^alerts_(?:open|outbox)/.test(name))).toEqual([]);
    expect(found.get('alerts_looked_timestamp_seconds')).toBe(now / 1_000);
  });

  it('counts runs of cron jobs, and a pass of the inventory that failed', async () => {
    const metrics = metricsOf();
    metrics.cronRun('sweep', 'ok');
    metrics.cronRun('inventory', 'failed');
    metrics.roles(['worker']);
    const found = await samples(metrics);
    expect(found.get('cron_runs_total{cron_job="sweep",result="ok"}')).toBe(1);
    expect(found.get('cron_runs_total{cron_job="recover",result="failed"}')).toBe(0);
    expect(found.get('inventory_passes_total{result="incomplete"}')).toBe(1);
    expect(found.get('role{role="worker"}')).toBe(1);
    expect(found.get('role{role="scheduler"}')).toBe(0);
  });

  it('shows nothing of queues while Redis cannot be asked', async () => {
    const metrics = metricsOf();
    metrics.queue('recover', { jobs: { waiting: 2, active: 1, delayed: 0, failed: 0 }, oldestWaitingAt: now });
    metrics.ready(12);
    metrics.queuesUnknown();
    expect([...(await samples(metrics)).keys()].filter((name) => /^(?:queue|ready)_/.test(name))).toEqual([]);
  });
});
