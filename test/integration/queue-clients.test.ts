/** What is known of a client: breaker, suspects, holds, probes, on a real Redis. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { ClientAtHost } from '../../src/connection/entry.ts';
import { createClients } from '../../src/queue/clients.ts';
import { createConnectionIndex } from '../../src/queue/index.ts';
import type { Clients } from '../../src/rotation/ports.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { healthy } from '../support/fakes/clients.ts';
import { startTestRedis, type TestRedis } from '../support/redis.ts';

let server: TestRedis;
let clients: Clients;
let today: number;

beforeAll(async () => {
  server = await startTestRedis();
  clients = createClients({ redis: server.redis, clock: { ...systemClock(), now: () => today } });
});
beforeEach(() => {
  today = 5_000;
  return server.flush();
});
afterAll(() => server.stop());

const at: ClientAtHost = { provider: 'docusign', environment: 'production', client: 'main', host: 'd.example' };
const sibling: ClientAtHost = { ...at, client: 'second' };
/** A connection of the first. */
const entry = {
  id: 'c1',
  at,
  state: 'active',
  reason: 'none',
  since: 1,
  seen: 's',
  fingerprint: '',
  nextAt: 1,
  deadlineAt: null,
  clock: null,
  estimated: false,
  extendedAt: null,
  failures: 0,
} as const;
const limits = { threshold: 3, probeEveryMs: 300_000 };

test('of a client nothing is known of, nothing bad is believed', async () => {
  expect(await clients.health(at)).toEqual(healthy);
  expect(await clients.list()).toEqual([]);
});

test('as many distinct connections as the threshold open the breaker, once', async () => {
  expect(await clients.suspected(at, 'c1', 1_000, limits)).toEqual({ opened: false });
  expect(await clients.suspected(at, 'c1', 1_001, limits)).toEqual({ opened: false });
  expect(await clients.suspected(at, 'c2', 1_002, limits)).toEqual({ opened: false });
  expect(await clients.health(at)).toEqual({ ...healthy, suspects: 2 });
  const racing = await Promise.all(['c3', 'c4', 'c5', 'c6'].map((id) => clients.suspected(at, id, 2_000, limits)));
  expect(racing.filter(({ opened }) => opened)).toHaveLength(1);
  expect(await clients.health(at)).toEqual({
    ...healthy,
    breaker: 'open',
    breakerReason: 'invalid_grant',
    openedAt: 2_000,
    nextProbeAt: 302_000,
    suspects: 6,
  });
  expect(await clients.health(sibling)).toEqual(healthy);
});

test('a success between keeps the threshold from being reached', async () => {
  await clients.suspected(at, 'c1', 1, limits);
  await clients.suspected(at, 'c2', 2, limits);
  await clients.succeeded(at, 3, 'current');
  expect(await clients.suspected(at, 'c3', 4, limits)).toEqual({ opened: false });
  expect((await clients.health(at)).suspects).toBe(1);
});

test('a refused client opens at once, and only the first refusal says so', async () => {
  const answers = await Promise.all([1, 2, 3].map((now) => clients.rejected(at, now, 'invalid_client', 300_000)));
  expect(answers.filter(({ opened }) => opened)).toHaveLength(1);
  expect(await clients.health(at)).toMatchObject({ breaker: 'open', breakerReason: 'invalid_client' });
});

test('one success closes the breaker, forgets the suspects and remembers the secret that worked', async () => {
  await clients.rejected(at, 1_000, 'invalid_client', 300_000);
  await clients.suspected(at, 'c1', 1_000, limits);
  await clients.succeeded(at, 5_000, 'previous');
  expect(await clients.health(at)).toEqual({ ...healthy, lastSuccessAt: 5_000, secret: 'previous' });
  await clients.preferSecret(at, 'current');
  expect((await clients.health(at)).secret).toBe('current');
});

test('the last success never moves back', async () => {
  await clients.succeeded(at, 5_000, 'current');
  await clients.succeeded(at, 4_000, 'current');
  expect((await clients.health(at)).lastSuccessAt).toBe(5_000);
});

test('a last success that lies days ahead was noted by a calendar that was ahead: the next one takes its place', async () => {
  await clients.succeeded(at, 30 * 86_400_000, 'current');
  await clients.succeeded(at, 5_000, 'current');
  expect((await clients.health(at)).lastSuccessAt).toBe(5_000);
});

test('of many who would probe an open breaker one may, once in an interval', async () => {
  await clients.rejected(at, 1_000, 'invalid_client', 300_000);
  const probe = (now: number) => clients.takeProbe(at, now, 300_000);
  expect(await probe(300_999)).toBe(false);
  const racing = await Promise.all(Array.from({ length: 20 }, () => probe(301_000)));
  expect(racing.filter(Boolean)).toHaveLength(1);
  expect(await probe(600_999)).toBe(false);
  expect(await probe(601_000)).toBe(true);
});

test('a client with a suspect gives one canary an interval, although its breaker is closed', async () => {
  await clients.suspected(at, 'a', 1_000, { threshold: 3, probeEveryMs: 300_000 });
  expect(await clients.takeProbe(at, 1_000, 300_000)).toBe(true);
  expect(await clients.takeProbe(at, 300_999, 300_000)).toBe(false);
  expect(await clients.takeProbe(at, 301_000, 300_000)).toBe(true);
  await clients.succeeded(at, 302_000, 'current');
  expect(await clients.takeProbe(at, 900_000, 300_000)).toBe(false);
  expect((await clients.health(at)).nextProbeAt).toBeNull();
});

test('a closed breaker has no probe to give, and a calendar turned back does not lock the probe away', async () => {
  expect(await clients.takeProbe(at, 1, 300_000)).toBe(false);
  await clients.rejected(at, 1_000_000_000, 'invalid_client', 300_000);
  expect(await clients.takeProbe(at, 5_000, 300_000)).toBe(true);
});

test('a hold is for the client or for all of its host, and is never shortened', async () => {
  await clients.hold(at, 'client', 9_000);
  await clients.hold(at, 'client', 8_000);
  expect((await clients.health(at)).heldUntil).toBe(9_000);
  expect((await clients.health(sibling)).heldUntil).toBe(0);
  await clients.hold(at, 'provider', 20_000);
  expect((await clients.health(at)).heldUntil).toBe(20_000);
  expect((await clients.health(sibling)).heldUntil).toBe(20_000);
  expect((await clients.health({ ...at, host: 'other.example' })).heldUntil).toBe(0);
});

test('a hold further ahead than any can be was noted by a calendar that was ahead: it holds nothing back, and gives way', async () => {
  const month = 30 * 86_400_000;
  await clients.hold(at, 'client', month);
  await clients.hold(at, 'provider', month);
  expect((await clients.health(at)).heldUntil).toBe(0);
  expect(await clients.list()).toMatchObject([{ health: { heldUntil: 0 } }]);
  await clients.hold(at, 'client', 9_000);
  expect((await clients.health(at)).heldUntil).toBe(9_000);
  today = month - 60_000;
  await clients.hold(at, 'provider', month);
  expect((await clients.health(at)).heldUntil).toBe(month);
});

test('the list has every client with a connection in the index and every client something is known of', async () => {
  const index = createConnectionIndex({ redis: server.redis });
  await index.put([entry]);
  await clients.rejected(sibling, 1, 'invalid_client', 2);
  const list = await clients.list();
  expect(list).toHaveLength(2);
  expect(list.find((some) => some.at.client === 'main')).toEqual({ at, health: healthy });
  expect(list.find((some) => some.at.client === 'second')?.health.breaker).toBe('open');
});

test('a client that is forgotten is as if it had never been used, and listed only while it has a connection', async () => {
  await clients.rejected(at, 1_000, 'invalid_client', 300_000);
  await clients.suspected(at, 'c1', 1_000, limits);
  await clients.rejected(sibling, 1_000, 'invalid_client', 300_000);
  await clients.forget(at);
  expect(await clients.health(at)).toEqual(healthy);
  expect((await clients.list()).map((some) => some.at)).toEqual([sibling]);
  await createConnectionIndex({ redis: server.redis }).put([entry]);
  await clients.forget(at);
  expect((await clients.list()).find((some) => some.at.client === 'main')).toEqual({ at, health: healthy });
});

test('a flush forgets everything and nothing breaks', async () => {
  await clients.rejected(at, 1_000, 'invalid_client', 300_000);
  await server.flush();
  expect(await clients.health(at)).toEqual(healthy);
  expect(await clients.takeProbe(at, 9_000_000, 300_000)).toBe(false);
  await clients.succeeded(at, 2_000, 'current');
  expect(await clients.health(at)).toEqual({ ...healthy, lastSuccessAt: 2_000 });
});
