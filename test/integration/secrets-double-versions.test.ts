/** The Secrets Manager double, asked by the untouched SDK: versions, labels, idempotency and limits. */
import {
  CreateSecretCommand,
  GetSecretValueCommand,
  ListSecretVersionIdsCommand,
} from '@aws-sdk/client-secrets-manager';
import { describe, expect, test } from 'vitest';
import { dayMs, doubleBench, refusal } from '../support/double-bench.ts';

const bench = doubleBench();
const { random, double, turn, newName, made, put, move, describeOf, stagesOf } = bench;

describe('PutSecretValue', () => {
  test('without labels moves AWSCURRENT, and AWSPREVIOUS follows', async () => {
    const { SecretId, first } = await made();
    const { VersionId: second = '', VersionStages } = await put({ SecretId, SecretString: 'second' });
    expect(VersionStages).toEqual(['AWSCURRENT']);
    expect(await stagesOf(SecretId)).toEqual({ [first]: ['AWSPREVIOUS'], [second]: ['AWSCURRENT'] });
    expect((await bench.sdk.send(new GetSecretValueCommand({ SecretId }))).SecretString).toBe('second');
  });

  test('with a label moves that label only', async () => {
    const { SecretId, first } = await made();
    const { VersionId: second = '' } = await put({ SecretId, SecretString: 'b', VersionStages: ['MINE'] });
    const { VersionId: third = '' } = await put({ SecretId, SecretString: 'c', VersionStages: ['MINE', 'ALSO'] });
    expect(await stagesOf(SecretId)).toEqual({ [first]: ['AWSCURRENT'], [third]: ['MINE', 'ALSO'] });
    const versions = await bench.sdk.send(new ListSecretVersionIdsCommand({ SecretId, IncludeDeprecated: true }));
    expect(versions.Versions?.find((version) => version.VersionId === second)?.VersionStages).toBeUndefined();
  });

  test('gives the first version of an empty secret AWSCURRENT whatever label is asked for', async () => {
    const Name = newName();
    await bench.sdk.send(new CreateSecretCommand({ Name }));
    expect(await refusal(bench.sdk.send(new GetSecretValueCommand({ SecretId: Name })))).toBe(
      "ResourceNotFoundException: Secrets Manager can't find the specified secret value for staging label: AWSCURRENT",
    );
    const { VersionStages } = await put({ SecretId: Name, SecretString: 'a', VersionStages: ['MINE'] });
    expect([...(VersionStages ?? [])].sort()).toEqual(['AWSCURRENT', 'MINE']);
  });

  test('is ignored with the same token and content, refused with other content', async () => {
    const { SecretId } = await made();
    const ClientRequestToken = random.uuid();
    await put({ SecretId, ClientRequestToken, SecretString: 'a', VersionStages: ['MINE'] });
    const before = await stagesOf(SecretId);
    const again = await put({ SecretId, ClientRequestToken, SecretString: 'a', VersionStages: ['OTHER'] });
    expect(again).toMatchObject({ VersionId: ClientRequestToken, VersionStages: ['MINE'] });
    expect(await refusal(put({ SecretId, ClientRequestToken, SecretString: 'b' }))).toMatch(/^ResourceExistsException/);
    const bytes = { SecretId, ClientRequestToken, SecretBinary: Buffer.from('a') };
    expect(await refusal(put(bytes))).toMatch(/^ResourceExistsException/);
    expect(await stagesOf(SecretId)).toEqual(before);
  });

  test('checks token length, value size, both kinds of value and the number of labels', async () => {
    const { SecretId } = await made();
    const refused = (input: object) => refusal(put({ SecretId, SecretString: 'x', ...input }));
    expect(await refused({ ClientRequestToken: 'x'.repeat(31) })).toMatch(/^InvalidParameterException/);
    expect(await refused({ ClientRequestToken: 'x'.repeat(65) })).toMatch(/^InvalidParameterException/);
    expect(await refused({ SecretString: 'x'.repeat(65_537) })).toMatch(/^ValidationException/);
    expect(await refused({ SecretBinary: Buffer.from('x') })).toMatch(/^InvalidParameterException/);
    expect(await refused({ VersionStages: [] })).toMatch(/^ValidationException/);
    expect(await refused({ VersionStages: Array.from({ length: 21 }, (_, i) => `L${i}`) })).toMatch(
      /^ValidationException/,
    );
    expect(await refusal(put({ SecretId }))).toMatch(/^InvalidRequestException/);
    await put({ SecretId, SecretString: 'x'.repeat(65_536) });
  });

  test('keeps bytes as bytes', async () => {
    const { SecretId } = await made();
    await put({ SecretId, SecretBinary: Buffer.from([0, 255, 10]) });
    const read = await bench.sdk.send(new GetSecretValueCommand({ SecretId }));
    expect(read.SecretString).toBeUndefined();
    expect([...(read.SecretBinary ?? [])]).toEqual([0, 255, 10]);
  });

  test('removes unlabelled versions above 100, but none of the last 24 hours, and refuses when there is no room', async () => {
    const { SecretId } = await made();
    for (let i = 0; i < 139; i++) double.secrets.put(SecretId, `v${i}`);
    expect(double.secrets.versions(SecretId)).toHaveLength(140);
    expect(await refusal(put({ SecretId, SecretString: 'one more' }))).toMatch(/^LimitExceededException/);
    turn(dayMs + 1);
    await put({ SecretId, SecretString: 'room again' });
    const left = double.secrets.versions(SecretId);
    expect(left).toHaveLength(100);
    expect(left.flatMap((version) => version.stages).sort()).toEqual(['AWSCURRENT', 'AWSPREVIOUS']);
  });
});

describe('UpdateSecretVersionStage', () => {
  test('moves AWSCURRENT only from where it is; AWSPREVIOUS follows and a plain read sees it', async () => {
    const { SecretId, first } = await made();
    const { VersionId: to = '' } = await put({ SecretId, SecretString: 'b', VersionStages: ['MINE'] });
    const swap = { SecretId, VersionStage: 'AWSCURRENT', MoveToVersionId: to };
    expect(await refusal(move(swap))).toMatch(
      /^InvalidParameterException: The parameter RemoveFromVersionId can't be empty/,
    );
    expect(await refusal(move({ ...swap, RemoveFromVersionId: to }))).toMatch(/^InvalidParameterException/);
    await move({ ...swap, RemoveFromVersionId: first });
    expect(await stagesOf(SecretId)).toEqual({ [first]: ['AWSPREVIOUS'], [to]: ['MINE', 'AWSCURRENT'] });
    expect((await bench.sdk.send(new GetSecretValueCommand({ SecretId }))).VersionId).toBe(to);
    expect(await refusal(move({ ...swap, RemoveFromVersionId: first }))).toMatch(/^InvalidParameterException/);
  });

  test('changes nothing when the version to move to does not exist', async () => {
    const { SecretId, first } = await made();
    const nowhere = {
      SecretId,
      VersionStage: 'AWSCURRENT',
      RemoveFromVersionId: first,
      MoveToVersionId: random.uuid(),
    };
    expect(await refusal(move(nowhere))).toMatch(/^ResourceNotFoundException/);
    expect(await stagesOf(SecretId)).toEqual({ [first]: ['AWSCURRENT'] });
  });

  test('takes a label away, but never AWSCURRENT', async () => {
    const { SecretId, first } = await made();
    await move({ SecretId, VersionStage: 'MINE', MoveToVersionId: first });
    await move({ SecretId, VersionStage: 'MINE', RemoveFromVersionId: first });
    const away = { SecretId, VersionStage: 'AWSCURRENT', RemoveFromVersionId: first };
    expect(await refusal(move(away))).toMatch(/^InvalidParameterException/);
    expect(await stagesOf(SecretId)).toEqual({ [first]: ['AWSCURRENT'] });
  });
});

describe('reading', () => {
  test('tells a missing secret from a missing version or label', async () => {
    const { SecretId } = await made();
    const get = (input: object) => refusal(bench.sdk.send(new GetSecretValueCommand({ SecretId, ...input })));
    const missing = "ResourceNotFoundException: Secrets Manager can't find the specified secret";
    expect(await get({ SecretId: 'nowhere' })).toBe(`${missing}.`);
    expect(await get({ VersionStage: 'MINE' })).toBe(`${missing} value for staging label: MINE`);
    const id = random.uuid();
    expect(await get({ VersionId: id })).toBe(`${missing} value for VersionId: ${id}`);
  });

  test('takes a name, an ARN and an ARN without its last characters', async () => {
    const { SecretId, first } = await made();
    const { ARN = '' } = await describeOf(SecretId);
    for (const id of [ARN, ARN.slice(0, -7)]) {
      expect((await bench.sdk.send(new GetSecretValueCommand({ SecretId: id }))).VersionId).toBe(first);
    }
  });

  test('pages through versions and leaves out those without a label unless asked', async () => {
    const { SecretId } = await made();
    for (let i = 0; i < 5; i++) await put({ SecretId, SecretString: `v${i}` });
    expect((await bench.sdk.send(new ListSecretVersionIdsCommand({ SecretId }))).Versions).toHaveLength(2);
    const seen = new Set<string | undefined>();
    let NextToken: string | undefined;
    do {
      const input = { SecretId, IncludeDeprecated: true, MaxResults: 2, NextToken };
      const page = await bench.sdk.send(new ListSecretVersionIdsCommand(input));
      for (const version of page.Versions ?? []) seen.add(version.VersionId);
      NextToken = page.NextToken;
    } while (NextToken !== undefined);
    expect(seen.size).toBe(6);
  });
});
