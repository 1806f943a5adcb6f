/**
 * Reads one YAML file as plain data and remembers on which line each key stands. YAML's surprises (duplicate keys, tabs,
 * several documents, custom tags, alias bombs) are problems, and no message quotes the text: it may hold a password.
 */
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, visit } from 'yaml';
import type { Problem } from './problem.ts';

export interface YamlFile {
  readonly file: string;
  /** Undefined where the file is empty or cannot be read as YAML. */
  readonly value: unknown;
  /** Line of the key at a path, or of the nearest key above it that exists. */
  lineOf(path: readonly PropertyKey[]): number | undefined;
}

/** Bytes of a file we read whole; configuration is far smaller. */
const fileBytesMax = 1_048_576;

export function readYaml(file: string, bytes: Uint8Array): { yaml: YamlFile; problems: Problem[] } {
  const lines = new LineCounter();
  const failed = (problems: Problem[]) => ({ yaml: { file, value: undefined, lineOf: () => undefined }, problems });
  if (bytes.length > fileBytesMax)
    return failed([{ file, key: '', message: 'is longer than 1 MiB', fix: 'is this the right file?' }]);
  const text = decode(bytes);
  if (text === undefined) return failed([{ file, key: '', message: 'is not UTF-8 text', fix: 'save it as UTF-8' }]);
  const document = parseDocument(text, { lineCounter: lines, stringKeys: true, prettyErrors: false });
  const problems = [...document.errors, ...document.warnings].map((error): Problem => {
    const { message, fix } = wordings[error.code] ?? { message: `is not valid YAML (${error.code})` };
    return { file, line: lines.linePos(error.pos[0]).line, key: '', message, ...(fix === undefined ? {} : { fix }) };
  });
  visit(document, {
    Pair(_, { key }) {
      // zod passes over this one key in a section of free names, so it would be ignored in silence.
      if (isScalar(key) && key.value === '__proto__')
        problems.push({ file, key: '__proto__', message: 'is refused as a key' });
    },
  });
  if (problems.length > 0) return failed(problems);
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 }) ?? undefined;
  } catch {
    // Thrown for aliases only: unknown ones, and too many of them.
    const fix = 'write the value out; put text that begins with * in quotes';
    return failed([
      { file, key: '', message: 'uses an alias (*name) that does not exist or is repeated too often', fix },
    ]);
  }
  return { yaml: { file, value, lineOf: (path) => lineOf(document, lines, path) }, problems: [] };
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

const wordings: Readonly<Record<string, { message: string; fix?: string }>> = {
  DUPLICATE_KEY: { message: 'has a key that stands there twice', fix: 'keep one of them' },
  TAB_AS_INDENT: { message: 'is indented with a tab', fix: 'use spaces' },
  MULTIPLE_DOCS: { message: 'begins a second document', fix: 'take out the line ---' },
  TAG_RESOLVE_FAILED: { message: 'uses a tag (!name)', fix: 'put text that begins with ! in quotes' },
  BAD_SCALAR_START: { message: 'has text that begins with a reserved character (@ or `)', fix: 'put it in quotes' },
  BAD_INDENT: { message: 'is indented so that it belongs to nothing, or a bracket is not closed' },
  MISSING_CHAR: { message: 'lacks a character, perhaps a colon, quote or bracket' },
  NON_STRING_KEY: { message: 'has a key that is not text', fix: 'put it in quotes' },
  BAD_PROP_ORDER: { message: 'is not valid YAML (properties out of order)' },
};

function lineOf(document: Document, lines: LineCounter, path: readonly PropertyKey[]): number | undefined {
  let node: unknown = document.contents;
  let found: Node | undefined;
  for (const segment of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && key.value === segment);
      if (pair === undefined) break;
      found = pair.key as Node;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(segment)];
      if (node === undefined) break;
      found = node as Node;
    } else break;
  }
  return found?.range == null ? undefined : lines.linePos(found.range[0]).line;
}
