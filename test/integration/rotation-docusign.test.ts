/** One DocuSign rotation, end to end: cron, queue, worker, all thirteen steps, the real SDK and real HTTP. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { day, type Rig, startRig } from '../support/rig.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await startRig();
});
afterEach(() => rig.stop());

test('refreshes a connection a third into its idle window and writes the new token back by compare-and-swap', async () => {
  const held = rig.connect({ provider: 'docusign', connection: 'acme', scope: 'signature extended' }, { note: 'ours' });
  const before = rig.double.secrets.current('acme');
  rig.clock.turn(12 * day);
  const rotated = rig.next('acme', (report) => report.outcome === 'rotated');
  await rig.start();
  const report = await rotated;

  const document = rig.document('acme');
  expect(document.refresh_token).toBe(rig.sandbox.oracle.liveToken('acme'));
  expect(document.refresh_token).not.toBe(held.refreshToken);
  expect(document).toMatchObject({ note: 'ours', scope: held.scope, pilotlight: { from: before?.versionId } });
  const after = rig.double.secrets.current('acme');
  expect(after?.versionId).toBe(report.versionNew);
  expect(rig.double.secrets.read('acme', { stage: 'AWSPREVIOUS' })?.versionId).toBe(before?.versionId);
  expect(rig.sandbox.oracle.doubleSpends()).toEqual([]);
  expect(await readdir(join(rig.directory, 'spool'))).toEqual([]);
});
