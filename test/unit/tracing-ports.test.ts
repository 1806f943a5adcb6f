/**
 * What tracing is put around: the ports of a rotation behave as before, to the very promise and getter, and what is said of
 * them is names, ids and labels.
 */
import { describe, expect, test } from 'vitest';
import type { RotationPorts } from '../../src/rotation/attempt.ts';
import { outcomes } from '../../src/rotation/outcome.ts';
import type { Exchange, Intent, SpoolRecord } from '../../src/rotation/ports.ts';
import { rotationBegun, rotationEnd } from '../../src/rotation/rotation-span.ts';
import { tracedPorts } from '../../src/rotation/traced-ports.ts';
import { Secret } from '../../src/runtime/secret.ts';
import type { SpanEnd, StepDetails, Tracer } from '../../src/runtime/tracer.ts';

interface Step extends StepDetails {
  readonly name: string;
  readonly end?: SpanEnd | undefined;
}

const intent = { connection: 'acme', attempt: 'a-1' } as Intent;
const answer = (status: number, complete = true): Exchange => ({
  kind: 'answered',
  answer: { status, complete, headers: { 'x-h': 'PLTOKEN-h' }, body: Buffer.from('PLTOKEN-b'), receivedAt: 0 },
});

function bench(store: 'aws' | 'file' = 'aws', exchange: Exchange = answer(200)) {
  const steps: Step[] = [];
  const tracer: Tracer = {
    span: (_name, _attributes, act) => act(),
    async step(name, details, call, ended) {
      const result = await call();
      steps.push({ name, ...details, end: ended?.(result) });
      return result;
    },
  };
  let state: SpoolRecord['state'] = 'intent';
  const record = {
    intent,
    found: false,
    get state() {
      return state;
    },
    answer: () => Promise.resolve(undefined),
    async seal() {
      state = 'answered';
    },
    remove: () => Promise.resolve(),
  };
  const lease = {
    remainingMs: () => 7,
    stillOurs: () => Promise.resolve(false),
    release: () => Promise.resolve(),
    coolDown: () => Promise.resolve(),
  };
  const done = () => Promise.resolve();
  const ports = {
    leases: {
      acquire: (id: string) =>
        Promise.resolve(id === 'acme' ? { lease } : { refused: 'held' as const, retryAfterMs: 9 }),
    },
    permits: { request: done, writes: done },
    spool: { begin: () => Promise.resolve(record), stats: () => ({ records: 3 }), all: () => [record] },
    endpoint: { send: () => Promise.resolve(exchange) },
    store: { describe: done, read: done, versions: done, put: done, moveStage: done, tag: done, untag: done },
    nameOf: (id: string) => `prod/${id}`,
  } as unknown as RotationPorts;
  const idOf = (name: string) => (name.startsWith('prod/') ? name.slice(5) : undefined);
  return { steps, ports: tracedPorts(ports, { tracer, store, idOf }) };
}

const request = {
  host: 'login.example.com',
  url: new Secret('https://login.example.com/token?k=PLTOKEN-u'),
  headers: { authorization: new Secret('Basic PLTOKEN-a') },
  body: new Secret('refresh_token=PLTOKEN-r'),
};

describe('the ports with tracing around them', () => {
  test('a record is the record it was: its state follows the seal', async () => {
    const { ports, steps } = bench();
    const record = await ports.spool.begin(intent);
    expect([record.intent, record.found, record.state]).toEqual([intent, false, 'intent']);
    await record.seal({ status: 200, headers: {}, body: Buffer.alloc(0), complete: true, receivedAt: 0 });
    expect(record.state).toBe('answered');
    await record.remove();
    expect(steps.map(({ name }) => name)).toEqual(['intent', 'seal', 'settle']);
    expect([ports.spool.stats(), ports.spool.all().length]).toEqual([{ records: 3 }, 1]);
  });

  test('a lease that is refused is passed on as it came, and said to be', async () => {
    const { ports, steps } = bench();
    const options = { ms: 1, passCoolDown: false };
    expect(await ports.leases.acquire('other', options)).toEqual({ refused: 'held', retryAfterMs: 9 });
    const given = await ports.leases.acquire('acme', options);
    if (!('lease' in given)) return expect.unreachable('the lease was given');
    expect([given.lease.remainingMs(), await given.lease.stillOurs()]).toEqual([7, false]);
    expect(steps.map(({ name, end }) => [name, end?.attributes?.['pilotlight.lease']])).toEqual([
      ['lease', 'held'],
      ['lease', 'given'],
      ['last look', 'lost'],
    ]);
  });

  test.for<[Exchange, SpanEnd]>([
    [
      answer(200),
      { attributes: { 'pilotlight.exchange': 'answered', 'http.response.status_code': 200 }, error: undefined },
    ],
    [
      answer(400),
      { attributes: { 'pilotlight.exchange': 'answered', 'http.response.status_code': 400 }, error: '400' },
    ],
    [
      answer(200, false),
      { attributes: { 'pilotlight.exchange': 'answered', 'http.response.status_code': 200 }, error: 'incomplete' },
    ],
    [
      { kind: 'unanswered', label: 'timeout' },
      { attributes: { 'pilotlight.exchange': 'unanswered' }, error: 'timeout' },
    ],
    [
      { kind: 'notSent', label: 'dns' },
      { attributes: { 'pilotlight.exchange': 'notSent' }, error: 'dns' },
    ],
  ])('of a token request is said where it went and what came, never what was in it: %j', async ([exchange, end]) => {
    const { ports, steps } = bench('aws', exchange);
    expect(await ports.endpoint.send(request)).toBe(exchange);
    expect(steps).toEqual([
      {
        name: 'POST',
        kind: 'client',
        attributes: {
          'http.request.method': 'POST',
          'server.address': 'login.example.com',
          'pilotlight.step': 'token request',
        },
        end,
      },
    ]);
    expect(JSON.stringify(steps)).not.toContain('PLTOKEN');
  });

  test('the store is called by its own name, and nothing that is stored is said', async () => {
    const said: Record<string, string[]> = {};
    for (const kind of ['aws', 'file'] as const) {
      const { ports, steps } = bench(kind);
      const { store } = ports;
      await store.describe('prod/acme');
      await store.read('prod/acme', { stage: 'AWSCURRENT' });
      await store.read('prod/acme', { versionId: 'v' });
      const value = { text: new Secret('PLTOKEN-v') };
      await store.put('prod/acme', { versionId: 'v', value, stages: ['PILOTLIGHT_PROBE'] });
      await store.put('prod/acme', { versionId: 'v', value, stages: ['PILOTLIGHT_PENDING'] });
      await store.moveStage('prod/acme', { stage: 'AWSCURRENT', to: 'v', from: 'w' });
      await store.tag('elsewhere', { 'pilotlight:reason': 'PLTOKEN' });
      said[kind] = steps.map(({ name, attributes }) => `${name}: ${attributes?.['pilotlight.step']}`);
      expect(steps.map(({ attributes }) => attributes?.['pilotlight.connection'])).toEqual([
        ...Array(6).fill('acme'),
        undefined,
      ]);
      expect(JSON.stringify(steps)).not.toContain('PLTOKEN');
    }
    expect(said).toEqual({
      aws: [
        'SecretsManager.DescribeSecret: describe',
        'SecretsManager.GetSecretValue: read',
        'SecretsManager.GetSecretValue: verify',
        'SecretsManager.PutSecretValue: probe',
        'SecretsManager.PutSecretValue: put',
        'SecretsManager.UpdateSecretVersionStage: swap',
        'SecretsManager.TagResource: flag',
      ],
      file: [
        'store describe: describe',
        'store read: read',
        'store read: verify',
        'store put: probe',
        'store put: put',
        'store moveStage: swap',
        'store tag: flag',
      ],
    });
  });
});

test('a rotation is marked as failed where it counts as a failure, and its span never says what the provider wrote', () => {
  expect(rotationBegun({ connection: 'acme', reason: 'due' })).toEqual({
    'pilotlight.connection': 'acme',
    'pilotlight.asked': 'due',
  });
  const ends = outcomes.map((outcome) =>
    rotationEnd({
      connection: 'acme',
      asked: 'due',
      outcome,
      reason: 'none',
      at: undefined,
      totalMs: 1,
      description: 'PLTOKEN',
      fingerprintNew: 'f00f00f00f00',
    }),
  );
  expect(ends.flatMap(({ error }) => error ?? [])).toEqual([
    'retryLater',
    'throttled',
    'unknown',
    'misconfigured',
    'quarantined',
    'sealed',
  ]);
  expect(JSON.stringify(ends)).not.toMatch(/PLTOKEN|f00f00/);
});
