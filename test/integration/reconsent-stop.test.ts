/** A process that ends while customers come back from the provider: no grant it has taken in hand is lost, and it takes no more. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { gate } from '../support/queue-bench.ts';
import { pathOf, type ReconsentBench, startReconsentBench } from '../support/reconsent-bench.ts';

let bench: ReconsentBench;
beforeEach(async () => {
  bench = await startReconsentBench();
});
afterEach(() => bench.stop());

test('the grant in hand reaches the store; whoever comes later keeps state and code for another process', async () => {
  const hold = gate();
  const { authorization, reconsent, states } = bench;
  const [early, late] = [bench.browser(), bench.browser()];
  const earlyBack = authorization.consent(await early.press(bench.flagged('early')));
  const lateBack = authorization.consent(await late.press(bench.flagged('late')));
  authorization.before = () => (authorization.exchanges.length === 1 ? hold.opened : undefined);
  const first = early.get(pathOf(earlyBack));
  await expect.poll(() => authorization.exchanges.length).toBe(1);

  let isSettled = false;
  const settled = reconsent.settled().then(() => {
    isSettled = true;
  });
  const second = await late.get(pathOf(lateBack));
  expect([second.status, second.body]).toEqual([503, expect.stringContaining('Not possible just now')]);
  expect(bench.audited.at(-1)).toEqual({ outcome: 'not_now' });
  expect(authorization.exchanges).toHaveLength(1);
  expect(states.held.size).toBe(1);
  expect(isSettled).toBe(false);

  hold.open();
  expect((await first).status).toBe(200);
  await settled;
  expect(authorization.given).toContain(bench.document('early').refresh_token);
});
