/**
 * Jobs that carry a trace, and jobs that carry none: workers and schedulers of either kind stand side by side while a rollout
 * goes on, and what somebody damaged in Redis costs a trace at most.
 */
import { InMemorySpanExporter } from '@opentelemetry/sdk-trace';
import { Queue } from 'bullmq';
import { beforeEach, expect, test } from 'vitest';
import { refreshJob } from '../../jobs/refresh.ts';
import { createJobTraces, type JobTraces } from '../../src/queue/job-traces.ts';
import { createRefreshQueues, type RefreshQueuesHandle } from '../../src/queue/refresh-queues.ts';
import { createTraces, type Traces } from '../../src/telemetry/traces.ts';
import { queueBench } from '../support/queue-bench.ts';

const bench = queueBench();
let exporter: InMemorySpanExporter;
let recorded: string[];
let traces: Traces;
let jobs: JobTraces;
beforeEach(() => {
  exporter = new InMemorySpanExporter();
  recorded = [];
  const said = { endpoint: 'http://127.0.0.1:1/v1/traces', sampleRatio: 1, environment: 'test', version: '0' };
  traces = createTraces({ ...said, instance: 'one', clock: bench.clock, log: bench.logger, exporter: keeping() });
  bench.closers.push('traces', () => traces.close());
  jobs = createJobTraces();
});

/** Keeps what was exported although shutting down forgets it. */
function keeping() {
  const inner = exporter;
  return {
    export: ((spans, told) => {
      recorded.push(...spans.map(({ name, parentSpanContext }) => `${name}${parentSpanContext ? '' : ' (first)'}`));
      inner.export(spans, told);
    }) as InMemorySpanExporter['export'],
    shutdown: () => inner.shutdown(),
    forceFlush: () => Promise.resolve(),
  };
}

async function tracedQueues(): Promise<RefreshQueuesHandle> {
  const { redis } = await bench.server.connect('queues');
  const { clock, logger } = bench;
  const queues = createRefreshQueues({ job: refreshJob, redis, clock, logger, traces: jobs });
  bench.closers.push('traced queues', () => queues.close());
  return queues;
}

const acme = { connection: 'acme', reason: 'due' } as const;

/** A worker that takes jobs; `done` answers what it was given. */
async function worker(traced: boolean, fails = false) {
  const done = Promise.withResolvers<unknown>();
  const workers = await bench.work(
    async (job) => {
      done.resolve(job);
      if (fails) throw new TypeError('PLTOKEN in a message');
    },
    traced ? { traces: jobs } : {},
  );
  workers.start();
  return { done: done.promise, workers };
}

async function spansAfter({ workers }: Awaited<ReturnType<typeof worker>>): Promise<readonly string[]> {
  await workers.drain(5_000);
  await traces.close();
  return recorded;
}

test('a worker without tracing does the job of a scheduler with it', async () => {
  const queues = await tracedQueues();
  await traces.tracer.span('tick', {}, () => queues.add('docusign', [acme]));
  const old = await worker(false);
  expect(await old.done).toEqual(acme);
  expect(await spansAfter(old)).toEqual(['send refresh-docusign', 'tick (first)']);
});

test('a worker with tracing does the job of a scheduler without it, in a trace of its own', async () => {
  await bench.queues.add('docusign', [acme]);
  const fresh = await worker(true);
  expect(await fresh.done).toEqual(acme);
  expect(await spansAfter(fresh)).toEqual(['process refresh-docusign (first)']);
});

test('with both tracing, each job goes on where it was added', async () => {
  const queues = await tracedQueues();
  await traces.tracer.span('tick', {}, () => queues.add('docusign', [acme]));
  const fresh = await worker(true);
  await fresh.done;
  expect(await spansAfter(fresh)).toEqual(['send refresh-docusign', 'tick (first)', 'process refresh-docusign']);
});

test.for([
  '{',
  '"text"',
  'null',
  '{"traceparent":"00-0-0-0"}',
  '{"traceparent":7}',
  '[]',
])('a job beside which %s stands is done all the same', async (metadata) => {
  const { redis } = await bench.server.connect('queues');
  const queue = new Queue('refresh-docusign', { connection: redis, prefix: '{pilotlight}' });
  bench.closers.push('queue', () => queue.close());
  await queue.add('refresh', acme, { telemetry: { metadata } });
  const fresh = await worker(true);
  expect(await fresh.done).toEqual(acme);
  expect(await spansAfter(fresh)).toEqual(['process refresh-docusign (first)']);
});

test('of a job that fails only the label is recorded', async () => {
  await bench.queues.add('docusign', [acme]);
  const failing = await worker(true, true);
  await failing.done;
  await failing.workers.drain(5_000);
  await expect.poll(() => exporter.getFinishedSpans().length, { timeout: 20_000 }).toBeGreaterThan(0);
  const [span] = exporter.getFinishedSpans();
  expect(span?.attributes).toMatchObject({ 'error.type': 'TypeError', 'bullmq.job.attempts.made': 1 });
  expect(span?.events).toEqual([]);
  expect(JSON.stringify([span?.attributes, span?.status])).not.toContain('PLTOKEN');
});
