/**
 * The IAM documents beside the chart: they grant what the code calls and nothing else. Held against the commands the AWS
 * adapter sends, so that a new call cannot come without its right, nor a right stay behind, and asked by an evaluator of
 * our own what they allow and, above all, what they do not.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { snoozeTag } from '../../src/alert-parts.ts';
import { flagTag } from '../../src/connection/flag.ts';
import { accountChangeTag } from '../../src/reconsent/write-grant.ts';
import { account, allows, iamDocument, listOf, type Policy, type Statement, secretRequest } from '../support/iam.ts';
import { accepted } from '../support/load-config.ts';

const root = join(import.meta.dirname, '../..');
const files = readdirSync(join(root, 'helm/pilotlight/iam')).toSorted();
const [byTag, byPrefix, connect, operator, kms] = ['by-tag', 'by-prefix', 'connect', 'operator', 'kms'].map((name) =>
  iamDocument(`${name}.json`),
) as [Policy, Policy, Policy, Policy, Policy];

const actionsOf = ({ Action }: Statement) => listOf(Action);
const statements = ({ Statement }: Policy) => Statement;
const managed = { 'pilotlight:managed': 'true' };
const flagKeys = [...Object.values(flagTag), ...Object.values(snoozeTag), accountChangeTag];

/** Made by the service for a customer who connects, and by `pilotlight import`: rights of their own. */
const making = ['CreateSecret'];

function commandsSent(): string[] {
  const folder = join(root, 'src/secrets');
  const sent = readdirSync(folder).flatMap((file) =>
    [...readFileSync(join(folder, file), 'utf8').matchAll(/\bnew ([A-Z]\w+)Command\(/g)].map(([, name = '']) => name),
  );
  return [...new Set(sent)];
}

describe.for<[name: string, policy: Policy]>([
  ['by-tag.json', byTag],
  ['by-prefix.json', byPrefix],
])('%s', ([, policy]) => {
  test('grants exactly what the service calls', () => {
    const sent = commandsSent();
    expect(sent).toEqual(expect.arrayContaining([...making, 'PutSecretValue', 'UntagResource']));
    const needed = sent.filter((name) => !making.includes(name)).map((name) => `secretsmanager:${name}`);
    const granted = new Set(policy.Statement.flatMap(actionsOf));
    expect([...granted].toSorted()).toEqual(needed.toSorted());
  });

  test('names the account as a whole only for the two calls that know no resource', () => {
    const everywhere = policy.Statement.filter(({ Resource }) => Resource === '*').flatMap(actionsOf);
    expect(everywhere.toSorted()).toEqual(['secretsmanager:BatchGetSecretValue', 'secretsmanager:ListSecrets']);
  });

  test('lets the flag, a snooze and a used allowance be written, exactly these', () => {
    const tagging = policy.Statement.find(({ Action }) => listOf(Action).includes('secretsmanager:TagResource'));
    expect(tagging?.Condition?.['ForAllValues:StringEquals']).toEqual({ 'aws:TagKeys': flagKeys });
  });

  const mine = 'oauth/connections/acme';
  const may = (operation: string, name: string, about = {}) => allows([policy], secretRequest(operation, name, about));

  test.for([
    'GetSecretValue',
    'PutSecretValue',
    'UpdateSecretVersionStage',
    'DescribeSecret',
    'ListSecretVersionIds',
  ])('allows %s on a connection', (operation) => expect(may(operation, mine, { tags: managed })).toBe(true));

  test('allows the flag to be put on and taken off a connection', () => {
    const flag = { [flagTag.state]: 'reauth_required', [flagTag.version]: 'v' };
    expect(may('TagResource', mine, { tags: managed, requestTags: flag })).toBe(true);
    expect(may('UntagResource', mine, { tags: managed, tagKeys: flagKeys })).toBe(true);
  });

  test('allows the credentials of a client to be read, not written', () => {
    expect(may('GetSecretValue', 'oauth/clients/main')).toBe(true);
    for (const operation of ['PutSecretValue', 'UpdateSecretVersionStage', 'TagResource'])
      expect(may(operation, 'oauth/clients/main'), operation).toBe(false);
  });

  test.for([
    'GetSecretValue',
    'PutSecretValue',
    'UpdateSecretVersionStage',
    'TagResource',
    'UntagResource',
  ])('denies %s on a secret that is not ours', (operation) => {
    const flag = { requestTags: { [flagTag.state]: 'x' } };
    expect(may(operation, 'billing/database', flag)).toBe(false);
    expect(may(operation, 'billing/database', { ...flag, tags: { 'pilotlight:managed': 'false' } })).toBe(false);
  });

  test.for([
    ['pilotlight:managed'],
    ['pilotlight:owner'],
    ['team'],
    [flagTag.state, 'pilotlight:managed'],
    [],
  ])('denies tags other than the flag: %j', (tagKeys) => {
    const requestTags = Object.fromEntries(tagKeys.map((key) => [key, 'true']));
    expect(may('TagResource', mine, { tags: managed, requestTags })).toBe(false);
    expect(may('UntagResource', mine, { tags: managed, tagKeys })).toBe(false);
  });

  test.for([
    ...['DeleteSecret', 'RestoreSecret', 'CreateSecret', 'UpdateSecret', 'RotateSecret', 'CancelRotateSecret'],
    ...[
      'PutResourcePolicy',
      'DeleteResourcePolicy',
      'GetResourcePolicy',
      'ValidateResourcePolicy',
      'GetRandomPassword',
    ],
    ...['ReplicateSecretToRegions', 'RemoveRegionsFromReplication', 'StopReplicationToReplica'],
  ])('denies %s', (operation) => {
    expect(may(operation, mine, { tags: managed })).toBe(false);
    expect(allows([policy], { action: `secretsmanager:${operation}`, resource: '*', context: {} })).toBe(false);
  });
});

test('by tag, the tag is the one the default configuration finds connections by, wherever their names are', () => {
  const { find } = accepted().store;
  const tags = 'tag' in find ? { [find.tag.key]: find.tag.value } : {};
  expect(tags).toEqual(managed);
  expect(allows([byTag], secretRequest('PutSecretValue', 'anything/at/all', { tags }))).toBe(true);
});

test('by tag, a secret that is gone can be seen to be gone: looking at one asks for no tag', () => {
  expect(allows([byTag], secretRequest('DescribeSecret', 'oauth/connections/gone'))).toBe(true);
});

test('by prefix, no tag opens a secret elsewhere', () => {
  for (const operation of ['GetSecretValue', 'PutSecretValue', 'DescribeSecret'])
    expect(allows([byPrefix], secretRequest(operation, 'oauth/connection-other/a', { tags: managed }))).toBe(false);
});

describe('connect.json', () => {
  const may = (operation: string, name: string, requestTags: Record<string, string>, tags = {}) =>
    allows([byTag, connect], secretRequest(operation, name, { requestTags, tags }));

  test('lets the service make a connection among the connections, tagged as ours or by its name alone', () => {
    for (const operation of ['CreateSecret', 'TagResource'])
      expect(may(operation, 'oauth/connections/new', managed), operation).toBe(true);
    expect(may('CreateSecret', 'oauth/connections/new', {})).toBe(true);
  });

  test('and nowhere else, with no other tag, and with nothing taken off', () => {
    for (const operation of ['CreateSecret', 'TagResource']) {
      expect(may(operation, 'billing/database', managed), operation).toBe(false);
      expect(may(operation, 'oauth/connections/new', { 'pilotlight:managed': 'false' }), operation).toBe(false);
      expect(may(operation, 'oauth/connections/new', { ...managed, team: 'a' }), operation).toBe(false);
    }
    const off = secretRequest('UntagResource', 'oauth/connections/a', { tags: managed, tagKeys: Object.keys(managed) });
    expect(allows([byTag, connect], off)).toBe(false);
  });
});

describe('operator.json', () => {
  const may = (operation: string, name: string, about = {}) =>
    allows([operator], secretRequest(operation, name, about));
  const mine = 'oauth/connections/acme';

  test('lets a person import with an owner, adopt, hand over and release a connection', () => {
    const requestTags = { ...managed, 'pilotlight:owner': 'team' };
    for (const operation of ['CreateSecret', 'TagResource'])
      expect(may(operation, mine, { requestTags }), operation).toBe(true);
    expect(may('UntagResource', mine, { tags: managed, tagKeys: ['pilotlight:managed'] })).toBe(true);
  });

  test('but read no value, write none, touch no other tag and no other secret', () => {
    for (const operation of ['GetSecretValue', 'PutSecretValue', 'UpdateSecretVersionStage', 'DeleteSecret'])
      expect(may(operation, mine, { tags: managed }), operation).toBe(false);
    expect(may('TagResource', mine, { requestTags: { team: 'a' } })).toBe(false);
    expect(may('TagResource', mine)).toBe(false);
    expect(may('CreateSecret', 'billing/database', { requestTags: managed })).toBe(false);
    expect(may('TagResource', 'billing/database', { requestTags: managed })).toBe(false);
  });
});

describe('kms.json', () => {
  const context = {
    'kms:ViaService': `secretsmanager.${account.REGION}.amazonaws.com`,
    'kms:CallerAccount': account.ACCOUNT,
    'kms:EncryptionContext:SecretARN': secretRequest('', 'oauth/connections/acme').resource,
  };
  const resource = `arn:aws:kms:${account.REGION}:${account.ACCOUNT}:key/${account['KEY-ID']}`;
  const may = (action: string, changed: Record<string, string | undefined> = {}, key = resource) => {
    const given = Object.entries({ ...context, ...changed }).filter(([, value]) => value !== undefined);
    return allows([kms], { action, resource: key, context: Object.fromEntries(given) as Record<string, string> });
  };

  test('lets the key be used by Secrets Manager for our secrets, to read and to write', () => {
    for (const action of ['kms:Decrypt', 'kms:GenerateDataKey']) expect(may(action), action).toBe(true);
  });

  test('and by nobody directly, for no other secret, with no other key, for nothing else', () => {
    expect(may('kms:Decrypt', { 'kms:ViaService': undefined })).toBe(false);
    expect(may('kms:Decrypt', { 'kms:ViaService': 's3.eu-central-1.amazonaws.com' })).toBe(false);
    const other = secretRequest('', 'billing/database').resource;
    expect(may('kms:Decrypt', { 'kms:EncryptionContext:SecretARN': other })).toBe(false);
    expect(may('kms:Decrypt', {}, `${resource}0`)).toBe(false);
    for (const action of ['kms:Encrypt', 'kms:CreateGrant', 'kms:ScheduleKeyDeletion', 'kms:PutKeyPolicy'])
      expect(may(action), action).toBe(false);
  });
});

test.for<[file: string, principal: Record<string, string>, keys: string[]]>([
  [
    'trust-irsa.json',
    { Federated: 'arn:aws:iam::123456789012:oidc-provider/OIDC-PROVIDER' },
    ['OIDC-PROVIDER:aud', 'OIDC-PROVIDER:sub'],
  ],
  [
    'trust-pod-identity.json',
    { Service: 'pods.eks.amazonaws.com' },
    [
      'aws:RequestTag/eks-cluster-arn',
      'aws:RequestTag/kubernetes-namespace',
      'aws:RequestTag/kubernetes-service-account',
      'aws:SourceAccount',
    ],
  ],
])('%s trusts one service account of one namespace, and names each by its exact value', ([file, principal, keys]) => {
  const [statement, ...more] = statements(iamDocument(file));
  expect(more).toEqual([]);
  expect(statement).toMatchObject({ Effect: 'Allow', Principal: principal });
  expect(Object.keys(statement?.Condition ?? {})).toEqual(['StringEquals']);
  const { StringEquals = {} } = statement?.Condition ?? {};
  expect(Object.keys(StringEquals).toSorted()).toEqual(keys);
  expect(Object.values(StringEquals).flatMap(listOf).join(' ')).not.toMatch(/[*?]/);
});

test('every document allows only, grants no wildcard action, names its statements, and is one of those above', () => {
  const known = ['by-tag', 'by-prefix', 'connect', 'operator', 'kms', 'trust-irsa', 'trust-pod-identity'];
  expect(files).toEqual(known.map((name) => `${name}.json`).toSorted());
  for (const file of files) {
    const { Version, Statement } = iamDocument(file);
    expect(Version, file).toBe('2012-10-17');
    expect(Statement.every(({ Effect }) => Effect === 'Allow')).toBe(true);
    expect(Statement.flatMap(actionsOf).filter((action) => /[*?]/.test(action))).toEqual([]);
    expect(new Set(Statement.map(({ Sid }) => Sid)).size).toBe(Statement.length);
    for (const { Sid } of Statement) expect(Sid).toMatch(/^[A-Za-z0-9]+$/);
  }
});

test('the evaluator knows what it evaluates: a denial wins, and a condition it does not know is an error', () => {
  const allow = { Sid: 'A', Effect: 'Allow', Action: 's:Get*', Resource: '*' } as const;
  const request = { action: 's:GetThing', resource: 'r', context: {} };
  const policy = (...Statement: Statement[]) => ({ Version: '2012-10-17', Statement });
  expect(allows([policy(allow)], request)).toBe(true);
  expect(allows([policy(allow, { ...allow, Effect: 'Deny' })], request)).toBe(false);
  expect(allows([], request)).toBe(false);
  expect(() => allows([policy({ ...allow, Condition: { DateLessThan: { k: 'v' } } })], request)).toThrow(
    /DateLessThan/,
  );
});
