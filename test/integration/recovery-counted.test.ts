/** Recovery comes round twice a minute at every worker: what it finds as it was is no attempt, no audit line and no failure of a provider. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { RotationReport } from '../../src/rotation/outcome.ts';
import type { AuditEvent } from '../../src/telemetry/audit.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { createObserver } from '../../src/telemetry/observe.ts';
import type { RotationBench } from '../support/rotation-bench.ts';
import { accessDenied, always, startStoreFaultBench } from '../support/store-fault-bench.ts';

let bench: RotationBench;
beforeEach(async () => {
  bench = await startStoreFaultBench();
});
afterEach(() => bench.stop());

/** What a series of reports comes to in metrics and audit. */
async function observed(reports: readonly RotationReport[]): Promise<{ counted: string[]; audited: number }> {
  const build = { version: '1', commit: 'a', node: '24' };
  const metrics = createMetrics({ providers: ['docusign'], queues: ['docusign'], build, runtimeMetrics: false });
  const audited: AuditEvent[] = [];
  const audit = { record: (event: AuditEvent) => void audited.push(event), recordConsent() {}, failures: () => 0 };
  const observe = createObserver(metrics, audit, () => 0);
  for (const report of reports) observe(report);
  const { body } = await metrics.render();
  const counts =
    /^pilotlight_(?:refresh_attempts_total|tokens_rotated_total|deadline_margin_seconds_count|token_endpoint_responses_total)\S* [1-9]/;
  return { counted: body.split('\n').filter((line) => counts.test(line)), audited: audited.length };
}

async function looks(times: number): Promise<RotationReport[]> {
  const reports: RotationReport[] = [];
  for (let time = 0; time < times; time += 1) {
    bench.clock.turn(30_000);
    reports.push(...(await bench.recover()));
  }
  return reports;
}

test('one sealed token that waits for its store is one attempt, however often recovery looks', async () => {
  bench.at('answered', () => void bench.double.faults.add({ op: 'PutSecretValue', what: accessDenied, ...always }));
  expect(await bench.rotate('acme')).toMatchObject({ outcome: 'sealed' });
  const reports = await looks(10);
  expect(reports.map(({ outcome, reason }) => `${outcome} ${reason}`)).toEqual(Array(10).fill('sealed store_denied'));
  expect(await observed(reports)).toEqual({ counted: [], audited: 0 });
});

test('one that nobody has told of yet, because its process died, is told once', async () => {
  bench.at('answered', () => void bench.double.faults.add({ op: 'PutSecretValue', what: accessDenied, ...always }));
  await bench.rotate('acme');
  const entry = await bench.entry('acme');
  if (entry === undefined) throw new Error('not in the index');
  await bench.ports().index.put([{ ...entry, state: 'active', reason: 'none' }]);
  const { counted, audited } = await observed(await looks(3));
  expect(counted).toContain('pilotlight_refresh_attempts_total{provider="docusign",outcome="sealed"} 1');
  expect(audited).toBe(1);
});

test('a store that is away is no failing provider', async () => {
  bench.at('answered', () => void bench.double.faults.add({ op: '*', what: 'drop', ...always }));
  expect(await bench.rotate('acme')).toMatchObject({ outcome: 'sealed' });
  const reports = await looks(3);
  expect(reports.map(({ outcome }) => outcome)).toEqual(['retryLater', 'retryLater', 'retryLater']);
  expect(await observed(reports)).toEqual({ counted: [], audited: 0 });
});
