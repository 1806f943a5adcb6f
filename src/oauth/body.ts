/**
 * What kind of body an answer has, and its members where it has any. The content type is only a hint: strict checks of it
 * have broken clients of real servers, and after a spend being strict costs a token.
 */
import type { RawAnswer } from '../rotation/ports.ts';
import { decodeBody } from './decode.ts';
import { type JsonObject, type JsonValue, readJson } from './json.ts';

/** Largest text that is parsed, in characters: the store's limit on a secret, 65,536 bytes, is the largest useful one. */
export const parsedLengthMax = 65_536;

export type AnswerBody =
  | { readonly kind: 'members'; readonly form: 'json' | 'urlencoded'; readonly root: JsonObject; readonly text: string }
  | { readonly kind: 'empty' }
  | { readonly kind: 'html'; readonly text: string }
  /** `why` is a stable word; `text` is for the salvage scan only (bytes taken for Latin-1 where they are no UTF-8). */
  | { readonly kind: 'unreadable'; readonly why: string; readonly text: string };

/** Never throws. */
export function readBody(answer: RawAnswer): AnswerBody {
  if (answer.body.length === 0) return { kind: 'empty' };
  const decoded = decodeBody(answer);
  if (!decoded.ok) return { kind: 'unreadable', why: decoded.why, text: decoded.bytes.toString('latin1') };
  const { text } = decoded;
  const trimmed = text.trim();
  if (trimmed === '') return { kind: 'empty' };
  if (trimmed.startsWith('<'))
    return isHtml(trimmed, answer) ? { kind: 'html', text } : { kind: 'unreadable', why: 'xml', text };
  if (text.length > parsedLengthMax) return { kind: 'unreadable', why: 'too_large', text };
  const json = readJson(text);
  if (json.ok) {
    if (isObject(json.value)) return { kind: 'members', form: 'json', root: json.value, text };
    return { kind: 'unreadable', why: 'not_an_object', text };
  }
  const pairs = readForm(trimmed, answer.complete);
  if (pairs !== undefined) return { kind: 'members', form: 'urlencoded', root: pairs, text };
  if (/^eyJ[\w-]*\.[\w-]+\.[\w-]*$/.test(trimmed)) return { kind: 'unreadable', why: 'jwt', text };
  // Plain words end early too; only what began as an object may be the rest of one.
  const why = json.why === 'truncated' && !trimmed.startsWith('{') ? 'invalid' : json.why;
  return { kind: 'unreadable', why: why === 'invalid' ? 'not_json' : `json_${why}`, text };
}

function isHtml(trimmed: string, answer: RawAnswer): boolean {
  const head = trimmed.slice(0, 2_048).toLowerCase();
  if (/<(?:!doctype html|html|head|body|title|script|center|h1|div|p)\b/.test(head)) return true;
  return !head.startsWith('<?xml') && (answer.headers['content-type'] ?? '').toLowerCase().includes('html');
}

/**
 * A form-encoded answer, as some servers older than RFC 6749 give. In a cut one the last pair may be half a token and is
 * dropped.
 */
function readForm(trimmed: string, complete: boolean): JsonObject | undefined {
  if (!/^[\w.-]{1,64}=[^\s{}<>"]*$/.test(trimmed) || !/(?:^|&)(?:access_token|refresh_token|error)=/.test(trimmed))
    return undefined;
  const whole = complete ? trimmed : trimmed.slice(0, Math.max(trimmed.lastIndexOf('&'), 0));
  const members = new Map<string, JsonValue>();
  const conflicts = new Set<string>();
  for (const [name, value] of new URLSearchParams(whole)) {
    if (members.has(name) && members.get(name) !== value) conflicts.add(name);
    members.set(name, value);
  }
  return { kind: 'object', members, conflicts };
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && value.kind === 'object';
}

/** A member by name; a name that differs only by spaces around it (Adobe's own sample has one) is taken where none is exact. */
export function memberOf(object: JsonObject, name: string): JsonValue | undefined {
  const exact = object.members.get(name);
  if (exact !== undefined) return exact;
  for (const [key, value] of object.members) if (key.trim() === name) return value;
  return undefined;
}

/** A member that is a string and not empty. */
export function textOf(object: JsonObject, name: string): string | undefined {
  const value = memberOf(object, name);
  return typeof value === 'string' && value !== '' ? value : undefined;
}
