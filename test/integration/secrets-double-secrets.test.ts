/** The Secrets Manager double, asked by the untouched SDK: secrets as a whole, tags and deletion. */
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  GetSecretValueCommand,
  RestoreSecretCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateSecretCommand,
} from '@aws-sdk/client-secrets-manager';
import { describe, expect, test } from 'vitest';
import { dayMs, doubleBench, refusal } from '../support/double-bench.ts';

const bench = doubleBench();
const { random, double, turn, newName, made, put, move, describeOf, stagesOf } = bench;

describe('CreateSecret, UpdateSecret and tags', () => {
  test('refuses a name that is taken and repeats itself for the same token and content', async () => {
    const input = { Name: newName(), SecretString: 'a', ClientRequestToken: random.uuid() };
    const first = await bench.sdk.send(new CreateSecretCommand(input));
    expect((await bench.sdk.send(new CreateSecretCommand(input))).ARN).toBe(first.ARN);
    const other = new CreateSecretCommand({ ...input, ClientRequestToken: random.uuid() });
    expect(await refusal(bench.sdk.send(other))).toMatch(/^ResourceExistsException/);
    expect(await refusal(bench.sdk.send(new CreateSecretCommand({ Name: 'not ok!', SecretString: 'a' })))).toMatch(
      /^Validation/,
    );
  });

  test('UpdateSecret always moves AWSCURRENT', async () => {
    const { SecretId, first } = await made();
    const { VersionId = '' } = await bench.sdk.send(new UpdateSecretCommand({ SecretId, SecretString: 'b' }));
    expect(await stagesOf(SecretId)).toEqual({ [first]: ['AWSPREVIOUS'], [VersionId]: ['AWSCURRENT'] });
  });

  test('holds 50 tags of 128 and 256 characters, and not one more', async () => {
    const { SecretId } = await made();
    const tag = (Key: string, Value = '') =>
      bench.sdk.send(new TagResourceCommand({ SecretId, Tags: [{ Key, Value }] }));
    for (let i = 0; i < 50; i++) double.secrets.tag(SecretId, { [`k${i}`]: 'v' });
    expect(await refusal(tag('one-more'))).toMatch(/^InvalidParameterException/);
    await tag('k0', 'x'.repeat(256));
    await bench.sdk.send(new UntagResourceCommand({ SecretId, TagKeys: ['k1', 'never-there'] }));
    await tag('x'.repeat(128));
    expect(await refusal(tag('x'.repeat(129)))).toMatch(/^ValidationException/);
    expect(await refusal(tag('k0', 'x'.repeat(257)))).toMatch(/^ValidationException/);
    expect(await refusal(tag('aws:mine'))).toMatch(/^InvalidParameterException/);
  });
});

describe('deletion', () => {
  test('waits for its window: describable, restorable, and closed to everything else', async () => {
    const { SecretId } = await made();
    await bench.sdk.send(new DeleteSecretCommand({ SecretId, RecoveryWindowInDays: 7 }));
    expect((await describeOf(SecretId)).DeletedDate).toBeInstanceOf(Date);
    const closed = [
      () => bench.sdk.send(new GetSecretValueCommand({ SecretId })),
      () => put({ SecretId, SecretString: 'b' }),
      () => move({ SecretId, VersionStage: 'MINE', MoveToVersionId: random.uuid() }),
      () => bench.sdk.send(new TagResourceCommand({ SecretId, Tags: [{ Key: 'a', Value: 'b' }] })),
      () => bench.sdk.send(new UntagResourceCommand({ SecretId, TagKeys: ['a'] })),
      () => bench.sdk.send(new CreateSecretCommand({ Name: SecretId, SecretString: 'again' })),
      () => bench.sdk.send(new DeleteSecretCommand({ SecretId })),
    ];
    for (const call of closed) expect(await refusal(call())).toMatch(/^InvalidRequestException: .*deletion/);
    await bench.sdk.send(new RestoreSecretCommand({ SecretId }));
    expect((await bench.sdk.send(new GetSecretValueCommand({ SecretId }))).SecretString).toBe('first');
    expect(await refusal(bench.sdk.send(new RestoreSecretCommand({ SecretId })))).toMatch(/^InvalidRequestException/);
  });

  test('is final after its window, or at once when forced', async () => {
    const { SecretId } = await made();
    await bench.sdk.send(new DeleteSecretCommand({ SecretId, RecoveryWindowInDays: 7 }));
    turn(7 * dayMs);
    expect(await refusal(describeOf(SecretId))).toMatch(/^ResourceNotFoundException/);
    const { SecretId: forced } = await made();
    const { ARN } = await describeOf(forced);
    await bench.sdk.send(new DeleteSecretCommand({ SecretId: forced, ForceDeleteWithoutRecovery: true }));
    expect(await refusal(describeOf(forced))).toMatch(/^ResourceNotFoundException/);
    const again = await bench.sdk.send(new CreateSecretCommand({ Name: forced, SecretString: 'again' }));
    expect(again.ARN).not.toBe(ARN);
  });

  test('refuses windows AWS refuses', async () => {
    const { SecretId } = await made();
    const remove = (input: object) => refusal(bench.sdk.send(new DeleteSecretCommand({ SecretId, ...input })));
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
