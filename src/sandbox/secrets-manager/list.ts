/**
 * ListSecrets. The list lags behind what was written, as AWS says it may by minutes; how far is the state's matter. Its
 * filters treat tag keys and tag values independently, as AWS does: a client has to check the pair itself.
 */
import { stagesByVersion, tagAnswer, wireTime } from './answers.ts';
import type { Operation } from './context.ts';
import { selects } from './filters.ts';
import { startOf, tokenFor } from './paging.ts';
import { flag, optionalNumber } from './params.ts';

const pageMax = 100;
/** Secrets looked at for one page; a filter that matches little gives short or empty pages with a token, as AWS may. */
const scanMax = 10_000;

export const listSecrets: Operation = (input, context) => {
  const size = optionalNumber(input, 'MaxResults', 1, pageMax) ?? pageMax;
  const selected = selects(input.Filters);
  const withDeleted = flag(input, 'IncludePlannedDeletion');
  const SecretList: unknown[] = [];
  let scanned = 0;
  for (const { secret, face } of context.state.listed(startOf(input))) {
    if (SecretList.length >= size || scanned++ >= scanMax) return { SecretList, NextToken: tokenFor(secret.sequence) };
    if ((face.deletedAt !== undefined && !withDeleted) || !selected(secret, face)) continue;
    SecretList.push({
      ARN: context.state.arn(secret),
      Name: secret.name,
      Description: face.description,
      CreatedDate: wireTime(secret.createdAt),
      LastChangedDate: wireTime(face.changedAt),
      DeletedDate: face.deletedAt === undefined ? undefined : wireTime(face.deletedAt),
      Tags: tagAnswer(face.tags),
      SecretVersionsToStages: stagesByVersion(face),
      PrimaryRegion: secret.primaryRegion,
    });
  }
  return { SecretList };
};
