/**
 * Changing members of a JSON text so that every other byte stays what the customer wrote: number spelling, layout, order,
 * members we do not know. Names are understood as json-text.ts reads them.
 */
import { parseTree } from 'jsonc-parser';
import { findValue, isBlocked, type JsonNode, memberOf } from './json-text.ts';

export interface JsonEditor {
  /** What a name stands for now. */
  valueOf(name: string): unknown;
  /**
   * Sets one member, under the spelling it has there; a new one goes to the end of its object, laid out like the member
   * before it. A blocked name leaves the text as it is: the customer's value is worth more than ours.
   */
  set(name: string, value: unknown): void;
  text(): string;
}

/** Several changes of one text. It is read again only where a change did more than put a plain value in another's place. */
export function editJson(json: string): JsonEditor {
  let text = json;
  let tree: JsonNode | undefined;
  /** Values to be replaced where `tree` has them. */
  const replaced = new Map<JsonNode, string>();

  function become(next: string): void {
    text = next;
    tree = undefined;
    replaced.clear();
  }

  function find(name: string): JsonNode | undefined {
    tree ??= parseTree(text);
    const found = tree === undefined ? undefined : findValue(tree, name);
    if (found === undefined || !replaced.has(found)) return found;
    become(withReplaced(text, replaced));
    return find(name);
  }

  return {
    valueOf: (name) => find(name)?.value,
    set(name, value) {
      const found = find(name);
      if (found !== undefined && found.children === undefined && found.type !== 'null' && typeof value !== 'object') {
        replaced.set(found, JSON.stringify(value));
        return;
      }
      become(withMember(withReplaced(text, replaced), name, value));
    },
    text: () => withReplaced(text, replaced),
  };
}

function withReplaced(text: string, replaced: ReadonlyMap<JsonNode, string>): string {
  let out = '';
  let done = 0;
  for (const [{ offset, length }, raw] of [...replaced].sort(([a], [b]) => a.offset - b.offset)) {
    out += text.slice(done, offset) + raw;
    done = offset + length;
  }
  return out + text.slice(done);
}

/** One change of one text. */
export function setMember(json: string, name: string, value: unknown): string {
  const editor = editJson(json);
  editor.set(name, value);
  return editor.text();
}

function withMember(json: string, name: string, value: unknown): string {
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
