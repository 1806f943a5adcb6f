/**
 * JSON as text: reading members without trusting them; json-edit.ts changes them. A dotted name reaches into nested
 * objects; where a name is absent, the single member that differs only in case, `_` or `-` is taken for it and keeps its
 * own spelling.
 */
import { type Node, parseTree } from 'jsonc-parser';
import type { Reason } from './entry.ts';

export type JsonNode = Node;

/** Deeper nesting than any real secret; keeps recursive readers from running out of stack. */
const depthMax = 64;

/** The object a text holds (RFC 8259, keys unique at every level), or why it cannot be used. Never throws. */
export function readJsonObject(json: string): JsonNode | Reason {
  try {
    JSON.parse(json);
  } catch {
    return 'content_not_json';
  }
  // No text nests deeper than it opens brackets, and those are counted in no time.
  if (json.split(/[{[]/, depthMax + 2).length > depthMax + 1 && nestingOf(json) > depthMax) return 'content_not_json';
  const root = parseTree(json);
  if (root?.type !== 'object') return 'content_not_object';
  return checkKeys(root) ?? root;
}

/** The value under a configured name. */
export function findValue(root: JsonNode, name: string): JsonNode | undefined {
  let node: JsonNode | undefined = root;
  for (const part of name.split('.')) node = node === undefined ? undefined : memberOf(node, part)?.value;
  return node;
}

/** True where several members could be meant by the name and none is spelled like it. */
export function isAmbiguous(root: JsonNode, name: string): boolean {
  let node: JsonNode | undefined = root;
  for (const part of name.split('.')) {
    if (node === undefined) return false;
    const found = memberOf(node, part);
    if (found === undefined && alike(node, part).length > 1) return true;
    node = found?.value;
  }
  return false;
}

/** True where a name's way leads through something that is neither an object nor null: it cannot be written. */
export function isBlocked(root: JsonNode, name: string): boolean {
  let node: JsonNode | undefined = root;
  for (const part of name.split('.').slice(0, -1)) {
    node = node === undefined ? undefined : memberOf(node, part)?.value;
    if (node !== undefined && node.type !== 'object' && node.type !== 'null') return true;
  }
  return false;
}

export interface Member {
  readonly key: string;
  /** As it is compared where no member is spelled like the name. */
  readonly plain: string;
  readonly value: JsonNode;
  readonly property: JsonNode;
}

/** The member a name stands for in one object: spelled like it, or the only one alike. */
export function memberOf(node: JsonNode, name: string): Member | undefined {
  const exact = membersOf(node).find(({ key }) => key === name);
  if (exact !== undefined) return exact;
  const candidates = alike(node, name);
  return candidates.length === 1 ? candidates[0] : undefined;
}

function alike(node: JsonNode, name: string): Member[] {
  const wanted = plainOf(name);
  return membersOf(node).filter(({ plain }) => plain === wanted);
}

function plainOf(key: string): string {
  return key.toLowerCase().replaceAll(/[_-]/g, '');
}

/** Members of the objects looked at: a document is asked for some twenty names. Goes with the tree. */
const known = new WeakMap<JsonNode, readonly Member[]>();

function membersOf(node: JsonNode): readonly Member[] {
  const found = known.get(node);
  if (found !== undefined) return found;
  const members = (node.type === 'object' ? (node.children ?? []) : []).flatMap((property) => {
    const [key, value] = property.children ?? [];
    if (typeof key?.value !== 'string' || value === undefined) return [];
    return [{ key: key.value, plain: plainOf(key.value), value, property }];
  });
  known.set(node, members);
  return members;
}

function nestingOf(json: string): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let i = 0; i < json.length; i++) {
    const c = json[i];
    if (inString) {
      if (c === '\\') i++;
      else if (c === '"') inString = false;
    } else if (c === '"') inString = true;
    else if (c === '{' || c === '[') deepest = Math.max(deepest, ++depth);
    else if (c === '}' || c === ']') depth--;
  }
  return deepest;
}

function checkKeys(node: JsonNode): Reason | undefined {
  if (node.type === 'object') {
    const seen = new Set<string>();
    for (const property of node.children ?? []) {
      const key: unknown = property.children?.[0]?.value;
      if (typeof key !== 'string') continue;
      if (key === '__proto__') return 'forbidden_key';
      if (seen.has(key)) return 'duplicate_key';
      seen.add(key);
    }
  }
  for (const child of node.children ?? []) {
    const problem = checkKeys(child);
    if (problem !== undefined) return problem;
  }
  return undefined;
}
