/** Operations that read one secret, or the values of several. */
import { stagesByVersion, tagAnswer, wireTime } from './answers.ts';
import type { Context, Operation } from './context.ts';
import { invalidParameter, invalidRequest, markedForDeletion, ServiceError, valueMissing } from './errors.ts';
import { selects } from './filters.ts';
import { byId, contentOf, current, holder, type Version } from './labels.ts';
import { startOf, tokenFor } from './paging.ts';
import { flag, type Input, optionalNumber, optionalText, optionalTexts, requiredText } from './params.ts';
import type { Face, SecretRecord } from './state.ts';

const versionsPageMax = 100;
const batchMax = 20;
/** Secrets looked at for one page of a filtered batch. */
const batchScanMax = 2_000;

function pick(versions: readonly Version[], input: Input): Version {
  const id = optionalText(input, 'VersionId', { min: 32, max: 64 });
  const stage = optionalText(input, 'VersionStage', { max: 256 });
  const version = id === undefined ? holder(versions, stage ?? current) : byId(versions, id);
  if (version === undefined) {
    throw valueMissing(id === undefined ? `staging label: ${stage ?? current}` : `VersionId: ${id}`);
  }
  if (id !== undefined && stage !== undefined && !version.stages.includes(stage)) {
    throw invalidRequest('You provided a VersionStage that is not associated to the provided VersionId.');
  }
  return version;
}

function valueAnswer(secret: SecretRecord, face: Face, input: Input, context: Context) {
  if (face.deletedAt !== undefined) throw markedForDeletion();
  const version = pick(face.versions, input);
  const value = contentOf(version);
  return {
    ARN: context.state.arn(secret),
    Name: secret.name,
    VersionId: version.id,
    ...(typeof value === 'string' ? { SecretString: value } : { SecretBinary: value.toString('base64') }),
    ...(version.stages.length > 0 ? { VersionStages: version.stages } : {}),
    CreatedDate: wireTime(version.createdAt),
  };
}

export const getSecretValue: Operation = (input, context) => {
  const secret = context.state.resolve(requiredText(input, 'SecretId', { max: 2048 }));
  return valueAnswer(secret, context.faceOf(secret), input, context);
};

/** One secret's values in a batch; what is wrong with it stays its own. */
function batch(ids: readonly string[], context: Context) {
  const SecretValues: unknown[] = [];
  const Errors: unknown[] = [];
  for (const id of ids) {
    try {
      const secret = context.state.resolve(id);
      const fault = context.itemFault(secret.name);
      if (fault !== undefined) throw fault;
      SecretValues.push(valueAnswer(secret, context.faceOf(secret), {}, context));
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      Errors.push({ SecretId: id, ErrorCode: error.type, Message: error.message });
    }
  }
  return { SecretValues, Errors };
}

export const batchGetSecretValue: Operation = (input, context) => {
  const ids = optionalTexts(input, 'SecretIdList', 1, batchMax, { max: 2048 });
  const filters = input.Filters;
  if ((ids === undefined) === (filters === undefined)) {
    throw invalidParameter('You must specify either Filters or SecretIdList, but not both.');
  }
  const size = optionalNumber(input, 'MaxResults', 1, batchMax);
  if (ids !== undefined) {
    if (size !== undefined) throw invalidParameter('MaxResults can be used with Filters only.');
    return batch(ids, context);
  }
  const selected = selects(filters);
  const names: string[] = [];
  let scanned = 0;
  for (const { secret, face } of context.state.listed(startOf(input))) {
    if (names.length >= (size ?? batchMax) || scanned++ >= batchScanMax) {
      return { ...batch(names, context), NextToken: tokenFor(secret.sequence) };
    }
    if (face.deletedAt === undefined && selected(secret, face)) names.push(secret.name);
  }
  return batch(names, context);
};

export const describeSecret: Operation = (input, context) => {
  const secret = context.state.resolve(requiredText(input, 'SecretId', { max: 2048 }));
  const face = context.faceOf(secret);
  return {
    ARN: context.state.arn(secret),
    Name: secret.name,
    Description: face.description,
    CreatedDate: wireTime(secret.createdAt),
    LastChangedDate: wireTime(face.changedAt),
    DeletedDate: face.deletedAt === undefined ? undefined : wireTime(face.deletedAt),
    Tags: tagAnswer(face.tags),
    VersionIdsToStages: stagesByVersion(face),
    PrimaryRegion: secret.primaryRegion,
  };
};

export const listSecretVersionIds: Operation = (input, context) => {
  const secret = context.state.resolve(requiredText(input, 'SecretId', { max: 2048 }));
  const size = optionalNumber(input, 'MaxResults', 1, versionsPageMax) ?? versionsPageMax;
  const deprecated = flag(input, 'IncludeDeprecated');
  const shown = context.faceOf(secret).versions.filter((version) => deprecated || version.stages.length > 0);
  const start = startOf(input);
  return {
    ARN: context.state.arn(secret),
    Name: secret.name,
    NextToken: start + size < shown.length ? tokenFor(start + size) : undefined,
    Versions: shown.slice(start, start + size).map((version) => ({
      VersionId: version.id,
      VersionStages: version.stages.length > 0 ? version.stages : undefined,
      CreatedDate: wireTime(version.createdAt),
    })),
  };
};
