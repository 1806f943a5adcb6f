/**
 * A spool file, byte by byte:
 *
 *     0      "PILOTLIGHT SPOOL 1\n"
 *     19     length of the header, 4 bytes big-endian
 *     23     header: JSON, clear (routing needs it without a key), then its 16-byte code
 *     4096   length of the sealed answer, 4 bytes; zero while there is none
 *     4100   nonce, tag, ciphertext of the answer, bound to the header's bytes
 *
 * The answer's place is written ahead, so that sealing is one synchronous write (O_DSYNC) and needs no new disk block. A torn
 * write shows in the tag. The format's number is part of what is authenticated; a later one reads this one as well.
 *
 * In the mirror the same bytes lie without the room between them: the answer's length follows the header's code at once.
 */
import { z } from 'zod';
import type { Intent, RawAnswer } from '../rotation/ports.ts';
import { headerMac, type Keyring, macBytes, openBytes, sameMac, sealBytes } from './keyring.ts';

const magic = Buffer.from('PILOTLIGHT SPOOL 1\n', 'latin1');
const headerStart = magic.length + 4;
/** Where the answer begins: one page, so that header and answer never share a disk block. */
export const answerStart = 4_096;
const headerBytesMax = answerStart - headerStart - macBytes;

const headerSchema = z.strictObject({
  format: z.literal(1),
  /** Name of the install's environment: a record copied to another one does not open. */
  install: z.string(),
  key: z.string(),
  connection: z.string(),
  provider: z.string(),
  environment: z.string(),
  client: z.string(),
  host: z.string(),
  attempt: z.string(),
  versionOld: z.string(),
  versionNew: z.string(),
  fingerprintOld: z.string(),
  startedAt: z.number(),
  unanswered: z.number(),
});

const metaSchema = z.strictObject({
  status: z.number(),
  headers: z.record(z.string(), z.string()),
  complete: z.boolean(),
  receivedAt: z.number(),
});

/** Why a file cannot be used, in stable words. */
export type Damage =
  | 'not_a_spool_file'
  | 'unknown_format'
  | 'header_damaged'
  | 'other_environment'
  | 'key_missing'
  | 'truncated'
  | 'answer_damaged';

export type ReadRecord =
  | {
      readonly ok: true;
      readonly intent: Intent;
      readonly header: Buffer;
      readonly key: string;
      /** The sealed answer with its length, and what room is left behind it; undefined where none was sealed. */
      readonly sealed: Buffer | undefined;
      /** The write of an answer was cut short: there is none. */
      readonly torn: boolean;
    }
  | { readonly ok: false; readonly why: Damage; readonly connection?: string };

/** The first bytes of a new record, padded up to where the answer goes, plus `spaceBytes` of room for it. */
export function encodeRecord(
  intent: Intent,
  install: string,
  keyring: Keyring,
  spaceBytes: number,
): { file: Buffer; header: Buffer } {
  const header = Buffer.from(JSON.stringify({ format: 1, install, key: keyring.sealWith, ...intent }), 'utf8');
  if (header.length > headerBytesMax) throw new RangeError('connection name too long for a spool record');
  const file = Buffer.alloc(answerStart + 4 + spaceBytes);
  magic.copy(file, 0);
  file.writeUInt32BE(header.length, magic.length);
  header.copy(file, headerStart);
  headerMac(keyFor(keyring, keyring.sealWith), header).copy(file, headerStart + header.length);
  return { file, header };
}

/** A record without the room between its parts: as much of it as there is. */
export function encodeCompact(header: Buffer, key: Uint8Array, sealed: Buffer | undefined): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(header.length, 0);
  return Buffer.concat([magic, length, header, headerMac(key, header), ...(sealed === undefined ? [] : [sealed])]);
}

/** Where the answer lies in a record's bytes: after the room left for it, or at once behind the header. */
export type Layout = 'file' | 'compact';

/** Reads a whole record. Never throws; damage is a value. */
export function decodeRecord(file: Buffer, install: string, keyring: Keyring, layout: Layout = 'file'): ReadRecord {
  if (!file.subarray(0, 17).equals(magic.subarray(0, 17))) return { ok: false, why: 'not_a_spool_file' };
  if (!file.subarray(0, magic.length).equals(magic)) return { ok: false, why: 'unknown_format' };
  if (file.length < headerStart) return { ok: false, why: 'truncated' };
  const length = file.readUInt32BE(magic.length);
  if (length > headerBytesMax) return { ok: false, why: 'header_damaged' };
  const header = Buffer.from(file.subarray(headerStart, headerStart + length));
  const fields = headerSchema.safeParse(parseJson(header));
  const headerEnd = headerStart + length + macBytes;
  const answerAt = layout === 'file' ? answerStart : headerEnd;
  if (!fields.success) return { ok: false, why: file.length < answerAt ? 'truncated' : 'header_damaged' };
  const { format: _format, install: sealedFor, key: keyId, ...intent } = fields.data;
  const { connection, attempt } = intent;
  const key = keyring.keys.get(keyId);
  if (key === undefined) return { ok: false, why: 'key_missing', connection };
  const mac = file.subarray(headerStart + length, headerEnd);
  if (!sameMac(mac, headerMac(key, header))) return { ok: false, why: 'header_damaged', connection };
  if (sealedFor !== install) return { ok: false, why: 'other_environment', connection };
  if (layout === 'file' && file.length < answerAt + 4) return { ok: false, why: 'truncated', connection };
  if (!isZero(file.subarray(headerEnd, answerAt))) return { ok: false, why: 'header_damaged', connection };
  // No byte of an answer may lie where none is said to be: an answer that lost its length is no intent.
  const sealed = file.subarray(answerAt);
  const opens = decodeAnswer(sealed, attempt, header, key) !== undefined;
  const nothing = isZero(sealed) || (layout === 'file' && !opens && isTorn(sealed));
  if (!opens && !nothing) return { ok: false, why: 'answer_damaged', connection };
  return {
    ok: true,
    intent,
    header,
    key: keyId,
    sealed: nothing ? undefined : sealed,
    torn: nothing && !isZero(sealed),
  };
}

/** What a disk writes whole or not at all. */
const sectorBytes = 512;
/** As many zeros are no chance; fewer may be. */
const zerosMin = 16;

/**
 * A write the power cut short: some of its sectors still hold the zeros that were written ahead, and the others are whole.
 * It never counted as sealed, so nothing was built on it. Anything else that does not open has been changed since, its
 * length perhaps, and a human looks at it. The answer begins where a sector does.
 */
function isTorn(bytes: Buffer): boolean {
  const length = bytes.readUInt32BE(0);
  if (length === 0) return isZero(bytes.subarray(0, sectorBytes));
  const end = 4 + length;
  if (end > bytes.length) return false;
  let missing = 0;
  for (let at = 0; at < end; at += sectorBytes) {
    const sector = bytes.subarray(at, Math.min(at + sectorBytes, end));
    if (isZero(sector)) missing += 1;
    else if (isZero(sector.subarray(-zerosMin))) return false;
  }
  return missing > 0;
}

function isZero(bytes: Uint8Array): boolean {
  return Buffer.alloc(bytes.length).equals(bytes);
}

/** The sealed answer with its length: what is written at `answerStart`. */
export function encodeAnswer(
  answer: RawAnswer,
  attempt: string,
  header: Buffer,
  key: Uint8Array,
  nonce: Uint8Array,
): Buffer {
  const { body, ...meta } = answer;
  const metaBytes = Buffer.from(JSON.stringify(meta), 'utf8');
  const plain = Buffer.alloc(4 + metaBytes.length + body.length);
  plain.writeUInt32BE(metaBytes.length, 0);
  metaBytes.copy(plain, 4);
  body.copy(plain, 4 + metaBytes.length);
  const sealed = sealBytes(key, attempt, nonce, header, plain);
  plain.fill(0);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(sealed.length, 0);
  return Buffer.concat([length, sealed]);
}

/** Opens what encodeAnswer made; undefined where it was cut, changed or sealed for another record. */
export function decodeAnswer(bytes: Buffer, attempt: string, header: Buffer, key: Uint8Array): RawAnswer | undefined {
  if (bytes.length < 4) return undefined;
  const length = bytes.readUInt32BE(0);
  const sealed = bytes.subarray(4, 4 + length);
  if (length === 0 || sealed.length !== length) return undefined;
  const plain = openBytes(key, attempt, header, sealed);
  if (plain === undefined || plain.length < 4) return undefined;
  const metaLength = plain.readUInt32BE(0);
  const meta = metaSchema.safeParse(parseJson(plain.subarray(4, 4 + metaLength)));
  return meta.success ? { ...meta.data, body: Buffer.from(plain.subarray(4 + metaLength)) } : undefined;
}

export function keyFor(keyring: Keyring, id: string): Uint8Array {
  const key = keyring.keys.get(id);
  if (key === undefined) throw new RangeError(`spool key ${id} is not in the ring`);
  return key;
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
}
