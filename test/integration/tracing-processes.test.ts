/**
 * Traces across real processes: a scheduler's tick and a worker's rotation are one trace, in order of time. And where no
 * collector is configured, the process has loaded nothing of it.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createWorld, type FaultWorld } from '../faults/processes/world.ts';
import { type OtlpCollector, parentOf, startCollector, wayTo } from '../support/otlp-collector.ts';

let world: FaultWorld;
let collector: OtlpCollector;
let folder: string;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pilotlight-loaded-'));
  collector = await startCollector();
  world = await createWorld();
});
afterEach(async () => {
  await world.close();
  await collector.stop();
  rmSync(folder, { recursive: true, force: true });
});

const patience = { timeout: 30_000 };
const rotation = () => collector.spans.find(({ name }) => name === 'rotate');

test('a scheduler and a worker in processes of their own make one trace, each under its own name', async () => {
  world.connect('acme', 'strict');
  const settings = { tracing: { endpoint: collector.url } };
  const env = { OTEL_RESOURCE_ATTRIBUTES: 'k8s.namespace.name=esign', OTEL_EXPORTER_OTLP_HEADERS: 'x-from=variable' };
  const worker = world.start({ name: 'worker', role: 'worker', settings, env });
  await worker.said('service.started');
  const scheduler = world.start({ name: 'scheduler', role: 'scheduler', settings, env });
  await worker.said('rotation.rotated');
  // What waits is sent at the end.
  for (const process of [scheduler, worker]) {
    process.signal('SIGTERM');
    expect(await process.gone).toBe('exit code 0');
  }
  const rotated = rotation();
  if (rotated === undefined) return expect.unreachable('no span of the rotation came');
  expect(wayTo(rotated, collector.spans)).toEqual([
    'tick sweep',
    'send refresh-docusign',
    'process refresh-docusign',
    'rotate',
  ]);
  const job = parentOf(rotated, collector.spans);
  const sent = job && parentOf(job, collector.spans);
  const instance = 'service.instance.id';
  expect(sent?.resource[instance]).not.toBe(rotated.resource[instance]);
  expect(rotated.resource).toMatchObject({ 'service.name': 'pilotlight', 'k8s.namespace.name': 'esign' });
  expect(rotated.resource['service.version']).toMatch(/^\d+\.\d+\.\d+$/);
  expect(collector.headers[0]).toMatchObject({ 'x-from': 'variable', 'content-type': 'application/x-protobuf' });
  // One after the other, by the clock: a child within its parent, a step after the one before. A millisecond for rounding.
  const slackNs = 1_500_000n;
  const trace = collector.spans.filter(({ traceId }) => traceId === rotated.traceId);
  for (const span of trace) expect(span.endNs >= span.startNs, span.name).toBe(true);
  const steps = trace.filter(({ parentId }) => parentId === rotated.spanId);
  expect(steps.length).toBeGreaterThan(12);
  for (const step of steps) {
    expect(step.startNs + slackNs >= rotated.startNs, step.name).toBe(true);
    expect(step.endNs <= rotated.endNs + slackNs, step.name).toBe(true);
  }
  const [post, seal] = ['POST', 'seal'].map((name) => steps.find((step) => step.name === name));
  expect((seal?.startNs ?? 0n) + slackNs >= (post?.endNs ?? 0n)).toBe(true);
});

/** Writes the URL of every module that is loaded into a file, from the first on. */
const listener = (file: string) => `
import { appendFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
registerHooks({
  load(url, context, next) {
    appendFileSync(${JSON.stringify(file)}, url + '\\n');
    return next(url, context);
  },
});
`;

/** What a whole service has loaded by the time it has refreshed a connection. */
async function loadedBy(name: string, settings: Readonly<Record<string, unknown>>): Promise<readonly string[]> {
  const [file, preload] = [join(folder, `${name}.txt`), join(folder, `${name}.mjs`)];
  writeFileSync(preload, listener(file));
  world.connect(name, 'strict');
  const service = world.start({ name, settings, env: { NODE_OPTIONS: `--import=${pathToFileURL(preload).href}` } });
  await service.said('rotation.rotated', ({ connection }) => connection === name);
  service.signal('SIGTERM');
  expect(await service.gone).toBe('exit code 0');
  return readFileSync(file, 'utf8').trimEnd().split('\n');
}

test('without an endpoint nothing of OpenTelemetry is loaded, and with one it is', { timeout: 120_000 }, async () => {
  // Its API alone is always there: prom-client imports it, for exemplars.
  const telling = /@opentelemetry\/(?!api\/)|bullmq-otel|telemetry\/traces|job-traces/;
  const off = await loadedBy('off', {});
  expect(off.length).toBeGreaterThan(300);
  expect(off.filter((url) => telling.test(url))).toEqual([]);
  const on = await loadedBy('on', { tracing: { endpoint: collector.url } });
  expect(on.filter((url) => telling.test(url)).length).toBeGreaterThan(10);
  await expect.poll(rotation, patience).toBeDefined();
});

test('an end with no collector at all is a clean one, and soon', async () => {
  world.connect('acme', 'strict');
  await collector.stop();
  const worker = world.start({ name: 'alone', settings: { tracing: { endpoint: collector.url } } });
  await worker.said('rotation.rotated');
  expect(await worker.said('traces.not_exported')).toMatchObject({ why: 'Error:ECONNREFUSED' });
  const toldMs = performance.now();
  worker.signal('SIGTERM');
  expect(await worker.gone).toBe('exit code 0');
  expect(performance.now() - toldMs).toBeLessThan(15_000);
  expect(worker.lines().filter(({ event }) => event === 'traces.not_exported')).toHaveLength(1);
  collector = await startCollector();
});
