/** Every operation the double knows, and the quota each is counted under. */
import type { Operation } from './context.ts';
import { listSecrets } from './list.ts';
import { batchGetSecretValue, describeSecret, getSecretValue, listSecretVersionIds } from './operations-read.ts';
import { deleteSecret, restoreSecret, tagResource, untagResource } from './operations-tags.ts';
import { createSecret, putSecretValue, updateSecret, updateSecretVersionStage } from './operations-write.ts';
import type { QuotaGroup } from './quotas.ts';

export const operations = {
  BatchGetSecretValue: { run: batchGetSecretValue, quota: 'batch' },
  CreateSecret: { run: createSecret, quota: 'create' },
  DeleteSecret: { run: deleteSecret, quota: 'delete' },
  DescribeSecret: { run: describeSecret, quota: 'read' },
  GetSecretValue: { run: getSecretValue, quota: 'read' },
  ListSecretVersionIds: { run: listSecretVersionIds, quota: 'versions' },
  ListSecrets: { run: listSecrets, quota: 'list' },
  PutSecretValue: { run: putSecretValue, quota: 'write' },
  RestoreSecret: { run: restoreSecret, quota: 'restore' },
  TagResource: { run: tagResource, quota: 'tag' },
  UntagResource: { run: untagResource, quota: 'tag' },
  UpdateSecret: { run: updateSecret, quota: 'write' },
  UpdateSecretVersionStage: { run: updateSecretVersionStage, quota: 'write' },
} as const satisfies Readonly<Record<string, { readonly run: Operation; readonly quota: QuotaGroup }>>;

export type OperationName = keyof typeof operations;

export const operationNames = Object.keys(operations) as readonly OperationName[];

export function isOperation(name: string): name is OperationName {
  return Object.hasOwn(operations, name);
}
