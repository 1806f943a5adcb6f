/**
 * The IAM policy in docs/: it grants what the code calls and nothing else, and writes only to secrets that are ours. Held
 * against the commands the AWS adapter sends, so that a new call cannot come without its right, nor a right stay behind.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { snoozeTag } from '../../src/alert-parts.ts';
import { flagTag } from '../../src/connection/flag.ts';
import { accountChangeTag } from '../../src/reconsent/write-grant.ts';
import { accepted } from '../support/load-config.ts';

const root = join(import.meta.dirname, '../..');

interface Statement {
  readonly Sid: string;
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource: string;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}
const policy = JSON.parse(readFileSync(join(root, 'docs/iam-policy.json'), 'utf8')) as {
  Version: string;
  Statement: readonly Statement[];
};
const actionsOf = ({ Action }: Statement) => (typeof Action === 'string' ? [Action] : Action);

/** Calls that only `pilotlight import` makes, with its operator's own rights. */
const operatorOnly = ['CreateSecret'];

function commandsSent(): string[] {
  const folder = join(root, 'src/secrets');
  const sent = readdirSync(folder).flatMap((file) =>
    [...readFileSync(join(folder, file), 'utf8').matchAll(/\bnew ([A-Z]\w+)Command\(/g)].map(([, name = '']) => name),
  );
  return [...new Set(sent)];
}

test('the policy grants exactly what the service calls', () => {
  const sent = commandsSent();
  expect(sent).toEqual(expect.arrayContaining([...operatorOnly, 'PutSecretValue', 'UntagResource']));
  const needed = sent.filter((name) => !operatorOnly.includes(name)).map((name) => `secretsmanager:${name}`);
  const granted = new Set(policy.Statement.flatMap(actionsOf));
  expect([...granted].toSorted()).toEqual(needed.toSorted());
});

test('it allows only, grants no wildcard action, and every statement has a name', () => {
  expect(policy.Version).toBe('2012-10-17');
  expect(policy.Statement.every(({ Effect }) => Effect === 'Allow')).toBe(true);
  expect(policy.Statement.flatMap(actionsOf).filter((action) => action.includes('*'))).toEqual([]);
  expect(new Set(policy.Statement.map(({ Sid }) => Sid)).size).toBe(policy.Statement.length);
  // These two know no resource: AWS takes them for the whole account or not at all.
  const everywhere = policy.Statement.filter(({ Resource }) => Resource === '*').flatMap(actionsOf);
  expect(everywhere.toSorted()).toEqual(['secretsmanager:BatchGetSecretValue', 'secretsmanager:ListSecrets']);
});

test('values are read and written only where the tag connections are found by stands, or of clients', () => {
  const { find } = accepted().store;
  const tag = 'tag' in find ? find.tag : { key: '', value: '' };
  const touching = policy.Statement.filter((statement) =>
    actionsOf(statement).some((action) => /:(?:Put|Update|Tag|Untag|GetSecretValue)/.test(action)),
  );
  expect(touching).toHaveLength(3);
  for (const { Sid, Condition, Action } of touching) {
    if (Sid === 'ReadClientCredentials') expect(Action).toBe('secretsmanager:GetSecretValue');
    else expect(Condition?.StringEquals, Sid).toEqual({ [`aws:ResourceTag/${tag.key}`]: tag.value });
  }
});

test('tags are written only where they are the flag, so that the service cannot make a secret its own', () => {
  const tagging = policy.Statement.find(({ Action }) => Action.includes('secretsmanager:TagResource'));
  expect(tagging?.Condition?.['ForAllValues:StringEquals']).toEqual({
    'aws:TagKeys': [...Object.values(flagTag), ...Object.values(snoozeTag), accountChangeTag],
  });
});

test('a secret that is gone can be seen to be gone: looking at one asks for no tag', () => {
  const looking = policy.Statement.find(({ Action }) => Action.includes('secretsmanager:DescribeSecret'));
  expect(looking?.Condition).toBeUndefined();
});
