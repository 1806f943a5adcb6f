/**
 * Traces of the whole service, taken by a collector that reads the wire: from the tick to the write-back in one trace, with no
 * token in any byte of it, and nothing lost or delayed by a collector that is away.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { tokenMark } from '../../src/sandbox/providers/mint.ts';
import { createLeakSearch } from '../support/leak-search.ts';
import { type CollectedSpan, type OtlpCollector, parentOf, startCollector, wayTo } from '../support/otlp-collector.ts';
import { day, type Rig, rigClient, startRig } from '../support/rig.ts';

let collector: OtlpCollector;
let rig: Rig;
beforeEach(async () => {
  collector = await startCollector();
});
afterEach(async () => {
  await rig.stop();
  await collector.stop();
});

const patience = { timeout: 30_000 };
const docusign = { provider: 'docusign', scope: 'signature extended' } as const;

async function startTraced(change: { sampleRatio?: number; headersFile?: string } = {}): Promise<void> {
  const tracing = { endpoint: collector.url, sampleRatio: 1, ...change };
  rig = await startRig({ change: (config) => ({ ...config, tracing }) });
}

const came = (name: string, which: (span: CollectedSpan) => boolean = () => true) =>
  expect.poll(() => collector.spans.find((span) => span.name === name && which(span)), patience);
const found = (name: string, traceId?: string) =>
  collector.spans.filter((span) => span.name === name && (traceId === undefined || span.traceId === traceId));

/** One connection is due and refreshed, and the service has stopped. */
async function runOnce(): Promise<void> {
  rig.connect({ ...docusign, connection: 'acme' });
  rig.clock.turn(15 * day);
  const rotated = rig.next('acme', ({ outcome }) => outcome === 'rotated');
  const app = await rig.start();
  await rotated;
  await app.stop();
}

/** The same, and everything that was recorded of it is sent. */
async function refreshOne(): Promise<CollectedSpan> {
  await runOnce();
  const [rotation] = found('rotate').filter(({ attributes }) => attributes['pilotlight.outcome'] === 'rotated');
  if (rotation === undefined) return expect.unreachable('no span of the rotation came');
  return rotation;
}

/** A connection that is due as soon as it is found. */
function connectDue(connection: string): void {
  const refreshedAt = rig.clock.now() - 15 * day;
  rig.connect({ ...docusign, connection, consentedAt: refreshedAt, refreshedAt });
}

describe('a rotation', () => {
  test('is one trace from the tick through the queue to the last step', async () => {
    await startTraced();
    const rotation = await refreshOne();
    const queue = ['tick sweep', 'send refresh-docusign', 'process refresh-docusign'];
    expect(wayTo(rotation, collector.spans)).toEqual([...queue, 'rotate']);
    // They come in the order they ended: the calendar stands still here.
    const steps = collector.spans
      .filter(({ parentId }) => parentId === rotation.spanId)
      .map(({ name, attributes }) => `${name} ${attributes['pilotlight.step'] ?? ''}`.trim());
    expect(steps).toEqual([
      'lease',
      'SecretsManager.DescribeSecret describe',
      'SecretsManager.GetSecretValue read',
      'permit to request',
      'permit to write',
      'SecretsManager.PutSecretValue probe',
      'intent',
      'SecretsManager.DescribeSecret describe',
      'last look',
      'POST token request',
      'seal',
      'SecretsManager.PutSecretValue put',
      'SecretsManager.UpdateSecretVersionStage swap',
      'SecretsManager.GetSecretValue verify',
      'settle',
    ]);
    expect(new Set(found('rotate').map(({ traceId }) => traceId))).toEqual(new Set([rotation.traceId]));
  });

  test('says by conventional names what was called, and by ours what came of it', async () => {
    await startTraced();
    const { traceId, attributes, status } = await refreshOne();
    expect(attributes).toMatchObject({
      'pilotlight.connection': 'acme',
      'pilotlight.asked': 'due',
      'pilotlight.outcome': 'rotated',
      'pilotlight.provider': 'docusign',
      'pilotlight.client': 'rig',
    });
    expect(status).toBe(0);
    expect(found('send refresh-docusign', traceId)).toMatchObject([
      {
        kind: 4,
        attributes: {
          'messaging.system': 'bullmq',
          'messaging.destination.name': 'refresh-docusign',
          'messaging.operation.type': 'send',
          'messaging.batch.message_count': 1,
        },
      },
    ]);
    const [job] = found('process refresh-docusign', traceId);
    expect(job).toMatchObject({ kind: 5, attributes: { 'messaging.operation.type': 'process' } });
    expect(job?.attributes['messaging.message.id']).toMatch(/^\d+$/);
    const [post] = found('POST', traceId);
    expect(post?.kind).toBe(3);
    expect(post?.attributes).toEqual({
      'http.request.method': 'POST',
      'http.response.status_code': 200,
      'server.address': 'account.docusign.com',
      'pilotlight.step': 'token request',
      'pilotlight.exchange': 'answered',
    });
    expect(found('SecretsManager.UpdateSecretVersionStage', traceId)).toMatchObject([
      { kind: 3, attributes: { 'rpc.system.name': 'aws-api', 'pilotlight.connection': 'acme' } },
    ]);
    expect(post?.resource).toMatchObject({
      'service.name': 'pilotlight',
      'service.version': '0',
      'deployment.environment.name': 'production',
      'service.instance.id': expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
  });

  test('that is refused is marked with the status and with its outcome', async () => {
    await startTraced();
    rig.connect({ ...docusign, connection: 'acme' });
    const refused = { kind: 'answer', when: 'before', status: 503, body: 'busy', headers: {} } as const;
    const fault = rig.sandbox.faults.inject(refused, { connection: 'acme' });
    rig.clock.turn(15 * day);
    await rig.start();
    await came('POST').toMatchObject({
      status: 2,
      attributes: { 'http.response.status_code': 503, 'error.type': '503' },
    });
    await came('rotate').toMatchObject({ status: 2, attributes: { 'pilotlight.connection': 'acme' } });
    expect(fault.fired()).toBe(1);
  });
});

test('a tick that led to nothing is not sent, and no housekeeping of the queues is', async () => {
  await startTraced();
  await rig.start();
  await expect
    .poll(() => rig.log.filter(({ event }) => event === 'inventory.taken').length, patience)
    .toBeGreaterThan(2);
  rig.connect({ ...docusign, connection: 'acme' });
  rig.clock.turn(15 * day);
  await came('rotate').toBeDefined();
  const ticks = collector.spans.filter(({ name }) => name.startsWith('tick '));
  for (const tick of ticks)
    expect(
      collector.spans.some((span) => parentOf(span, collector.spans) === tick) || tick.status === 2,
      tick.name,
    ).toBe(true);
  expect(collector.spans.filter(({ name }) => /lock|stalled|delay|complete|close|pause/i.test(name))).toEqual([]);
});

test('no byte of what is exported holds a token or a secret, whatever goes wrong', async () => {
  await startTraced();
  const search = createLeakSearch();
  search.plant(rigClient.clientSecret);
  const connect = (connection: string) => {
    const held = rig.connect({ ...docusign, connection });
    search.plant(held.refreshToken, held.accessToken);
    return held;
  };
  connect('fine');
  const echoed = connect('echoed');
  const error = { error: echoed.refreshToken, error_description: `${echoed.refreshToken} ${rigClient.clientSecret}` };
  const echo = rig.sandbox.faults.inject(
    { kind: 'answer', when: 'before', status: 400, body: error, headers: { 'x-request-id': echoed.refreshToken } },
    { connection: 'echoed' },
  );
  const denied = connect('denied');
  const refusal = rig.double.faults.add({
    op: 'PutSecretValue',
    secret: 'denied',
    skip: 1,
    times: 1_000,
    what: { error: 'AccessDeniedException', message: `cannot write ${denied.refreshToken}` },
  });
  connect('cut');
  const cut = rig.sandbox.faults.inject({ kind: 'drop', when: 'after' }, { connection: 'cut' });
  rig.clock.turn(25 * day);
  const app = await rig.start();
  for (const connection of ['fine', 'echoed', 'denied', 'cut'])
    await came('rotate', ({ attributes }) => attributes['pilotlight.connection'] === connection).toBeDefined();
  await app.stop();
  for (const connection of rig.sandbox.oracle.connections())
    search.plant(...rig.sandbox.oracle.tokens(connection).map(({ value }) => value));
  expect([echo.fired(), refusal.fired() > 0, cut.fired()]).toEqual([1, true, 1]);
  const bytes = collector.bodies.map((body) => body.toString('latin1')).join('\n');
  expect(bytes.length).toBeGreaterThan(5_000);
  expect(search.find(bytes)).toEqual([]);
  expect(bytes).not.toContain(tokenMark);
  expect(collector.spans.filter(({ events }) => events > 0)).toEqual([]);
  // The search would have found one.
  expect(search.find(`${bytes}${echoed.refreshToken.slice(-40)}`)).not.toEqual([]);
});

test('beside a job Redis holds the ids of its trace and nothing more', async () => {
  await startTraced();
  rig.connect({ ...docusign, connection: 'acme' });
  rig.clock.turn(15 * day);
  const scheduler = await rig.start({ role: 'scheduler' });
  await expect.poll(() => scheduler.queues.backlog('docusign'), patience).toBe(1);
  const options = JSON.parse((await rig.redis.redis.hget('{pilotlight}:refresh-docusign:1', 'opts')) ?? '{}');
  const { traceparent, ...more } = JSON.parse(options.tm);
  expect(traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  expect(more).toEqual({});
});

test('a share of nothing exports nothing, and everything is refreshed', async () => {
  await startTraced({ sampleRatio: 0 });
  await runOnce();
  expect(collector.requests()).toBe(0);
});

describe('a collector', () => {
  test('gets its headers from a file, read anew for each batch, and no log line holds them', async () => {
    const headersFile = join(await mkdtemp(join(tmpdir(), 'pilotlight-headers-')), 'headers');
    await writeFile(headersFile, 'Authorization: Bearer first-secret\n# a note\nx-scope-orgid: e-sign\n');
    await startTraced({ headersFile });
    rig.connect({ ...docusign, connection: 'acme' });
    rig.clock.turn(15 * day);
    await rig.start();
    await came('rotate').toBeDefined();
    expect(collector.headers[0]).toMatchObject({ authorization: 'Bearer first-secret', 'x-scope-orgid': 'e-sign' });
    await writeFile(headersFile, 'Authorization: Bearer second-secret\n');
    connectDue('other');
    await came('rotate', ({ attributes }) => attributes['pilotlight.connection'] === 'other').toBeDefined();
    expect(collector.headers.at(-1)?.authorization).toBe('Bearer second-secret');
    expect(rig.lines.join('\n')).not.toMatch(/first-secret|second-secret/);
    await rm(dirname(headersFile), { recursive: true });
  });

  test('that is away costs one log line and no rotation; once it is back, what was lost is told', async () => {
    await startTraced();
    collector.answer(401);
    rig.connect({ ...docusign, connection: 'acme' });
    rig.clock.turn(15 * day);
    const rotated = rig.next('acme', ({ outcome }) => outcome === 'rotated');
    await rig.start();
    await rotated;
    const lines = (event: string) => rig.log.filter((line) => line.event === event);
    await expect.poll(() => lines('traces.not_exported'), patience).toHaveLength(1);
    expect(lines('traces.not_exported')[0]?.fields).toEqual({ why: 'http_401' });
    const before = collector.requests();
    const again = rig.next('other', ({ outcome }) => outcome === 'rotated');
    connectDue('other');
    await again;
    await expect.poll(() => collector.requests(), patience).toBeGreaterThan(before);
    collector.answer(200);
    connectDue('third');
    await came('rotate', ({ attributes }) => attributes['pilotlight.connection'] === 'third').toBeDefined();
    await expect.poll(() => lines('traces.exported_again'), patience).toHaveLength(1);
    expect(lines('traces.not_exported')).toHaveLength(1);
    expect(lines('traces.exported_again')[0]?.fields.lost).toBeGreaterThan(10);
  });

  test('that never answers holds up neither a rotation nor, for more than its two seconds, the end', async () => {
    await startTraced();
    collector.answer('never');
    const names = Array.from({ length: 20 }, (_, at) => `customer-${at}`);
    for (const connection of names) rig.connect({ ...docusign, connection });
    rig.clock.turn(15 * day);
    const all = names.map((name) => rig.next(name, ({ outcome }) => outcome === 'rotated'));
    const app = await rig.start();
    await Promise.all(all);
    await expect.poll(() => collector.requests(), patience).toBeGreaterThan(0);
    const toldMs = performance.now();
    expect(await app.stop()).toBe(0);
    expect(performance.now() - toldMs).toBeLessThan(8_000);
    expect(rig.log.map(({ event }) => event)).toContain('traces.flush_cut_short');
    expect(rig.sandbox.oracle.presentations()).toHaveLength(names.length);
    expect(collector.spans).toEqual([]);
  });
});
