/** Tags and the life of a secret as a whole: TagResource, UntagResource, DeleteSecret, RestoreSecret. */
import { wireTime } from './answers.ts';
import { assertWritable, type Operation } from './context.ts';
import { invalidParameter, invalidRequest, markedForDeletion } from './errors.ts';
import { flag, optionalNumber, optionalTexts, requiredText, tagList } from './params.ts';

const tagsMax = 50;
const dayMs = 86_400_000;

export function assertTagRoom(tags: Readonly<Record<string, string>>): void {
  if (Object.keys(tags).length > tagsMax) throw invalidParameter(`A secret can have at most ${tagsMax} tags.`);
}

export const tagResource: Operation = (input, context) => {
  const secretId = requiredText(input, 'SecretId', { max: 2048 });
  const added = tagList(input, 'Tags');
  if (added === undefined) throw invalidParameter('Tags must be given.');
  const secret = context.state.resolve(secretId);
  assertWritable(secret);
  const tags = { ...secret.face.tags, ...added };
  assertTagRoom(tags);
  context.state.change(secret, { tags });
  context.wrote({ op: 'TagResource', name: secret.name });
  return {};
};

export const untagResource: Operation = (input, context) => {
  const secretId = requiredText(input, 'SecretId', { max: 2048 });
  const keys = optionalTexts(input, 'TagKeys', 0, 50, { min: 1, max: 128 });
  if (keys === undefined) throw invalidParameter('TagKeys must be given.');
  const secret = context.state.resolve(secretId);
  assertWritable(secret);
  const tags = Object.fromEntries(Object.entries(secret.face.tags).filter(([key]) => !keys.includes(key)));
  context.state.change(secret, { tags });
  context.wrote({ op: 'UntagResource', name: secret.name });
  return {};
};

export const deleteSecret: Operation = (input, context) => {
  const secret = context.state.resolve(requiredText(input, 'SecretId', { max: 2048 }));
  const windowDays = optionalNumber(input, 'RecoveryWindowInDays', 7, 30);
  const force = flag(input, 'ForceDeleteWithoutRecovery');
  if (force && windowDays !== undefined) {
    throw invalidParameter("You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.");
  }
  const now = context.clock.now();
  if (!force && secret.face.deletedAt !== undefined) throw markedForDeletion();
  if (secret.primaryRegion !== undefined) assertWritable(secret);
  const goneAt = force ? now : now + (windowDays ?? 30) * dayMs;
  context.state.change(secret, { deletedAt: now, goneAt });
  if (force) context.state.remove(secret);
  context.wrote({ op: 'DeleteSecret', name: secret.name });
  return { ARN: context.state.arn(secret), Name: secret.name, DeletionDate: wireTime(goneAt) };
};

export const restoreSecret: Operation = (input, context) => {
  const secret = context.state.resolve(requiredText(input, 'SecretId', { max: 2048 }));
  if (secret.face.deletedAt === undefined) {
    throw invalidRequest("You can't restore the secret because it is not scheduled for deletion.");
  }
  context.state.change(secret, { deletedAt: undefined, goneAt: undefined });
  context.wrote({ op: 'RestoreSecret', name: secret.name });
  return { ARN: context.state.arn(secret), Name: secret.name };
};
