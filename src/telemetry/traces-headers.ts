/**
 * Headers for the collector from a mounted file, one `name: value` a line. They are secrets: read when needed, so that a
 * Secret that is rotated needs no restart, kept nowhere and printed nowhere.
 */
import { readFile } from 'node:fs/promises';
import { errorLabel } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logger.ts';

/** RFC 9110: a name is a token, a value visible characters. A line that is neither is left out. */
const line = /^([A-Za-z0-9!#$%&'*+.^_`|~-]+)[ \t]*:[ \t]*([\x20-\x7e]*)$/;

export function parseHeaders(text: string): Record<string, string> {
  const lines = text.split(/\r?\n/).map((one) => line.exec(one.trim()));
  return Object.fromEntries(lines.flatMap((found) => (found?.[1] === undefined ? [] : [[found[1], found[2] ?? '']])));
}

/** Never rejects: without its headers a batch is refused by the collector, and that is told. */
export function headersReader(file: string, log: Logger): () => Promise<Record<string, string>> {
  let readable = true;
  return async () => {
    try {
      const headers = parseHeaders(await readFile(file, 'utf8'));
      readable = true;
      return headers;
    } catch (error) {
      if (readable) log.warn('traces.headers_unreadable', { why: errorLabel(error) });
      readable = false;
      return {};
    }
  };
}
