/**
 * JSON as text: reading members without trusting them, and changing one so that every other byte stays what the customer
 * wrote. A dotted name reaches into nested objects; where a name is absent, the single member that differs only in case,
 * `_` or `-` is taken for it and keeps its own spelling.
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
  if (nestingOf(json) > depthMax) return 'content_not_json';
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

/**
 * The text with one member set, under the spelling it has there; a new one goes to the end of its object, laid out like
 * the member before it. A blocked name leaves the text as it is: the customer's value is worth more than ours.
 */
export function setMember(json: string, name: string, value: unknown): string {
  const root = parseTree(json);
  if (root?.type !== 'object' || isBlocked(root, name)) return json;
  const parts = name.split('.');
  let node: JsonNode = root;
  for (const [place, part] of parts.entries()) {
    const found = memberOf(node, part);
    const inner = parts.slice(place + 1).reduceRight<unknown>((wrapped, key) => ({ [key]: wrapped }), value);
    if (found === undefined) return insert(json, root, node, part, inner);
    if (place === parts.length - 1 || found.value.type === 'null') {
      const { offset, length } = found.value;
      const raw = layOut(inner, gapBefore(json, found.property), unitOf(json, root));
      return json.slice(0, offset) + raw + json.slice(offset + length);
    }
    node = found.value;
  }
  return json;
}

function insert(json: string, root: JsonNode, object: JsonNode, key: string, value: unknown): string {
  const last = object.children?.at(-1);
  if (last === undefined) {
    const at = object.offset + 1;
    return `${json.slice(0, at)}${JSON.stringify(key)}:${JSON.stringify(value)}${json.slice(at)}`;
  }
  const [lastKey, lastValue] = last.children ?? [];
  const colon = lastKey && lastValue ? json.slice(lastKey.offset + lastKey.length, lastValue.offset) : ': ';
  const gap = gapBefore(json, last);
  const at = last.offset + last.length;
  const raw = layOut(value, gap, unitOf(json, root));
  return `${json.slice(0, at)},${gap}${JSON.stringify(key)}${colon}${raw}${json.slice(at)}`;
}

/** An object goes over several lines only where its neighbours do. */
function layOut(value: unknown, gap: string, unit: string): string {
  const lastLine = /\r?\n[ \t]*$/.exec(gap)?.[0];
  if (lastLine === undefined || typeof value !== 'object') return JSON.stringify(value);
  // Indents of more than ten characters would be cut by JSON.stringify.
  return JSON.stringify(value, null, '\t').replaceAll(
    /\n(\t*)/g,
    (_, tabs: string) => lastLine + unit.repeat(tabs.length),
  );
}

/** The white space between a member and the brace or comma before it. */
function gapBefore(json: string, property: JsonNode): string {
  let start = property.offset;
  while (start > 0 && /\s/.test(json[start - 1] ?? '')) start--;
  return json.slice(start, property.offset);
}

/** What one level is indented by in this document. */
function unitOf(json: string, root: JsonNode): string {
  const first = root.children?.[0];
  const indent = first === undefined ? undefined : /\n([ \t]+)$/.exec(gapBefore(json, first))?.[1];
  return indent ?? '  ';
}

interface Member {
  readonly key: string;
  readonly value: JsonNode;
  readonly property: JsonNode;
}

function memberOf(node: JsonNode, name: string): Member | undefined {
  const exact = membersOf(node).find(({ key }) => key === name);
  if (exact !== undefined) return exact;
  const candidates = alike(node, name);
  return candidates.length === 1 ? candidates[0] : undefined;
}

function alike(node: JsonNode, name: string): Member[] {
  const plain = (key: string) => key.toLowerCase().replaceAll(/[_-]/g, '');
  return membersOf(node).filter(({ key }) => plain(key) === plain(name));
}

function membersOf(node: JsonNode): Member[] {
  return (node.type === 'object' ? (node.children ?? []) : []).flatMap((property) => {
    const [key, value] = property.children ?? [];
    return typeof key?.value === 'string' && value !== undefined ? [{ key: key.value, value, property }] : [];
  });
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
