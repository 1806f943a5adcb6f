/**
 * The Secrets Manager double and the untouched SDK that asks it: one of each for a test file, under a calendar the tests turn,
 * with short words for the calls they make most.
 */
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  type DescribeSecretCommandOutput,
  PutSecretValueCommand,
  type PutSecretValueCommandInput,
  type PutSecretValueCommandOutput,
  SecretsManagerClient,
  UpdateSecretVersionStageCommand,
  type UpdateSecretVersionStageCommandInput,
  type UpdateSecretVersionStageCommandOutput,
} from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll } from 'vitest';
import { type Clock, systemClock } from '../../src/runtime/clock.ts';
import { type Random, systemRandom } from '../../src/runtime/random.ts';
import { createSecretsManagerDouble, type SecretsManagerDouble } from '../../src/sandbox/secrets-manager/double.ts';
import { testCredentials } from './store-fixture.ts';

export const dayMs = 86_400_000;

export interface DoubleBench {
  readonly random: Random;
  readonly double: SecretsManagerDouble;
  /** There once the tests run: read through the bench, never kept. */
  readonly sdk: SecretsManagerClient;
  turn(ms: number): void;
  /** A name no secret of this file has yet. */
  newName(): string;
  /** A new secret; `first` is the id of its version. */
  made(value?: string): Promise<{ SecretId: string; first: string }>;
  put(input: PutSecretValueCommandInput): Promise<PutSecretValueCommandOutput>;
  move(input: UpdateSecretVersionStageCommandInput): Promise<UpdateSecretVersionStageCommandOutput>;
  describeOf(SecretId: string): Promise<DescribeSecretCommandOutput>;
  stagesOf(SecretId: string): Promise<Record<string, string[]> | undefined>;
}

/** Called once at the top of a test file: sets up and clears away around its tests. */
export function doubleBench(): DoubleBench {
  const random = systemRandom();
  const base = systemClock();
  let turnedMs = 0;
  const clock: Clock = { ...base, now: () => base.now() + turnedMs };
  const double = createSecretsManagerDouble({ clock, random, versionLimits: { max: 140 } });
  let sdk: SecretsManagerClient;
  let count = 0;

  beforeAll(async () => {
    const { url } = await double.start();
    sdk = new SecretsManagerClient({
      endpoint: url,
      region: 'eu-central-1',
      credentials: testCredentials,
      maxAttempts: 1,
    });
  });
  afterAll(async () => {
    sdk.destroy();
    await double.stop();
  });

  const newName = () => `versions/${++count}`;
  const describeOf = (SecretId: string) => sdk.send(new DescribeSecretCommand({ SecretId }));
  return {
    random,
    double,
    get sdk() {
      return sdk;
    },
    turn(ms) {
      turnedMs += ms;
    },
    newName,
    async made(value = 'first') {
      const Name = newName();
      const answer = await sdk.send(new CreateSecretCommand({ Name, SecretString: value }));
      return { SecretId: Name, first: answer.VersionId ?? '' };
    },
    put: (input) => sdk.send(new PutSecretValueCommand(input)),
    move: (input) => sdk.send(new UpdateSecretVersionStageCommand(input)),
    describeOf,
    stagesOf: async (SecretId) => (await describeOf(SecretId)).VersionIdsToStages,
  };
}

/** Type and text of what a call is refused with. */
export async function refusal(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'no refusal',
    (error: Error) => `${error.name}: ${error.message}`,
  );
}
