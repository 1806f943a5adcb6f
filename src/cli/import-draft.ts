/**
 * One import entry judged before anything is written: the secret it would become goes through the same rules the service
 * will judge it by, so that what is imported is kept alive.
 */
import type { Config } from '../../config/derive.ts';
import type { Reason } from '../connection/entry.ts';
import { ownerTag } from '../connection/flag.ts';
import { judge, type Standing } from '../connection/standing.ts';
import { describeReason } from '../connection/words.ts';
import { answerWillFit } from '../rotation/renewal.ts';
import { Secret } from '../runtime/secret.ts';
import type { Opened } from './context.ts';
import { documentText, type FieldProblem, readFields } from './import-fields.ts';
import type { FileEntry, ImportProblem } from './import-file.ts';

/** A connection that could be made. */
export interface Draft {
  readonly number: number;
  readonly id: string;
  /** Full name of the secret. */
  readonly name: string;
  readonly value: Secret;
  readonly tags: Readonly<Record<string, string>>;
  readonly standing: Standing & { readonly usable: true };
}

export interface Drafted {
  readonly number: number;
  /** Where the entry has one that can be a secret's name. */
  readonly id: string | undefined;
  /** Undefined where there are problems. */
  readonly draft: Draft | undefined;
  readonly problems: readonly ImportProblem[];
}

type Rules = Pick<Opened, 'config' | 'rules' | 'nameOf'>;

/** Names both stores take. */
const nameRule = /^[A-Za-z0-9/_+=.@-]{1,512}$/;

/** Judges one entry. Every problem of it at once; nothing is repeated but its id. */
export function draftEntry({ number, members }: FileEntry, rules: Rules, now: number): Drafted {
  if (members === undefined) {
    const problem = { entry: number, id: undefined, field: undefined, message: 'must be a JSON object' };
    return { number, id: undefined, draft: undefined, problems: [problem] };
  }
  const read = readFields(members, rules.rules.names, now);
  const problems: FieldProblem[] = [...read.problems];
  const given = read.values.get('id');
  const wanted = typeof given === 'string' ? given : undefined;
  const name = wanted === undefined ? undefined : rules.nameOf(wanted);
  const wrongName = name === undefined ? undefined : problemOfName(name, rules.config);
  if (wrongName !== undefined) problems.push(['id', wrongName]);
  const id = wrongName === undefined ? wanted : undefined;

  const value = new Secret(documentText(read, rules.rules.names));
  const standing = judgeAsWritten(id ?? '', value, rules, now);
  const refused = new Set(problems.map(([field]) => field));
  for (const problem of problemsOfStanding(standing, read.values, rules)) {
    if (!refused.has(problem[0])) problems.push(problem);
  }
  const told = problems.map(([field, message]): ImportProblem => ({ entry: number, id, field, message }));
  if (told.length > 0 || id === undefined || name === undefined || !standing.usable)
    return { number, id, draft: undefined, problems: told };
  const { find } = rules.config.store;
  const owner = read.values.get('owner');
  const tags = {
    ...('tag' in find ? { [find.tag.key]: find.tag.value } : {}),
    ...(owner === undefined ? {} : { [ownerTag]: String(owner) }),
  };
  return { number, id, draft: { number, id, name, value, tags, standing }, problems: [] };
}

function judgeAsWritten(id: string, value: Secret, { rules }: Rules, now: number): Standing {
  const version = { versionId: 'import', createdAt: now, value: { text: value } };
  return judge({ id, tags: {}, stages: { import: ['AWSCURRENT'] }, version, known: undefined }, rules, now);
}

function problemOfName(name: string, { store: { find } }: Config): string | undefined {
  // An id may be a token pasted into the wrong field: one that is no name is not repeated.
  if (!nameRule.test(name))
    return 'cannot be the name of a secret: letters, digits and /_+=.@- only, 512 at most with the prefix';
  if ('prefix' in find && !name.startsWith(find.prefix))
    return 'leads to a name that does not begin with store.find.prefix, so it would never be found';
  return undefined;
}

/** The field of an entry a reason is about. */
const fieldOf: Readonly<Partial<Record<Reason, string>>> = {
  provider_missing: 'provider',
  provider_unknown: 'provider',
  environment_unknown: 'environment',
  client_missing: 'client',
  grant_holds_nothing: 'grant_type',
  refresh_token_missing: 'refresh_token',
};

function problemsOfStanding(
  standing: Standing,
  values: ReturnType<typeof readFields>['values'],
  { config, rules }: Rules,
): FieldProblem[] {
  const known = rules.providers.has(String(values.get('provider')));
  const problems = clientProblems(values, config, known);
  if (!standing.usable) return [...problems, reasonProblem(standing.reason, values, rules)];
  if (!answerWillFit(standing.document, standing.provider, rules.names))
    problems.push([
      undefined,
      'is too large: with a new token it would not fit into 65,536 bytes; make its other fields smaller',
    ]);
  return problems;
}

function clientProblems(
  values: ReturnType<typeof readFields>['values'],
  { clients }: Config,
  providerKnown: boolean,
): FieldProblem[] {
  const client = values.get('client');
  if (typeof client !== 'string') return [];
  const source = Object.hasOwn(clients, client) ? clients[client] : undefined;
  if (source === undefined) {
    const known = Object.keys(clients);
    const there = known.length === 0 ? 'there is none yet' : `there are ${known.slice(0, 20).join(', ')}`;
    return [['client', `is not in the configuration (${there}); add it under clients`]];
  }
  if (providerKnown && source.provider !== undefined && source.provider !== values.get('provider'))
    return [['client', `belongs to another provider (${source.provider})`]];
  return [];
}

function reasonProblem(
  reason: Reason,
  values: ReturnType<typeof readFields>['values'],
  rules: Rules['rules'],
): FieldProblem {
  const provider = rules.providers.get(String(values.get('provider')));
  switch (reason) {
    case 'provider_unknown':
      return ['provider', `is not configured (there are ${[...rules.providers.keys()].join(', ')})`];
    case 'environment_unknown':
      return ['environment', `must be one of ${Object.keys(provider?.environments ?? {}).join(', ')}`];
    case 'host_not_allowed': {
      const environment = String(values.get('environment') ?? Object.keys(provider?.environments ?? {})[0]);
      const byDataCenter = provider?.environments[environment]?.tokenUrl.includes('{data_center}') === true;
      const field = byDataCenter ? 'data_center' : 'api_access_point';
      const allowed = byDataCenter ? ` (one of ${provider?.dataCenters.join(', ')})` : '';
      return [
        field,
        `${values.has(field) ? 'is not allowed at' : 'is missing, and needed by'} this provider${allowed}`,
      ];
    }
    case 'grant_holds_nothing': {
      const why = provider?.refuseGrants[String(values.get('grant_type'))];
      return ['grant_type', `is refused: ${why ?? describeReason(reason).meaning}`];
    }
    default: {
      const { meaning, action } = describeReason(reason);
      return [fieldOf[reason], `is refused: ${meaning} ${action}`.trim()];
    }
  }
}
