/**
 * The conformance suite for both stores, and for a real endpoint where PILOTLIGHT_CONFORMANCE_ENDPOINT names one (a URL, or
 * `aws` for AWS itself with the SDK's own credentials and Region).
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DeleteSecretCommand } from '@aws-sdk/client-secrets-manager';
import { systemClock } from '../../src/runtime/clock.ts';
import { systemRandom } from '../../src/runtime/random.ts';
import { createAwsSecretStore } from '../../src/secrets/aws.ts';
import { createAwsClient } from '../../src/secrets/aws-client.ts';
import { createFileSecretStore } from '../../src/secrets/file.ts';
import { describeStoreConformance } from '../support/store-conformance.ts';
import { findManaged, managedTags, startAwsOnDouble } from '../support/store-fixture.ts';

const clock = systemClock();
const random = systemRandom();
const limits = { connectMs: 5_000, requestMs: 20_000 };
/** Tags that Secrets Manager's own filters would let through: right key and right value, on different tags. */
const crossedTags = { 'pilotlight:managed': 'false', other: 'true' };

describeStoreConformance('the AWS adapter on the double', async () => {
  const { store, stop } = await startAwsOnDouble();
  const unmanaged = { namePrefix: 'pilotlight/', tags: crossedTags };
  return { store, namePrefix: 'pilotlight/', managedTags, unmanaged, close: stop };
});

describeStoreConformance('the file store', async () => {
  const root = await mkdtemp(join(tmpdir(), 'pilotlight-store-'));
  return {
    store: createFileSecretStore({ root, key: random.bytes(32), clock, random, find: findManaged }),
    namePrefix: 'pilotlight/',
    managedTags,
    unmanaged: { namePrefix: 'pilotlight/', tags: crossedTags },
    close: () => rm(root, { recursive: true }),
  };
});

const endpoint = process.env.PILOTLIGHT_CONFORMANCE_ENDPOINT;
if (endpoint !== undefined && endpoint !== '') {
  describeStoreConformance(
    `the AWS adapter on ${endpoint}`,
    async () => {
      const run = `pilotlight-conformance/${random.uuid()}`;
      const outside = `pilotlight-conformance-outside/${random.uuid()}`;
      const where = endpoint === 'aws' ? {} : { endpoint };
      const store = createAwsSecretStore({ clock, random, ...where, limits, find: { namePrefix: run } });
      const client = createAwsClient({ clock, ...where, limits });
      const created: string[] = [];
      return {
        store: {
          ...store,
          async create(name, value, tags) {
            created.push(name);
            await store.create(name, value, tags);
          },
        },
        namePrefix: `${run}/`,
        managedTags,
        unmanaged: { namePrefix: `${outside}/`, tags: {} },
        close: async () => {
          for (const name of new Set(created)) {
            const input = { SecretId: name, ForceDeleteWithoutRecovery: true };
            await client.send(new DeleteSecretCommand(input)).catch(() => undefined);
          }
          client.destroy();
          store.close();
        },
      };
    },
    { listLagMs: endpoint === 'aws' ? 360_000 : 0 },
  );
}
