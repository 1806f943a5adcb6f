/** A client in doubt, as the whole service handles it: canaries and probes come by themselves, and so does recovery. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { day, minute, type Rig, rigClient, startRig } from '../support/rig.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await startRig();
});
afterEach(() => rig.stop());

const extended = { provider: 'docusign', scope: 'signature extended' } as const;
const outcome = (connection: string, wanted: string) => rig.next(connection, (report) => report.outcome === wanted);

test('a suspicion on an otherwise idle client: another connection is tried early, and only its success lets the customer be asked', async () => {
  rig.connect({ ...extended, connection: 'acme' });
  rig.clock.turn(10 * day);
  rig.connect({ ...extended, connection: 'canary' });
  rig.clock.turn(5 * day);
  rig.sandbox.grants.revoke('acme');
  const suspected = outcome('acme', 'suspect');
  const tried = rig.next('canary', ({ asked }) => asked === 'canary');
  await rig.start();
  await suspected;
  expect(await tried).toMatchObject({ outcome: 'rotated' });
  expect(rig.double.secrets.tags('acme')).toEqual({ 'pilotlight:managed': 'true' });
  const asked = outcome('acme', 'needsConsent');
  rig.clock.turn(16 * minute);
  await asked;
  expect(rig.double.secrets.tags('acme')).toMatchObject({ 'pilotlight:state': 'reauth_required' });
  expect(rig.sandbox.oracle.presentations('acme')).toHaveLength(2);
  expect(rig.sandbox.oracle.presentations('canary')).toHaveLength(1);
});

test('a wrong client secret, told as invalid grants: nobody is flagged, and all recover by themselves once it is right', async () => {
  const ids = ['a', 'b', 'c', 'd', 'e', 'f'];
  for (const connection of ids) rig.connect({ ...extended, connection });
  rig.clock.turn(15 * day);
  rig.sandbox.clients.setSecrets('docusign', rigClient.clientId, ['another']);
  const probed = rig.logged('client.probed');
  const opened = new Promise<void>((done) => {
    for (const id of ids) void rig.next(id, ({ breakerOpened }) => breakerOpened === true).then(() => done());
  });
  await rig.start();
  await opened;
  rig.clock.turn(20 * minute);
  await probed;
  rig.clock.turn(20 * minute);
  rig.sandbox.clients.setSecrets('docusign', rigClient.clientId, [rigClient.clientSecret]);
  const back = ids.map((id) => outcome(id, 'rotated'));
  rig.clock.turn(20 * minute);
  await Promise.all(back);
  expect(rig.reports.map((report) => report.outcome)).not.toContain('needsConsent');
  for (const id of ids) {
    expect(rig.double.secrets.tags(id)).toEqual({ 'pilotlight:managed': 'true' });
    expect(rig.document(id).refresh_token).toBe(rig.sandbox.oracle.liveToken(id));
  }
  expect(rig.reports.filter(({ breakerOpened }) => breakerOpened === true)).toHaveLength(1);
  expect(rig.sandbox.oracle.doubleSpends()).toEqual([]);
});
