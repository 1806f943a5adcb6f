/** How long failures are remembered: a month from the last one, whatever succeeded since. Found by the soak. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAttempts } from '../../src/queue/attempts.ts';
import type { RotationReport } from '../../src/rotation/outcome.ts';
import { startTestRedis, type TestRedis } from '../support/redis.ts';

let redis: TestRedis;
beforeAll(async () => {
  redis = await startTestRedis();
});
afterAll(() => redis.stop());

const key = '{pilotlight}:attempts:acme';
const dayS = 86_400;
const failed: RotationReport = {
  connection: 'acme',
  asked: 'due',
  outcome: 'retryLater',
  reason: 'provider_unavailable',
  at: { provider: 'acme-sign', environment: 'production', client: 'main', host: 'acme.test' },
  totalMs: 5,
};

test('a success adds a line and prolongs nothing, a further failure does', async () => {
  const attempts = createAttempts({ redis: redis.redis });
  await attempts.note(failed, 1);
  // Ten days later.
  await redis.redis.expire(key, 20 * dayS);
  await attempts.note({ ...failed, outcome: 'rotated', reason: 'none' }, 2);
  expect((await attempts.of('acme')).map(({ outcome }) => outcome)).toEqual(['rotated', 'retryLater']);
  const left = await redis.redis.ttl(key);
  expect(left).toBeLessThanOrEqual(20 * dayS);
  expect(left).toBeGreaterThan(19 * dayS);
  await attempts.note(failed, 3);
  expect(await redis.redis.ttl(key)).toBeGreaterThan(29 * dayS);
});
