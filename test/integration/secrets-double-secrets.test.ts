/** The Secrets Manager double, asked by the untouched SDK: secrets as a whole, tags and deletion. */
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  RestoreSecretCommand,
  SecretsManagerClient,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateSecretCommand,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Clock, systemClock } from '../../src/runtime/clock.ts';
import { systemRandom } from '../../src/runtime/random.ts';
import { createSecretsManagerDouble } from '../../src/sandbox/secrets-manager/double.ts';
import { testCredentials } from '../support/store-fixture.ts';

const random = systemRandom();
const dayMs = 86_400_000;
const base = systemClock();
let turnedMs = 0;
const clock: Clock = { ...base, now: () => base.now() + turnedMs };
const double = createSecretsManagerDouble({ clock, random, versionLimits: { max: 140 } });
let sdk: SecretsManagerClient;

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

/** Type and text of what a call is refused with. */
async function refusal(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'no refusal',
    (error: Error) => `${error.name}: ${error.message}`,
  );
}

let count = 0;
async function made(value = 'first'): Promise<{ SecretId: string; first: string }> {
  const Name = `versions/${++count}`;
  const answer = await sdk.send(new CreateSecretCommand({ Name, SecretString: value }));
  return { SecretId: Name, first: answer.VersionId ?? '' };
}

const put = (input: ConstructorParameters<typeof PutSecretValueCommand>[0]) =>
  sdk.send(new PutSecretValueCommand(input));
const move = (input: ConstructorParameters<typeof UpdateSecretVersionStageCommand>[0]) =>
  sdk.send(new UpdateSecretVersionStageCommand(input));
const describeOf = (SecretId: string) => sdk.send(new DescribeSecretCommand({ SecretId }));
const stagesOf = async (SecretId: string) => (await describeOf(SecretId)).VersionIdsToStages;

describe('CreateSecret, UpdateSecret and tags', () => {
  test('refuses a name that is taken and repeats itself for the same token and content', async () => {
    const input = { Name: `versions/${++count}`, SecretString: 'a', ClientRequestToken: random.uuid() };
    const first = await sdk.send(new CreateSecretCommand(input));
    expect((await sdk.send(new CreateSecretCommand(input))).ARN).toBe(first.ARN);
    const other = new CreateSecretCommand({ ...input, ClientRequestToken: random.uuid() });
    expect(await refusal(sdk.send(other))).toMatch(/^ResourceExistsException/);
    expect(await refusal(sdk.send(new CreateSecretCommand({ Name: 'not ok!', SecretString: 'a' })))).toMatch(
      /^Validation/,
    );
  });

  test('UpdateSecret always moves AWSCURRENT', async () => {
    const { SecretId, first } = await made();
    const { VersionId = '' } = await sdk.send(new UpdateSecretCommand({ SecretId, SecretString: 'b' }));
    expect(await stagesOf(SecretId)).toEqual({ [first]: ['AWSPREVIOUS'], [VersionId]: ['AWSCURRENT'] });
  });

  test('holds 50 tags of 128 and 256 characters, and not one more', async () => {
    const { SecretId } = await made();
    const tag = (Key: string, Value = '') => sdk.send(new TagResourceCommand({ SecretId, Tags: [{ Key, Value }] }));
    for (let i = 0; i < 50; i++) double.secrets.tag(SecretId, { [`k${i}`]: 'v' });
    expect(await refusal(tag('one-more'))).toMatch(/^InvalidParameterException/);
    await tag('k0', 'x'.repeat(256));
    await sdk.send(new UntagResourceCommand({ SecretId, TagKeys: ['k1', 'never-there'] }));
    await tag('x'.repeat(128));
    expect(await refusal(tag('x'.repeat(129)))).toMatch(/^ValidationException/);
    expect(await refusal(tag('k0', 'x'.repeat(257)))).toMatch(/^ValidationException/);
    expect(await refusal(tag('aws:mine'))).toMatch(/^InvalidParameterException/);
  });
});

describe('deletion', () => {
  test('waits for its window: describable, restorable, and closed to everything else', async () => {
    const { SecretId } = await made();
    await sdk.send(new DeleteSecretCommand({ SecretId, RecoveryWindowInDays: 7 }));
    expect((await describeOf(SecretId)).DeletedDate).toBeInstanceOf(Date);
    const closed = [
      () => sdk.send(new GetSecretValueCommand({ SecretId })),
      () => put({ SecretId, SecretString: 'b' }),
      () => move({ SecretId, VersionStage: 'MINE', MoveToVersionId: random.uuid() }),
      () => sdk.send(new TagResourceCommand({ SecretId, Tags: [{ Key: 'a', Value: 'b' }] })),
      () => sdk.send(new UntagResourceCommand({ SecretId, TagKeys: ['a'] })),
      () => sdk.send(new CreateSecretCommand({ Name: SecretId, SecretString: 'again' })),
      () => sdk.send(new DeleteSecretCommand({ SecretId })),
    ];
    for (const call of closed) expect(await refusal(call())).toMatch(/^InvalidRequestException: .*deletion/);
    await sdk.send(new RestoreSecretCommand({ SecretId }));
    expect((await sdk.send(new GetSecretValueCommand({ SecretId }))).SecretString).toBe('first');
    expect(await refusal(sdk.send(new RestoreSecretCommand({ SecretId })))).toMatch(/^InvalidRequestException/);
  });

  test('is final after its window, or at once when forced', async () => {
    const { SecretId } = await made();
    await sdk.send(new DeleteSecretCommand({ SecretId, RecoveryWindowInDays: 7 }));
    turnedMs += 7 * dayMs;
    expect(await refusal(describeOf(SecretId))).toMatch(/^ResourceNotFoundException/);
    const { SecretId: forced } = await made();
    const { ARN } = await describeOf(forced);
    await sdk.send(new DeleteSecretCommand({ SecretId: forced, ForceDeleteWithoutRecovery: true }));
    expect(await refusal(describeOf(forced))).toMatch(/^ResourceNotFoundException/);
    const again = await sdk.send(new CreateSecretCommand({ Name: forced, SecretString: 'again' }));
    expect(again.ARN).not.toBe(ARN);
  });

  test('refuses windows AWS refuses', async () => {
    const { SecretId } = await made();
    const remove = (input: object) => refusal(sdk.send(new DeleteSecretCommand({ SecretId, ...input })));
    expect(await remove({ RecoveryWindowInDays: 6 })).toMatch(/^ValidationException/);
    expect(await remove({ RecoveryWindowInDays: 31 })).toMatch(/^ValidationException/);
    expect(await remove({ RecoveryWindowInDays: 7, ForceDeleteWithoutRecovery: true })).toMatch(/^InvalidParameter/);
  });

  test('of a replica, and every write to one, is refused', async () => {
    double.secrets.seed([{ name: 'replica', value: 'x', primaryRegion: 'us-east-1' }]);
    expect(await refusal(put({ SecretId: 'replica', SecretString: 'b' }))).toMatch(
      /^InvalidRequestException: .*replica/,
    );
    expect((await describeOf('replica')).PrimaryRegion).toBe('us-east-1');
  });
});
