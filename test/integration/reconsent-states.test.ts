/** Begun authorisations in a real Redis: each given once, gone in time, and unreachable when Redis is. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createConsentStates } from '../../src/queue/consent-states.ts';
import type { StartedConsent } from '../../src/reconsent/ports.ts';
import { startTestRedis, type TestRedis } from '../support/redis.ts';
import { codeOf } from '../support/store-fixture.ts';

const started: StartedConsent = {
  kind: 'reconsent',
  connection: 'acme/"ünusual"',
  provider: 'docusign',
  environment: 'demo',
  client: 'rig',
  scope: 'signature extended',
  version: 'v1',
  codeVerifier: 'v'.repeat(43),
  startedAt: 1_763_625_600_000,
};

let server: TestRedis;
beforeAll(async () => {
  server = await startTestRedis();
});
beforeEach(() => server.flush());
afterAll(() => server.stop());

test('what was kept is given once, whole, and then forgotten', async () => {
  const states = createConsentStates({ redis: server.redis });
  await states.keep('nonce', started, 600_000);
  expect(await states.take('nonce')).toEqual(started);
  expect(await states.take('nonce')).toBeUndefined();
  expect(await server.redis.dbsize()).toBe(0);
});

test('of many who ask at once, over several connections, exactly one gets it', async () => {
  const askers = await Promise.all([0, 1, 2].map(async () => createConsentStates(await server.connect())));
  await askers[0]?.keep('nonce', started, 600_000);
  const answers = await Promise.all(askers.flatMap((states) => Array.from({ length: 10 }, () => states.take('nonce'))));
  expect(answers.filter((answer) => answer !== undefined)).toEqual([started]);
});

test('one state says nothing of another, and both lie under the prefix for the time given', async () => {
  const states = createConsentStates({ redis: server.redis, prefix: '{other}' });
  await states.keep('one', started, 600_000);
  await states.keep('two', { ...started, connection: 'two' }, 300_000);
  expect((await server.redis.keys('*')).sort()).toEqual(['{other}:consent:one', '{other}:consent:two']);
  expect(await server.redis.pttl('{other}:consent:one')).toBeGreaterThan(590_000);
  expect(await server.redis.pttl('{other}:consent:two')).toBeLessThanOrEqual(300_000);
  expect((await states.take('two'))?.connection).toBe('two');
  expect((await states.take('one'))?.connection).toBe(started.connection);
});

test('one that is over is not given', async () => {
  const states = createConsentStates({ redis: server.redis });
  await states.keep('nonce', started, 600_000);
  await server.redis.pexpire('{pilotlight}:consent:nonce', 0);
  expect(await states.take('nonce')).toBeUndefined();
});

test('a Redis that is gone is said to be, by its code', async () => {
  const own = await startTestRedis();
  const states = createConsentStates(await own.connect());
  await own.stop();
  expect(await codeOf(states.keep('nonce', started, 600_000))).toBe('redis_unavailable');
  expect(await codeOf(states.take('nonce'))).toBe('redis_unavailable');
});
