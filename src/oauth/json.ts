/**
 * Reads JSON (RFC 8259) the way a token answer needs it: numbers keep their spelling (JSON.parse would round a numeric
 * token), a repeated name is noticed, `__proto__` is a name like any other, nesting is bounded, and no error quotes the
 * input (those of JSON.parse do, and the input holds tokens).
 */

export interface JsonNumber {
  readonly kind: 'number';
  /** As written. */
  readonly raw: string;
}

export interface JsonObject {
  readonly kind: 'object';
  readonly members: ReadonlyMap<string, JsonValue>;
  /** Names that came more than once with different values; `members` holds the last. */
  readonly conflicts: ReadonlySet<string>;
}

export interface JsonArray {
  readonly kind: 'array';
  readonly items: readonly JsonValue[];
}

export type JsonValue = string | boolean | null | JsonNumber | JsonObject | JsonArray;

export type JsonResult =
  | { readonly ok: true; readonly value: JsonValue }
  /** `truncated`: right so far, but the text ended too early. */
  | { readonly ok: false; readonly why: 'truncated' | 'invalid' | 'too_deep' };

/** Deeper than any token answer; keeps the recursion well within the stack. */
const depthMax = 32;

class Stop {
  readonly why: 'truncated' | 'invalid' | 'too_deep';
  constructor(why: 'truncated' | 'invalid' | 'too_deep') {
    this.why = why;
  }
}

/** Never throws. The caller bounds the text's length. */
export function readJson(text: string): JsonResult {
  const reader = { text, at: 0 };
  try {
    const value = readValue(reader, 0);
    skipSpace(reader);
    return reader.at === text.length ? { ok: true, value } : { ok: false, why: 'invalid' };
  } catch (error) {
    return { ok: false, why: error instanceof Stop ? error.why : 'invalid' };
  }
}

interface Reader {
  readonly text: string;
  at: number;
}

function readValue(reader: Reader, depth: number): JsonValue {
  if (depth > depthMax) throw new Stop('too_deep');
  skipSpace(reader);
  switch (reader.text[reader.at]) {
    case undefined:
      throw new Stop('truncated');
    case '{':
      return readObject(reader, depth);
    case '[':
      return readArray(reader, depth);
    case '"':
      return readString(reader);
    default:
      return readScalar(reader);
  }
}

function readObject(reader: Reader, depth: number): JsonObject {
  const members = new Map<string, JsonValue>();
  const conflicts = new Set<string>();
  reader.at++;
  if (take(reader, '}')) return { kind: 'object', members, conflicts };
  for (;;) {
    skipSpace(reader);
    const name = readString(reader);
    if (!take(reader, ':')) throw stopAt(reader);
    const value = readValue(reader, depth + 1);
    if (members.has(name) && !sameValue(members.get(name), value)) conflicts.add(name);
    members.set(name, value);
    if (take(reader, '}')) return { kind: 'object', members, conflicts };
    if (!take(reader, ',')) throw stopAt(reader);
  }
}

function readArray(reader: Reader, depth: number): JsonArray {
  const items: JsonValue[] = [];
  reader.at++;
  if (take(reader, ']')) return { kind: 'array', items };
  for (;;) {
    items.push(readValue(reader, depth + 1));
    if (take(reader, ']')) return { kind: 'array', items };
    if (!take(reader, ',')) throw stopAt(reader);
  }
}

function readString(reader: Reader): string {
  const { text } = reader;
  if (text[reader.at] !== '"') throw stopAt(reader);
  let end = reader.at + 1;
  while (text[end] !== '"') {
    if (end >= text.length) throw new Stop('truncated');
    end += text[end] === '\\' ? 2 : 1;
  }
  const literal = text.slice(reader.at, end + 1);
  reader.at = end + 1;
  // Only for the escapes of one literal; its error is replaced by ours.
  try {
    return JSON.parse(literal) as string;
  } catch {
    throw new Stop('invalid');
  }
}

function readScalar(reader: Reader): JsonValue {
  const word = /^[A-Za-z0-9.+-]{1,400}/.exec(reader.text.slice(reader.at, reader.at + 400))?.[0] ?? '';
  reader.at += word.length;
  const ended = reader.at === reader.text.length;
  if (word === 'true' || word === 'false') return word === 'true';
  if (word === 'null') return null;
  if (/^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(word)) return { kind: 'number', raw: word };
  throw new Stop(ended ? 'truncated' : 'invalid');
}

function take(reader: Reader, character: string): boolean {
  skipSpace(reader);
  if (reader.text[reader.at] !== character) return false;
  reader.at++;
  return true;
}

function skipSpace(reader: Reader): void {
  while (' \t\r\n'.includes(reader.text[reader.at] ?? 'x')) reader.at++;
}

function stopAt(reader: Reader): Stop {
  return new Stop(reader.at >= reader.text.length ? 'truncated' : 'invalid');
}

/** Equal scalars; two objects or arrays count as different, because which one is meant cannot be known. */
function sameValue(a: JsonValue | undefined, b: JsonValue): boolean {
  if (typeof a === 'object' && a !== null && typeof b === 'object' && b !== null) {
    return a.kind === 'number' && b.kind === 'number' && a.raw === b.raw;
  }
  return a === b;
}
