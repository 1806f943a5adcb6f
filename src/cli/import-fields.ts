/**
 * The fields of an import entry: what each must look like, and the document they become. Fields that are not ours belong to
 * the customer and are kept as they were written. Nothing here repeats a value.
 */
import { type FieldNames, isPlaceholder } from '../connection/document.ts';
import { readInstant } from '../connection/instant.ts';
import { setMember } from '../connection/json-edit.ts';
import type { Member } from './import-file.ts';

/** Members of a document, by the name they have in an import file. */
const documentFields = {
  provider: 'provider',
  environment: 'environment',
  client: 'client',
  refresh_token: 'refreshToken',
  access_token: 'accessToken',
  token_type: 'tokenType',
  expires_at: 'expiresAt',
  scope: 'scope',
  consented_at: 'consentedAt',
  refreshed_at: 'refreshedAt',
  api_access_point: 'apiAccessPoint',
  data_center: 'dataCenter',
  grant_type: 'grantType',
} as const satisfies Record<string, keyof FieldNames>;

type Field = keyof typeof documentFields | 'id' | 'owner';
const fields = [...Object.keys(documentFields), 'id', 'owner'] as Field[];
const required: readonly Field[] = ['id', 'provider', 'client', 'refresh_token'];
const instants: readonly Field[] = ['expires_at', 'consented_at', 'refreshed_at'];
/** Fields that commands show. */
const shown: readonly Field[] = ['id', 'provider', 'environment', 'client', 'owner'];
const tokens: readonly Field[] = ['refresh_token', 'access_token'];

/** Farthest instants believed, as in the documents the service reads. */
const soonMs = 86_400_000;
const expiryMsMax = 20 * 365 * 86_400_000;

export type FieldProblem = readonly [field: string | undefined, message: string];

export interface ReadFields {
  readonly values: ReadonlyMap<Field, string | number>;
  /** Members that are the customer's own. */
  readonly others: readonly Member[];
  readonly problems: readonly FieldProblem[];
}

const plain = (key: string) => key.toLowerCase().replaceAll(/[_-]/g, '');
const byPlainName = new Map(fields.map((field) => [plain(field), field]));

/** Reads an entry's members. Case, `_` and `-` in names do not count; null is as if it were not there. */
export function readFields(members: readonly Member[], names: FieldNames, now: number): ReadFields {
  const values = new Map<Field, string | number>();
  const given = new Set<Field>();
  const others: Member[] = [];
  const problems: FieldProblem[] = [];
  for (const member of members) {
    const field = byPlainName.get(plain(member.key));
    if (field === undefined) {
      others.push(member);
      continue;
    }
    if (member.value === null) continue;
    const problem = given.has(field) ? 'is given twice' : problemWith(field, member.value, now);
    given.add(field);
    if (problem === undefined) {
      values.set(field, member.value as string | number);
      continue;
    }
    problems.push([field, problem]);
    // Which of two is meant is not ours to guess.
    values.delete(field);
  }
  problems.push(...misplacedToken(values));
  const bad = new Set(problems.map(([field]) => field));
  for (const field of required) if (!values.has(field) && !bad.has(field)) problems.push([field, 'is missing']);
  problems.push(...problemsOfOthers(others, names));
  return { values, others, problems };
}

function problemWith(field: Field, value: unknown, now: number): string | undefined {
  if (instants.includes(field)) {
    const latest = field === 'expires_at' ? now + expiryMsMax : now + soonMs;
    if (readInstant(value, latest) !== undefined) return undefined;
    return 'is no instant we can read, or lies where it cannot: write 2026-11-20T08:00:00Z, or Unix seconds';
  }
  if (typeof value !== 'string') return 'must be text';
  if (value.trim() === '') return required.includes(field) ? 'is empty' : 'is empty; leave it out instead';
  if (tokens.includes(field)) {
    // RFC 6749, appendix A.12 and A.17: tokens are visible ASCII and space.
    if (isPlaceholder(value)) return 'is a placeholder';
    if (value.trim() !== value) return 'has white space around it';
    if (!/^[\x20-\x7e]+$/.test(value)) return 'has characters no token may have';
  }
  // What Secrets Manager takes as a tag's value.
  if (field === 'owner' && !/^[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,256}$/u.test(value))
    return 'must be at most 256 letters, digits, spaces and _.:/=+-@, as a tag of the secret';
  return undefined;
}

/** Shorter tokens may be part of an id by chance. */
const tellingLength = 8;

/** A token in a field that is shown would be repeated by every list. */
function misplacedToken(values: Map<Field, string | number>): FieldProblem[] {
  const secret = tokens.map((field) => values.get(field)).filter((token) => typeof token === 'string');
  const problems: FieldProblem[] = [];
  for (const field of shown) {
    const text = String(values.get(field) ?? '');
    if (!secret.some((token) => text === token || (token.length >= tellingLength && text.includes(token)))) continue;
    values.delete(field);
    problems.push([field, 'holds the token; it belongs into refresh_token or access_token only']);
  }
  return problems;
}

function problemsOfOthers(others: readonly Member[], names: FieldNames): FieldProblem[] {
  const seen = new Set<string>();
  const problems: FieldProblem[] = [];
  for (const { key } of others) {
    if (plain(key) === plain(names.own.split('.')[0] ?? ''))
      problems.push([names.own, 'is written by the service itself; leave it out']);
    if (seen.has(key)) problems.push([undefined, 'has one of its further fields twice']);
    seen.add(key);
  }
  return problems;
}

/** The document as JSON, under the names the store uses, with the customer's own members behind. */
export function documentText({ values, others }: ReadFields, names: FieldNames): string {
  let json = '{}';
  for (const [field, name] of Object.entries(documentFields) as [keyof typeof documentFields, keyof FieldNames][]) {
    const value = values.get(field);
    if (value !== undefined) json = setMember(json, names[name], value);
  }
  if (others.length === 0) return json;
  const behind = others.map(({ key, raw }) => `${JSON.stringify(key)}:${raw}`).join(',');
  return json === '{}' ? `{${behind}}` : `${json.slice(0, -1)},${behind}}`;
}
