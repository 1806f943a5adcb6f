/**
 * Reads request members the way the service's model declares them. A member of the wrong type is a SerializationException,
 * one out of range a ValidationException; no message quotes a value, since a value may be a secret.
 */
import { invalidParameter, ServiceError, violates } from './errors.ts';

export type Input = Readonly<Record<string, unknown>>;

/** The largest secret value, in bytes. */
export const valueBytesMax = 65_536;

function wrongType(): ServiceError {
  return new ServiceError('SerializationException', 'Start of structure or map found where not expected.');
}

interface TextLimits {
  readonly min?: number;
  readonly max?: number;
  readonly pattern?: RegExp;
}

function checkedText(key: string, value: string, limits: TextLimits): string {
  const { min = 1, max = Number.POSITIVE_INFINITY, pattern } = limits;
  if (value.length < min) throw violates(key, `Member must have length greater than or equal to ${min}`);
  if (value.length > max) throw violates(key, `Member must have length less than or equal to ${max}`);
  if (pattern !== undefined && !pattern.test(value)) throw violates(key, 'Member must satisfy the regular expression');
  return value;
}

export function optionalText(input: Input, key: string, limits: TextLimits = {}): string | undefined {
  const value = input[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw wrongType();
  return checkedText(key, value, limits);
}

export function requiredText(input: Input, key: string, limits: TextLimits = {}): string {
  const value = optionalText(input, key, limits);
  if (value === undefined) throw violates(key, 'Member must not be null');
  return value;
}

export function optionalNumber(input: Input, key: string, min: number, max: number): number | undefined {
  const value = input[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'number') throw wrongType();
  if (value < min) throw violates(key, `Member must have value greater than or equal to ${min}`);
  if (value > max) throw violates(key, `Member must have value less than or equal to ${max}`);
  return Math.trunc(value);
}

export function flag(input: Input, key: string): boolean {
  const value = input[key];
  if (value === undefined || value === null) return false;
  if (typeof value !== 'boolean') throw wrongType();
  return value;
}

export function optionalTexts(input: Input, key: string, min: number, max: number, limits: TextLimits = {}) {
  const value = input[key];
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value) || value.some((item) => typeof item !== 'string')) throw wrongType();
  if (value.length < min) throw violates(key, `Member must have length greater than or equal to ${min}`);
  if (value.length > max) throw violates(key, `Member must have length less than or equal to ${max}`);
  return (value as string[]).map((item) => checkedText(key, item, limits));
}

/** ClientRequestToken becomes the version id; AWS takes 32 to 64 characters of it. */
export function requestToken(input: Input): string | undefined {
  const token = optionalText(input, 'ClientRequestToken');
  if (token === undefined) return undefined;
  if (token.length < 32 || token.length > 64) {
    throw invalidParameter('ClientRequestToken must be 32-64 characters long.');
  }
  return token;
}

/** SecretString or SecretBinary, never both; undefined when there is neither. */
export function secretValue(input: Input): string | Buffer | undefined {
  const text = optionalText(input, 'SecretString', { min: 1 });
  const encoded = optionalText(input, 'SecretBinary', { min: 1 });
  if (text !== undefined && encoded !== undefined) {
    throw invalidParameter(
      "You can't specify both a binary secret value and a string secret value in the same secret.",
    );
  }
  const value = encoded === undefined ? text : Buffer.from(encoded, 'base64');
  if (value !== undefined && Buffer.byteLength(value) > valueBytesMax) {
    const key = encoded === undefined ? 'secretString' : 'secretBinary';
    throw violates(key, `Member must have length less than or equal to ${valueBytesMax}`);
  }
  return value;
}

/** Tags as sent, checked; 50 at most counts the secret's whole set and is checked by the caller. */
export function tagList(input: Input, key: string): Record<string, string> | undefined {
  const value = input[key];
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value)) throw wrongType();
  const tags: Record<string, string> = {};
  for (const item of value as Input[]) {
    const name = requiredText(item, 'Key', { min: 1, max: 128 });
    if (/^aws:/i.test(name)) throw invalidParameter('Tag keys that start with aws: are reserved.');
    if (Object.hasOwn(tags, name)) throw invalidParameter('A tag key may be given once only.');
    tags[name] = optionalText(item, 'Value', { min: 0, max: 256 }) ?? '';
  }
  return tags;
}
