/**
 * From the bytes of an answer to text. Compression is undone although we asked for none, because intermediaries compress
 * all the same; the decoded size is bounded, so that 50 KB cannot become 50 MB. Nothing is ever replaced by U+FFFD: a token
 * with a replaced character is a lost token.
 */
import * as zlib from 'node:zlib';
import type { RawAnswer } from '../rotation/ports.ts';

/** Most decoded bytes looked at. A token answer has about 2 KB. */
export const decodedBytesMax = 1_048_576;

export type Decoded =
  | { readonly ok: true; readonly text: string }
  /** `bytes` is what could be decoded, for the salvage scan. */
  | {
      readonly ok: false;
      readonly why: 'encoding_broken' | 'encoding_unknown' | 'too_large' | 'not_utf8';
      readonly bytes: Buffer;
    };

/** Never throws. */
export function decodeBody(answer: Pick<RawAnswer, 'headers' | 'body'>): Decoded {
  const codings = (answer.headers['content-encoding'] ?? '')
    .toLowerCase()
    .split(',')
    .map((coding) => coding.trim())
    .filter((coding) => coding !== '' && coding !== 'identity');
  // A proxy that drops the header leaves the gzip magic number, which begins no text.
  if (codings.length === 0 && answer.body[0] === 0x1f && answer.body[1] === 0x8b) codings.push('gzip');
  if (codings.length > 2) return { ok: false, why: 'encoding_unknown', bytes: answer.body };
  let bytes = answer.body;
  for (const coding of codings.reverse()) {
    const plain = inflate(coding, bytes);
    // The header may lie: JSON that was never compressed is read as it is.
    if (plain === 'encoding_broken' && bytes[0] === 0x7b) continue;
    if (typeof plain === 'string') return { ok: false, why: plain, bytes };
    bytes = plain;
  }
  if (bytes.length > decodedBytesMax) return { ok: false, why: 'too_large', bytes: bytes.subarray(0, decodedBytesMax) };
  return toText(bytes);
}

function toText(bytes: Buffer): Decoded {
  try {
    // Drops a UTF-8 byte order mark; fatal, so that it never guesses.
    return { ok: true, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch {
    return { ok: false, why: 'not_utf8', bytes };
  }
}

/** Synchronous on purpose: reading an answer is a pure function, and 1 MiB at most takes milliseconds. */
function inflate(coding: string, bytes: Buffer): Buffer | 'encoding_broken' | 'encoding_unknown' | 'too_large' {
  const limit = { maxOutputLength: decodedBytesMax };
  // Flushing at the end of the input keeps what a cut stream still holds.
  const lenient = { ...limit, finishFlush: zlib.constants.Z_SYNC_FLUSH };
  try {
    switch (coding) {
      case 'gzip':
      case 'x-gzip':
        return zlib.gunzipSync(bytes, lenient);
      case 'deflate':
        // Both readings of the name exist: with a zlib header (0x78 in the low nibble 8) and without.
        return ((bytes[0] ?? 0) & 0x0f) === 8 ? zlib.inflateSync(bytes, lenient) : zlib.inflateRawSync(bytes, lenient);
      case 'br':
        return zlib.brotliDecompressSync(bytes, { ...limit, finishFlush: zlib.constants.BROTLI_OPERATION_FLUSH });
      case 'zstd':
        return zlib.zstdDecompressSync(bytes, { ...limit, finishFlush: zlib.constants.ZSTD_e_flush });
      default:
        return 'encoding_unknown';
    }
  } catch (error) {
    return (error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE' ? 'too_large' : 'encoding_broken';
  }
}
