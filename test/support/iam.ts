/**
 * A small reading of IAM: whether policies allow one request. Only what our documents use is known; anything else throws,
 * so that a condition nobody evaluates cannot pass for one that holds.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

type Values = string | readonly string[];

export interface Statement {
  readonly Sid: string;
  readonly Effect: 'Allow' | 'Deny';
  readonly Action: Values;
  readonly Resource?: Values;
  readonly Principal?: Readonly<Record<string, string>>;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, Values>>>>;
}

export interface Policy {
  readonly Version: string;
  readonly Statement: readonly Statement[];
}

export interface IamRequest {
  readonly action: string;
  readonly resource: string;
  /** What AWS knows of the request by its condition keys; absent ones are absent. A list where the key has several values. */
  readonly context: Readonly<Record<string, Values>>;
}

const folder = join(import.meta.dirname, '../../helm/pilotlight/iam');

/** What stands in for the placeholders of the documents. */
export const account = {
  REGION: 'eu-central-1',
  ACCOUNT: '123456789012',
  'KEY-ID': '0f1e2d3c-1111-2222-3333-444455556666',
} as const;

/** A document beside the chart, as its installer would fill it in. */
export function iamDocument(name: string): Policy {
  let text = readFileSync(join(folder, name), 'utf8');
  for (const [placeholder, value] of Object.entries(account)) text = text.replaceAll(placeholder, value);
  return JSON.parse(text) as Policy;
}

export const listOf = (values: Values | undefined): readonly string[] =>
  values === undefined ? [] : typeof values === 'string' ? [values] : values;

/** IAM's wildcards: `*` any text, `?` one character; everything else is itself. */
function like(pattern: string, text: string): boolean {
  const source = pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 's').test(text);
}

const equal = (wanted: string, given: string) => wanted === given;

function holds(operator: string, given: readonly string[] | undefined, wanted: readonly string[]): boolean {
  const any = (one: string, alike: typeof equal) => wanted.some((value) => alike(value, one));
  switch (operator) {
    case 'StringEquals':
    case 'StringLike': {
      const alike = operator === 'StringLike' ? like : equal;
      return given !== undefined && given.length === 1 && given.every((one) => any(one, alike));
    }
    case 'StringEqualsIfExists':
      return given === undefined || holds('StringEquals', given, wanted);
    // Holds for no value at all: that is why a Null beside it asks for one.
    case 'ForAllValues:StringEquals':
      return (given ?? []).every((one) => any(one, equal));
    case 'ForAllValues:StringLike':
      return (given ?? []).every((one) => any(one, like));
    case 'Null':
      return wanted.includes(String(given === undefined || given.length === 0));
    default:
      throw new Error(`nobody here knows the condition operator ${operator}`);
  }
}

function matches({ Action, Resource, Condition = {} }: Statement, { action, resource, context }: IamRequest): boolean {
  if (!listOf(Action).some((pattern) => like(pattern.toLowerCase(), action.toLowerCase()))) return false;
  if (!listOf(Resource).some((pattern) => like(pattern, resource))) return false;
  return Object.entries(Condition).every(([operator, keys]) =>
    Object.entries(keys).every(([key, wanted]) => {
      const given = context[key];
      return holds(operator, given === undefined ? undefined : listOf(given), listOf(wanted));
    }),
  );
}

/** Whether a role with these policies may: one statement allows it, none denies it. */
export function allows(policies: readonly Policy[], request: IamRequest): boolean {
  const met = policies.flatMap(({ Statement }) => Statement).filter((statement) => matches(statement, request));
  return met.some(({ Effect }) => Effect === 'Allow') && !met.some(({ Effect }) => Effect === 'Deny');
}

/** A request about one secret: `tags` are on it, `requestTags` are to be put on it, `tagKeys` named for taking off. */
export function secretRequest(
  operation: string,
  name: string,
  about: {
    readonly tags?: Readonly<Record<string, string>>;
    readonly requestTags?: Readonly<Record<string, string>>;
    readonly tagKeys?: readonly string[];
  } = {},
): IamRequest {
  const { tags = {}, requestTags = {}, tagKeys = Object.keys(requestTags) } = about;
  const keyed = (key: string, values: Readonly<Record<string, string>>) =>
    Object.entries(values).map(([tag, value]) => [`${key}/${tag}`, value]);
  return {
    action: `secretsmanager:${operation}`,
    resource: `arn:aws:secretsmanager:${account.REGION}:${account.ACCOUNT}:secret:${name}-AbCdEf`,
    context: {
      ...Object.fromEntries([...keyed('aws:ResourceTag', tags), ...keyed('aws:RequestTag', requestTags)]),
      ...(tagKeys.length === 0 ? {} : { 'aws:TagKeys': tagKeys }),
    },
  };
}
