/**
 * What tests of a secret store share: the store under test, secrets of a test's own, and the AWS adapter on a double of its
 * own.
 */

import { type SecretStore, type SecretValue, stage } from '../../src/rotation/ports.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { PilotlightError } from '../../src/runtime/errors.ts';
import { systemRandom } from '../../src/runtime/random.ts';
import { Secret } from '../../src/runtime/secret.ts';
import {
  createSecretsManagerDouble,
  type SecretsManagerDouble,
  type SecretsManagerDoubleOptions,
} from '../../src/sandbox/secrets-manager/double.ts';
import { type AwsSecretStore, type AwsSecretStoreOptions, createAwsSecretStore } from '../../src/secrets/aws.ts';
import type { SecretImporter } from '../../src/secrets/importer.ts';

export interface StoreUnderTest {
  readonly store: SecretStore & SecretImporter;
  /** Put before every name; unique to this run. */
  readonly namePrefix: string;
  /** Tags a secret needs to be found. */
  readonly managedTags: Readonly<Record<string, string>>;
  /** A name and tags with which a secret is not found. */
  readonly unmanaged: { readonly namePrefix: string; readonly tags: Readonly<Record<string, string>> };
  /** Removes what the suite made. */
  readonly close: () => Promise<void>;
}

const random = systemRandom();

export function text(content: string): SecretValue {
  return { text: new Secret(content) };
}

/** The plain content of a value, to compare. */
export function content(value: SecretValue): string | Buffer {
  return 'text' in value ? value.text.reveal() : value.binary;
}

/** The code a call fails with; undefined where it succeeds. Anything that is no PilotlightError fails the test. */
export async function codeOf(call: Promise<unknown>): Promise<string | undefined> {
  try {
    await call;
    return undefined;
  } catch (error) {
    if (error instanceof PilotlightError) return error.code;
    throw error;
  }
}

/** Everything that could be printed of an error. */
export function printed(error: unknown): string {
  const { stack, cause } = error as Error;
  return `${error}${stack}${JSON.stringify(error)}${cause === undefined ? '' : printed(cause)}`;
}

/** Secrets of a test's own in the store under test, which is there when the test runs and not yet when it is declared. */
export function ground(target: () => StoreUnderTest) {
  let count = 0;
  const store = () => target().store;
  const newName = () => `${target().namePrefix}${++count}-${random.uuid().slice(0, 8)}`;
  return {
    target,
    store,
    newName,
    async made(value: SecretValue = text('{"refresh_token":"first"}')): Promise<{ name: string; first: string }> {
      const name = newName();
      await store().create(name, value, target().managedTags);
      return { name, first: (await store().read(name, { stage: stage.current })).versionId };
    },
    async added(name: string, stages: readonly string[], value = text('{"refresh_token":"next"}')): Promise<string> {
      const versionId = random.uuid();
      await store().put(name, { versionId, value, stages });
      return versionId;
    },
    stagesOf: async (name: string) => (await store().describe(name)).stages,
  };
}
export type Ground = ReturnType<typeof ground>;

export const managedTags = { 'pilotlight:managed': 'true' };
export const findManaged = { tagKey: 'pilotlight:managed', tagValue: 'true' };
export const testCredentials = { accessKeyId: 'AKIATEST', secretAccessKey: 'test' };

export interface AwsOnDouble {
  readonly double: SecretsManagerDouble;
  readonly store: AwsSecretStore;
  readonly url: string;
  stop(): Promise<void>;
}

/** The AWS adapter on a double of its own, over real HTTP and the real SDK. */
export async function startAwsOnDouble(
  options: { double?: Partial<SecretsManagerDoubleOptions>; store?: Partial<AwsSecretStoreOptions> } = {},
): Promise<AwsOnDouble> {
  const clock = systemClock();
  const double = createSecretsManagerDouble({ clock, random, ...options.double });
  const { url } = await double.start();
  const store = createAwsSecretStore({
    clock,
    random,
    endpoint: url,
    region: 'eu-central-1',
    credentials: testCredentials,
    limits: { connectMs: 5_000, requestMs: 20_000 },
    find: findManaged,
    ...options.store,
  });
  return {
    double,
    store,
    url,
    async stop() {
      store.close();
      await double.stop();
    },
  };
}
