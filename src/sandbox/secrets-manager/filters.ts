/** The filters of ListSecrets and BatchGetSecretValue: all must hold; within one, any value; `!` in front turns a value round. */
import { ServiceError, violates } from './errors.ts';
import { type Input, optionalTexts, requiredText } from './params.ts';
import type { Face, SecretRecord } from './state.ts';

const filtersMax = 10;

type Attributes = (secret: SecretRecord, face: Face) => readonly string[];

const attributes: Readonly<Record<string, { readonly of: Attributes; readonly anyCase: boolean }>> = {
  name: { of: (secret) => [secret.name], anyCase: false },
  description: { of: (_, face) => [face.description ?? ''], anyCase: true },
  'tag-key': { of: (_, face) => Object.keys(face.tags), anyCase: false },
  'tag-value': { of: (_, face) => Object.values(face.tags), anyCase: false },
  'primary-region': {
    of: (secret) => (secret.primaryRegion === undefined ? [] : [secret.primaryRegion]),
    anyCase: false,
  },
  'owning-service': { of: () => [], anyCase: false },
  all: {
    of: (secret, face) => [secret.name, face.description ?? '', ...Object.entries(face.tags).flat()],
    anyCase: true,
  },
};

/** One filter: any of its values is the beginning of an attribute; `!` in front turns a value round. */
function filterOf(filter: Input): (secret: SecretRecord, face: Face) => boolean {
  const key = requiredText(filter, 'Key');
  const attribute = Object.hasOwn(attributes, key) ? attributes[key] : undefined;
  if (attribute === undefined)
    throw violates('filters.key', `Member must satisfy enum value set: ${Object.keys(attributes)}`);
  const values = optionalTexts(filter, 'Values', 1, 10, { max: 512 }) ?? [];
  const { of, anyCase } = attribute;
  const fold = (text: string) => (anyCase ? text.toLowerCase() : text);
  const tests = values.map((value) => {
    const negated = value.startsWith('!');
    const prefix = fold(negated ? value.slice(1) : value);
    return (held: readonly string[]) => held.some((item) => fold(item).startsWith(prefix)) !== negated;
  });
  return (secret, face) => {
    const held = of(secret, face);
    return tests.some((test) => test(held));
  };
}

/** Whether a secret passes all filters. */
export function selects(filters: unknown): (secret: SecretRecord, face: Face) => boolean {
  if (filters === undefined || filters === null) return () => true;
  if (!Array.isArray(filters)) throw new ServiceError('SerializationException', 'Filters must be a list.');
  if (filters.length > filtersMax)
    throw violates('filters', `Member must have length less than or equal to ${filtersMax}`);
  const tests = (filters as Input[]).map(filterOf);
  return (secret, face) => tests.every((test) => test(secret, face));
}
