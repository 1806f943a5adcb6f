/** Attempts remembered for whoever is woken: why, when, how often; bounded, and never a token. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { clientKey } from '../../src/connection/entry.ts';
import { createAttempts } from '../../src/queue/attempts.ts';
import type { RotationReport } from '../../src/rotation/outcome.ts';
import { startTestRedis, type TestRedis } from '../support/redis.ts';

let redis: TestRedis;
beforeAll(async () => {
  redis = await startTestRedis();
});
beforeEach(() => redis.redis.flushall());
afterAll(() => redis.stop());

const day = 86_400_000;
const now = Date.UTC(2026, 10, 21, 3);
const at = { provider: 'acme-sign', environment: 'production', client: 'main', host: 'acme.test' };
const report = (change: Partial<RotationReport> = {}): RotationReport => ({
  connection: 'acme',
  asked: 'due',
  outcome: 'suspect',
  reason: 'invalid_grant',
  at,
  status: 400,
  error: 'invalid_grant',
  requestId: 'r-1',
  fingerprintOld: '0123456789ab',
  totalMs: 5,
  ...change,
});
const attempts = () => createAttempts({ redis: redis.redis });

test('the newest comes first, twenty are kept, and they go after a month', async () => {
  for (let n = 0; n < 25; n++) await attempts().note(report({ requestId: `r-${n}` }), now + n);
  const found = await attempts().of('acme');
  expect(found).toHaveLength(20);
  expect(found[0]).toEqual({
    at: now + 24,
    outcome: 'suspect',
    reason: 'invalid_grant',
    asked: 'due',
    status: 400,
    error: 'invalid_grant',
    requestId: 'r-24',
  });
  expect(await redis.redis.ttl('{pilotlight}:attempts:acme')).toBeGreaterThan(29 * 86_400);
});

test('a success costs nothing where nothing failed, and is a line where something did', async () => {
  const rotated = report({ outcome: 'rotated', reason: 'none' });
  await attempts().note(rotated, now);
  expect(await redis.redis.exists('{pilotlight}:attempts:acme')).toBe(0);
  await attempts().note(report(), now);
  await attempts().note(rotated, now + 1);
  expect((await attempts().of('acme')).map(({ outcome }) => outcome)).toEqual(['rotated', 'suspect']);
});

test('what was not tried is not remembered, and no fingerprint is', async () => {
  for (const outcome of ['notDue', 'busy', 'gone'] as const) await attempts().note(report({ outcome }), now);
  expect(await redis.redis.keys('*')).toEqual([]);
  await attempts().note(report(), now);
  expect(JSON.stringify(await attempts().of('acme'))).not.toContain('0123456789ab');
});

test('attempts are counted by client, outcome and reason since the beginning of yesterday', async () => {
  await attempts().note(report(), now - 2 * day);
  await attempts().note(report(), now - day);
  await attempts().note(report({ connection: 'other' }), now);
  await attempts().note(report({ outcome: 'rotated', reason: 'none' }), now);
  const { windowMs, of } = await attempts().mixes(now);
  expect(windowMs).toBe(day + 3 * 3_600_000);
  expect([...of.keys()]).toEqual([clientKey(at)]);
  expect(of.get(clientKey(at))?.toSorted((a, b) => b.count - a.count)).toEqual([
    { outcome: 'suspect', reason: 'invalid_grant', count: 2 },
    { outcome: 'rotated', reason: 'none', count: 1 },
  ]);
  expect(await redis.redis.ttl('{pilotlight}:mix:2026-11-21')).toBeGreaterThan(86_400);
});
