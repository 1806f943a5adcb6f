/** What a channel has not taken is seen in the metrics, also while it waits to be tried again, until it is taken. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type AlertRig, startAlertRig } from '../support/alert-rig.ts';
import { hour } from '../support/rig.ts';

let bench: AlertRig;
beforeAll(async () => {
  bench = await startAlertRig();
});
afterAll(() => bench.stop());

const soon = { timeout: 30_000, interval: 100 };
const outbox = async () => {
  const { body } = await bench.rig.metrics.render();
  const at = /^pilotlight_alerts_outbox_oldest_timestamp_seconds (\S+)$/m.exec(body)?.[1];
  return at === undefined ? undefined : Number(at);
};
const openIncidents = async () =>
  /^pilotlight_alerts_open\{kind="cannot_be_kept",severity="warn"\} (\d+)$/m.exec(
    (await bench.rig.metrics.render()).body,
  )?.[1];

it('shows since when a channel is owed an alert, and nothing once it has taken it', async () => {
  const { rig, pager } = bench;
  const from = rig.clock.now() / 1_000;
  pager.next({ status: 400, body: '{"status":"invalid event"}' });
  rig.connect({ provider: 'docusign', scope: 'signature', connection: 'acme' });
  await rig.start();
  await expect.poll(() => pager.received.some(({ met }) => met === 400), soon).toBe(true);
  // What the receiver refused is tried again in an hour; until then it is owed, though no job is queued.
  const looked = async () =>
    /^pilotlight_alerts_looked_timestamp_seconds (\S+)$/m.exec((await rig.metrics.render()).body)?.[1];
  const before = await looked();
  rig.clock.turn(1_000);
  await expect.poll(looked, soon).not.toBe(before);
  const since = await outbox();
  expect(since).toBeGreaterThanOrEqual(from);
  expect(since).toBeLessThanOrEqual(rig.clock.now() / 1_000);
  expect(await openIncidents()).toBe('1');
  expect(pager.received).toHaveLength(1);

  rig.clock.turn(hour);
  await expect.poll(() => bench.open().length, soon).toBeGreaterThan(0);
  await expect.poll(outbox, soon).toBeUndefined();
});
