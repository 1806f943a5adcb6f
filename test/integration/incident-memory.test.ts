/** What is remembered of deliveries: never of an incident that is gone, never of one as it was before it began again. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { DeliveryState, Incident } from '../../src/alerts/ports.ts';
import { createIncidentMemory } from '../../src/queue/incidents.ts';
import { startTestRedis, type TestRedis } from '../support/redis.ts';

let redis: TestRedis;
beforeAll(async () => {
  redis = await startTestRedis();
});
beforeEach(() => redis.redis.flushall());
afterAll(() => redis.stop());

const at = Date.UTC(2026, 10, 21, 3);
const incident: Incident = {
  key: 'production/client/acme',
  kind: 'client_rejected',
  severity: 'page',
  about: { provider: 'docusign', client: 'main' },
  since: at,
  openedAt: at,
  sequence: 1,
  event: 'opened',
  toldAt: at,
};
const again: Incident = { ...incident, openedAt: at + 3_600_000 };
const other: Incident = { ...incident, key: 'production/client/acme2' };
const accepted: DeliveryState = { sequence: 2, at, tries: 0, reference: 'r-1' };

const memory = () => createIncidentMemory({ redis: redis.redis });
const known = async () => [...(await memory().deliveries()).keys()];

test('what a channel took of an incident is remembered while it is open', async () => {
  await memory().write([incident], []);
  await memory().noteDelivery(incident, 'pager', accepted);
  expect(await memory().delivery(incident.key, 'pager')).toEqual(accepted);
  await memory().noteDelivery({ ...incident, sequence: 2 }, 'pager', { ...accepted, tries: 1 });
  expect(await memory().delivery(incident.key, 'pager')).toEqual({ ...accepted, tries: 1 });
});

test('it is forgotten with the incident; that of others stays', async () => {
  await memory().write([incident, other], []);
  for (const one of [incident, other]) await memory().noteDelivery(one, 'pager', accepted);
  await memory().write([], [incident.key]);
  expect(await known()).toEqual([other.key]);
});

test('a note that comes late hides nothing of what began again, and is not left behind by what is gone', async () => {
  await memory().write([again], []);
  await memory().noteDelivery(incident, 'pager', accepted);
  await memory().noteDelivery(other, 'pager', accepted);
  expect(await known()).toEqual([]);
});
