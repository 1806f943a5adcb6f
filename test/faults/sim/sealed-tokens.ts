/**
 * Which refresh token lies in sealed bytes and in documents, for the oracle: opened with the real keys by the real format,
 * once for each buffer or text, so that looking again costs nothing.
 */
import type { Intent, SecretValue } from '../../../src/rotation/ports.ts';
import { decodeAnswer, decodeRecord, keyFor, type Layout } from '../../../src/spool/format.ts';
import type { Keyring } from '../../../src/spool/keyring.ts';

/** What a record's bytes come to. */
export interface Sealed {
  readonly intent: Intent;
  readonly answered: boolean;
  /** A whole refresh token in the answer. */
  readonly token: string | undefined;
}

export interface SealedTokens {
  /** Undefined where the bytes are no record that can be opened. */
  inRecord(bytes: Buffer, layout: Layout): Sealed | undefined;
  inValue(value: SecretValue): string | undefined;
}

/** Documents looked at last; a long run makes hundreds of thousands. */
const documentsMax = 20_000;

export function sealedTokens(install: string, keyring: Keyring): SealedTokens {
  const records = new WeakMap<Buffer, { readonly sealed: Sealed | undefined }>();
  const documents = new Map<string, string | undefined>();

  function open(bytes: Buffer, layout: Layout): Sealed | undefined {
    const read = decodeRecord(bytes, install, keyring, layout);
    if (!read.ok) return undefined;
    const { intent, header, sealed } = read;
    if (sealed === undefined) return { intent, answered: false, token: undefined };
    const answer = decodeAnswer(sealed, intent.attempt, header, keyFor(keyring, read.key));
    return {
      intent,
      answered: true,
      token: answer === undefined ? undefined : wholeToken(answer.body.toString('utf8')),
    };
  }

  return {
    inRecord(bytes, layout) {
      const known = records.get(bytes);
      if (known !== undefined) return known.sealed;
      const sealed = open(bytes, layout);
      records.set(bytes, { sealed });
      return sealed;
    },
    inValue(value) {
      const text = 'text' in value ? value.text.reveal() : value.binary.toString('utf8');
      if (documents.has(text)) return documents.get(text);
      if (documents.size >= documentsMax) documents.clear();
      const token = wholeToken(text);
      documents.set(text, token);
      return token;
    },
  };
}

/** The token with both its quotes: of a body cut short it counts only when it is whole. */
export function wholeToken(text: string): string | undefined {
  return /"refresh_token"\s*:\s*"([^"\\]+)"/.exec(text)?.[1];
}
