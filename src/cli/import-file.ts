/**
 * The file `pilotlight import` reads: one JSON object or an array of them. It holds tokens, so what is wrong with it is told
 * by place and never by quoting: a parser's own message would.
 */
import { type Node, type ParseError, parseTree } from 'jsonc-parser';
import { harmless } from './terminal-text.ts';

/** One member of an entry: its value, and the very text of it. */
export interface Member {
  readonly key: string;
  readonly value: unknown;
  /** As it was written: large numbers keep their digits. */
  readonly raw: string;
}

export interface FileEntry {
  /** Counted from 1. */
  readonly number: number;
  /** Undefined where the entry is no object. */
  readonly members: readonly Member[] | undefined;
}

export type FileReading = { readonly entries: readonly FileEntry[] } | { readonly problem: string };

/** Reads the whole file. Never throws, never quotes. */
export function readImportFile(given: string): FileReading {
  const text = given.replace(/^\ufeff/, '');
  if (text.trim() === '') return { problem: 'is empty' };
  const root = readTree(text);
  if (typeof root === 'string') return { problem: root };
  const nodes = root.type === 'array' ? (root.children ?? []) : root.type === 'object' ? [root] : undefined;
  if (nodes === undefined) return { problem: 'must hold one JSON object, or an array of them' };
  if (nodes.length === 0) return { problem: 'holds an empty array' };
  return { entries: nodes.map((node, at) => ({ number: at + 1, members: membersOf(node, text) })) };
}

/** The tree of strict JSON, or where it ends to be that. */
function readTree(text: string): Node | string {
  const errors: ParseError[] = [];
  let root: Node | undefined;
  try {
    root = parseTree(text, errors, { allowTrailingComma: false, disallowComments: true });
    JSON.parse(text);
  } catch {
    // Deeper nesting than the stack allows ends here too.
    return `is not JSON${placeOf(text, errors[0]?.offset)}`;
  }
  return root ?? 'is not JSON';
}

function placeOf(text: string, offset: number | undefined): string {
  if (offset === undefined) return '';
  const before = text.slice(0, offset).split('\n');
  return ` (line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1})`;
}

function membersOf(node: Node, text: string): readonly Member[] | undefined {
  if (node.type !== 'object') return undefined;
  return (node.children ?? []).flatMap((property) => {
    const [key, value] = property.children ?? [];
    if (typeof key?.value !== 'string' || value === undefined) return [];
    const raw = text.slice(value.offset, value.offset + value.length);
    return [{ key: key.value, value: value.value as unknown, raw }];
  });
}

/** A problem with an entry. It names entry and field, and never a value. */
export interface ImportProblem {
  /** Number of the entry in the file, from 1. */
  readonly entry: number;
  /** The entry's id, where it has one that may be shown. */
  readonly id: string | undefined;
  readonly field: string | undefined;
  readonly message: string;
}

/** One line: `entry 3 (acme/esign): refresh_token is missing`. */
export function problemLine({ entry, id, field, message }: ImportProblem): string {
  return harmless(
    `entry ${entry}${id === undefined ? '' : ` (${id})`}: ${field === undefined ? '' : `${field} `}${message}`,
  );
}
