/**
 * The service with the rights of its IAM documents and no others: a connection is refreshed, another is flagged and mended,
 * with every call over HTTP held against the policy as AWS would. What is not ours stays closed.
 */
import { afterEach, expect, test } from 'vitest';
import { Secret } from '../../src/runtime/secret.ts';
import { createAwsSecretStore } from '../../src/secrets/aws.ts';
import { iamDocument, listOf } from '../support/iam.ts';
import { type IamGate, startIamGate } from '../support/iam-gate.ts';
import { day, minute, type Rig, rigClient, startRig } from '../support/rig.ts';
import { testCredentials } from '../support/store-fixture.ts';

const extended = { provider: 'docusign', scope: 'signature extended' } as const;
const prefix = 'oauth/connections/';
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** The whole service behind a gate with one document, whose connections are found as that document expects. */
async function startBehind(document: string): Promise<{ rig: Rig; gate: IamGate }> {
  const rig = await startRig({
    change: (config) => ({
      ...config,
      clients: { rig: { secret: 'oauth/clients/rig' } },
      // Every call takes a way more than in other tests, so they are given more time.
      rotation: { ...config.rotation, writeLimit: 10_000, lease: 30_000 },
      store: {
        ...config.store,
        aws: { ...config.store.aws, requestLimit: 5_000 },
        ...(document === 'by-prefix.json' ? { find: { prefix }, namePrefix: prefix } : {}),
      },
    }),
  });
  const { clientId, clientSecret } = rigClient;
  rig.double.secrets.create('oauth/clients/rig', JSON.stringify({ client_id: clientId, client_secret: clientSecret }));
  const gate = await startIamGate(rig.double, rig.config.store.aws.endpoint ?? '', [iamDocument(document)]);
  closing.push(gate.stop, () => rig.stop());
  // The app reads where the store is when it starts.
  Object.assign(rig.config.store.aws, { endpoint: gate.url });
  return { rig, gate };
}

/** Turns the calendar on, again and again, until it holds: on a slow machine a try may fail, and the next comes by itself. */
const inTime = (rig: Rig, holds: () => boolean) =>
  expect
    .poll(
      () => {
        rig.clock.turn(16 * minute);
        return holds();
      },
      { timeout: 90_000, interval: 1_000 },
    )
    .toBe(true);

test.for([
  'by-tag.json',
  'by-prefix.json',
])('%s is all the service needs to refresh, to flag and to clear a flag, and each right in it is used', {
  timeout: 300_000,
}, async (document) => {
  const { rig, gate } = await startBehind(document);
  const { secrets } = rig.double;
  const flagged = () => 'pilotlight:state' in secrets.tags(`${prefix}dead`);
  const another = (connection: string) =>
    rig.sandbox.grants.create({ ...extended, connection, client: rigClient }).refreshToken;
  rig.connect({ ...extended, connection: `${prefix}dead` });
  rig.clock.turn(10 * day);
  rig.connect({ ...extended, connection: `${prefix}canary` });
  rig.clock.turn(5 * day);
  rig.sandbox.grants.revoke(`${prefix}dead`);
  await rig.start();
  await inTime(rig, flagged);
  expect(rig.sandbox.oracle.presentations(`${prefix}canary`).length).toBeGreaterThan(0);

  rig.save(`${prefix}dead`, { refresh_token: another(`${prefix}again`) });
  await inTime(rig, () => !flagged());

  // An application consents anew while our swap is on its way: ours is kept beside theirs, under a label of its own.
  const race = rig.double.faults.add({
    op: 'UpdateSecretVersionStage',
    secret: `${prefix}raced`,
    what: { call: () => void rig.save(`${prefix}raced`, { refresh_token: another(`${prefix}elsewhere`) }) },
  });
  rig.connect({ ...extended, connection: `${prefix}raced` });
  rig.clock.turn(12 * day);
  const stages = () => secrets.versions(`${prefix}raced`).flatMap((version) => version.stages);
  await inTime(rig, () => stages().some((stage) => stage.startsWith('PILOTLIGHT_ORPHAN_')));
  expect(race.fired()).toBe(1);

  expect(gate.refused()).toEqual([]);
  const granted = iamDocument(document).Statement.flatMap(({ Action }) => listOf(Action));
  expect(gate.allowed()).toEqual([...new Set(granted)].toSorted());
});

test('the gate refuses as AWS does: what is not ours cannot be read or written, and nothing can be made', async () => {
  const { rig, gate } = await startBehind('by-tag.json');
  rig.double.secrets.create('billing/database', 'theirs');
  const limits = { connectMs: 5_000, requestMs: 20_000 };
  const store = createAwsSecretStore({
    clock: rig.deps.clock,
    random: rig.deps.random,
    endpoint: gate.url,
    region: 'eu-central-1',
    credentials: testCredentials,
    limits,
    find: { tagKey: 'pilotlight:managed', tagValue: 'true' },
  });
  closing.push(async () => store.close());
  const value = { text: new Secret('ours') };
  const denied = { code: 'store_denied' };
  await expect(store.read('billing/database', { stage: 'AWSCURRENT' })).rejects.toMatchObject(denied);
  const put = { versionId: rig.deps.random.uuid(), value, stages: ['AWSCURRENT'] };
  await expect(store.put('billing/database', put)).rejects.toMatchObject(denied);
  await expect(store.tag('billing/database', { 'pilotlight:managed': 'true' })).rejects.toMatchObject(denied);
  await expect(store.create('billing/new', value, {})).rejects.toMatchObject(denied);
  expect(rig.double.secrets.current('billing/database')?.value).toBe('theirs');
  expect(gate.refused()).toHaveLength(4);
});
