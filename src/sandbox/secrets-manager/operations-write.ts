/** Operations that make versions or move labels. None changes anything before all of it is known to be allowed. */
import { assertWritable, type Context, type Operation } from './context.ts';
import { invalidRequest, ServiceError } from './errors.ts';
import { addVersion, byId, contentOf, current, holder, moveLabel, type Version } from './labels.ts';
import { assertTagRoom } from './operations-tags.ts';
import { type Input, optionalText, optionalTexts, requestToken, requiredText, secretValue, tagList } from './params.ts';
import type { SecretRecord } from './state.ts';

const namePattern = /^[\w/+=.@-]+$/;

function same(version: Version, value: string | Buffer): boolean {
  const held = contentOf(version);
  if (typeof held === 'string' || typeof value === 'string') return held === value;
  return held.equals(value);
}

/** The version a repeated ClientRequestToken stands for; throws where the token was used for another value. */
function repeated(secret: SecretRecord, id: string, value: string | Buffer, context: Context): Version | undefined {
  const version = byId(secret.face.versions, id);
  if (version === undefined || same(version, value)) return version;
  throw new ServiceError(
    'ResourceExistsException',
    `You can't use ClientRequestToken ${id} because that value is already in use for a version of secret ` +
      `${context.state.arn(secret)}.`,
  );
}

export const createSecret: Operation = (input, context) => {
  const name = requiredText(input, 'Name', { max: 512, pattern: namePattern });
  const value = secretValue(input);
  const tags = tagList(input, 'Tags') ?? {};
  assertTagRoom(tags);
  const id = requestToken(input) ?? context.random.uuid();
  const existing = context.state.byName(name);
  if (existing?.face.deletedAt !== undefined) {
    throw invalidRequest(
      "You can't create this secret because a secret with this name is already scheduled for deletion.",
    );
  }
  if (existing !== undefined) {
    const version = byId(existing.face.versions, id);
    if (value !== undefined && version !== undefined && same(version, value)) {
      return { ARN: context.state.arn(existing), Name: name, VersionId: id };
    }
    throw new ServiceError(
      'ResourceExistsException',
      `The operation failed because the secret ${name} already exists.`,
    );
  }
  const now = context.clock.now();
  const versions: Version[] = value === undefined ? [] : [{ id, value, createdAt: now, stages: [current] }];
  const face = {
    description: optionalText(input, 'Description', { min: 0, max: 2048 }),
    tags,
    versions,
    changedAt: now,
  };
  const secret = context.state.add({ name, face, createdAt: now, listedAt: now });
  context.wrote({ op: 'CreateSecret', name, versionId: value === undefined ? undefined : id });
  return { ARN: context.state.arn(secret), Name: name, VersionId: value === undefined ? undefined : id };
};

function putVersion(
  secret: SecretRecord,
  made: { readonly id: string; readonly value: string | Buffer; readonly stages: readonly string[] | undefined },
  context: Context,
): Version | undefined {
  const existing = repeated(secret, made.id, made.value, context);
  if (existing !== undefined) return existing;
  const version = { id: made.id, value: made.value, createdAt: context.clock.now() };
  const versions = addVersion(secret.face.versions, version, made.stages, context.versionLimits);
  context.state.change(secret, { versions });
  return byId(versions, made.id);
}

export const putSecretValue: Operation = (input, context) => {
  const secretId = requiredText(input, 'SecretId', { max: 2048 });
  const stages = optionalTexts(input, 'VersionStages', 1, 20, { max: 256 });
  const id = requestToken(input) ?? context.random.uuid();
  const value = secretValue(input);
  if (value === undefined) throw invalidRequest('You must provide either SecretString or SecretBinary.');
  const secret = context.state.resolve(secretId);
  assertWritable(secret);
  const isNew = byId(secret.face.versions, id) === undefined;
  const version = putVersion(secret, { id, value, stages }, context);
  if (isNew) context.wrote({ op: 'PutSecretValue', name: secret.name, versionId: id, stages: version?.stages });
  return { ARN: context.state.arn(secret), Name: secret.name, VersionId: id, VersionStages: version?.stages };
};

/** Changes the description, and makes a value AWSCURRENT; there is no asking for other labels here. */
export const updateSecret: Operation = (input, context) => {
  const secret = context.state.resolve(requiredText(input, 'SecretId', { max: 2048 }));
  const description = optionalText(input, 'Description', { min: 0, max: 2048 });
  const id = requestToken(input) ?? context.random.uuid();
  const value = secretValue(input);
  assertWritable(secret);
  if (value !== undefined) putVersion(secret, { id, value, stages: undefined }, context);
  if (description !== undefined) context.state.change(secret, { description });
  context.wrote({ op: 'UpdateSecret', name: secret.name, versionId: value === undefined ? undefined : id });
  return { ARN: context.state.arn(secret), Name: secret.name, VersionId: value === undefined ? undefined : id };
};

export const updateSecretVersionStage: Operation = (input: Input, context) => {
  const secretId = requiredText(input, 'SecretId', { max: 2048 });
  const stage = requiredText(input, 'VersionStage', { max: 256 });
  const from = optionalText(input, 'RemoveFromVersionId', { min: 32, max: 64 });
  const to = optionalText(input, 'MoveToVersionId', { min: 32, max: 64 });
  const secret = context.state.resolve(secretId);
  assertWritable(secret);
  const unchanged = to !== undefined && holder(secret.face.versions, stage)?.id === to;
  const versions = moveLabel(secret.face.versions, stage, from, to);
  if (!unchanged) {
    context.state.change(secret, { versions });
    context.wrote({ op: 'UpdateSecretVersionStage', name: secret.name, versionId: to, stages: [stage] });
  }
  return { ARN: context.state.arn(secret), Name: secret.name };
};
