/**
 * SecretStore over AWS Secrets Manager. Nothing is kept here: each call asks AWS, and AWS decides. Writes are sent once,
 * since only the caller knows whether to repeat them (they are idempotent by version id); reads are repeated while
 * throttled, a few times and within seconds.
 */
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  type Filter,
  GetSecretValueCommand,
  ListSecretsCommand,
  ListSecretVersionIdsCommand,
  PutSecretValueCommand,
  type SecretsManagerClient,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import type { SecretDescription, SecretStore, VersionSummary } from '../rotation/ports.ts';
import { hasCode, PilotlightError } from '../runtime/errors.ts';
import type { Random } from '../runtime/random.ts';
import { description, summary, valueInput, version } from './aws-answers.ts';
import { readBatch } from './aws-batch.ts';
import { type AwsClientOptions, createAwsClient } from './aws-client.ts';
import { type AwsCall, storeError } from './aws-errors.ts';
import { type Find, isManaged } from './find.ts';
import type { SecretImporter } from './importer.ts';

export interface AwsSecretStoreOptions extends AwsClientOptions {
  readonly random: Random;
  /** Which secrets are connections. Reading and writing works for any name. */
  readonly find: Find;
  /** How often a throttled read is tried in all. Default 4. */
  readonly readAttempts?: number;
}

export interface AwsSecretStore extends SecretStore, SecretImporter {
  /** Closes idle connections; calls in flight fail. */
  close(): void;
}

/** The largest page AWS gives. */
const pageSize = 100;
/** A list longer than this is a page token that leads nowhere: AWS holds 500,000 secrets a Region. */
const pagesMax = 20_000;
const firstBackoffMs = 100;

type Calls = ReturnType<typeof createCalls>;

function createCalls(options: AwsSecretStoreOptions) {
  const { clock, random, readAttempts = 4 } = options;

  async function write<T>(call: AwsCall, run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      throw storeError(call, error);
    }
  }

  async function read<T>(call: AwsCall, run: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await write(call, run);
      } catch (error) {
        if (!hasCode(error, 'store_throttled') || attempt >= readAttempts) throw error;
        // Anywhere between nothing and the whole wait, so that workers throttled together do not come back together.
        await clock.sleep(firstBackoffMs * 2 ** attempt * random.fraction());
      }
    }
  }

  return { read, write };
}

function filters(find: Find): Filter[] {
  if ('namePrefix' in find) return [{ Key: 'name', Values: [find.namePrefix] }];
  return [
    { Key: 'tag-key', Values: [find.tagKey] },
    { Key: 'tag-value', Values: [find.tagValue] },
  ];
}

async function* list(
  client: SecretsManagerClient,
  calls: Calls,
  find: Find,
): AsyncGenerator<readonly SecretDescription[]> {
  const call = { operation: 'ListSecrets' };
  let token: string | undefined;
  for (let page = 0; page < pagesMax; page++) {
    const input = { Filters: filters(find), MaxResults: pageSize, NextToken: token };
    const answer = await calls.read(call, () => client.send(new ListSecretsCommand(input)));
    const found = (answer.SecretList ?? [])
      .map(description)
      .filter((secret) => isManaged(find, secret.name, secret.tags));
    if (found.length > 0) yield found;
    token = answer.NextToken;
    if (token === undefined) return;
  }
  throw new PilotlightError('store_invalid', `ListSecrets did not end after ${pagesMax} pages`);
}

async function versions(client: SecretsManagerClient, calls: Calls, name: string): Promise<readonly VersionSummary[]> {
  const call = { operation: 'ListSecretVersionIds', secret: name };
  const found: VersionSummary[] = [];
  let token: string | undefined;
  for (let page = 0; page < pagesMax; page++) {
    const input = { SecretId: name, IncludeDeprecated: true, MaxResults: pageSize, NextToken: token };
    const answer = await calls.read(call, () => client.send(new ListSecretVersionIdsCommand(input)));
    found.push(...(answer.Versions ?? []).map(summary));
    token = answer.NextToken;
    if (token === undefined) return found;
  }
  throw new PilotlightError('store_invalid', `ListSecretVersionIds of ${name} did not end after ${pagesMax} pages`);
}

type Reads = Pick<SecretStore, 'list' | 'describe' | 'read' | 'readMany' | 'versions'>;
type Writes = Pick<SecretStore, 'put' | 'moveStage' | 'tag' | 'untag'> & SecretImporter;

function createReads(client: SecretsManagerClient, calls: Calls, find: Find): Reads {
  const reads: Reads = {
    list: () => list(client, calls, find),
    async describe(name) {
      const call = { operation: 'DescribeSecret', secret: name };
      return description(await calls.read(call, () => client.send(new DescribeSecretCommand({ SecretId: name }))));
    },
    async read(name, which) {
      const call = { operation: 'GetSecretValue', secret: name };
      const part = 'stage' in which ? { VersionStage: which.stage } : { VersionId: which.versionId };
      const request = () => client.send(new GetSecretValueCommand({ SecretId: name, ...part }));
      return version(await calls.read(call, request), name);
    },
    readMany: (names) =>
      readBatch({ client, call: calls.read, readOne: (name) => reads.read(name, { stage: 'AWSCURRENT' }) }, names),
    versions: (name) => versions(client, calls, name),
  };
  return reads;
}

function tagList(tags: Readonly<Record<string, string>>) {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

function createWrites(client: SecretsManagerClient, calls: Calls): Writes {
  const about = (operation: string, secret: string) => ({ operation, secret });
  return {
    async put(name, { versionId, value, stages }) {
      const input = { SecretId: name, ClientRequestToken: versionId, VersionStages: [...stages], ...valueInput(value) };
      await calls.write(about('PutSecretValue', name), () => client.send(new PutSecretValueCommand(input)));
    },
    async moveStage(name, { stage, to, from }) {
      const input = { SecretId: name, VersionStage: stage, MoveToVersionId: to, RemoveFromVersionId: from };
      const call = about('UpdateSecretVersionStage', name);
      await calls.write(call, () => client.send(new UpdateSecretVersionStageCommand(input)));
    },
    async tag(name, tags) {
      const input = { SecretId: name, Tags: tagList(tags) };
      await calls.write(about('TagResource', name), () => client.send(new TagResourceCommand(input)));
    },
    async untag(name, keys) {
      const input = { SecretId: name, TagKeys: [...keys] };
      await calls.write(about('UntagResource', name), () => client.send(new UntagResourceCommand(input)));
    },
    async create(name, value, tags) {
      const input = { Name: name, Tags: tagList(tags), ...valueInput(value) };
      await calls.write(about('CreateSecret', name), () => client.send(new CreateSecretCommand(input)));
    },
  };
}

/** Opens no connection before its first call. */
export function createAwsSecretStore(options: AwsSecretStoreOptions): AwsSecretStore {
  const client = createAwsClient(options);
  const calls = createCalls(options);
  return {
    ...createReads(client, calls, options.find),
    ...createWrites(client, calls),
    close: () => client.destroy(),
  };
}
