/** One record's file: sealing into the place prepared for it, opening, deleting. */
import type { Intent, SpoolRecord } from '../rotation/ports.ts';
import { PilotlightError } from '../runtime/errors.ts';
import type { SpoolFile, SpoolFiles } from './files.ts';
import { answerStart, decodeAnswer, encodeAnswer, encodeCompact } from './format.ts';

export interface RecordFile {
  readonly files: SpoolFiles;
  readonly name: string;
  readonly intent: Intent;
  /** The header's bytes as written: the answer is bound to them. */
  readonly header: Buffer;
  readonly key: Uint8Array;
  readonly answered: boolean;
  /** Its answer's write was cut short: nothing is sealed, and nothing can be sealed here any more. */
  readonly torn: boolean;
  /** Still open from its making; reopened when needed otherwise. */
  readonly file?: SpoolFile | undefined;
  readonly nonce: () => Uint8Array;
  readonly onRemoved: () => void;
}

export interface OpenRecord extends SpoolRecord {
  readonly torn: boolean;
  /** Its answer waits for no store. */
  readonly aside: boolean;
  /**
   * The record's bytes for the mirror: of an answer the disk refused as well; undefined where another process has finished
   * it. Throws spool_unreadable, also of an answer the disk has spoilt: it must not take the place of its good twin.
   */
  compact(): Promise<Buffer | undefined>;
  closeFile(): Promise<void>;
}

export function openRecord(options: RecordFile): OpenRecord {
  const { files, name, intent, header, key } = options;
  const { attempt } = intent;
  let state: SpoolRecord['state'] = options.answered ? 'answered' : 'intent';
  const found = options.file === undefined;
  let failed = options.torn;
  let sealing = options.torn;
  let aside = false;
  /** Held until the mirror has asked for it; for good where the disk refused it. */
  let sealed: Buffer | undefined;
  let { file } = options;
  const closeFile = async () => {
    const open = file;
    file = undefined;
    await open?.close();
  };
  /** Undefined where another process of this folder has finished the record and taken it away. */
  const sealedOnDisk = async () => {
    const bytes = await files.read(name);
    if (bytes === 'file_missing') {
      options.onRemoved();
      await closeFile();
      return undefined;
    }
    if (typeof bytes === 'string') throw unreadable(attempt, 'its file cannot be read');
    return bytes.subarray(answerStart);
  };
  /** Throws spool_unreadable where the bytes are not what was sealed. */
  const opened = (bytes: Buffer | undefined) => {
    if (bytes === undefined) return undefined;
    const answer = decodeAnswer(bytes, attempt, header, key);
    if (answer === undefined) throw unreadable(attempt, 'its bytes were changed or cut');
    return answer;
  };
  return {
    intent,
    found,
    torn: options.torn,
    closeFile,
    get state() {
      return state;
    },
    get aside() {
      return aside;
    },
    setAside(isAside) {
      aside = isAside;
    },
    answer: async () => opened(await sealedOnDisk()),
    async seal(answer) {
      // After a failed fsync Linux may have dropped the pages: asking again would report a success that is none. And an
      // answer is never written over: torn, it would take the first one with it.
      if (sealing || state === 'answered')
        throw new PilotlightError(
          'spool_unwritable',
          `spool record ${attempt} ${failed ? 'failed to reach the disk before' : 'holds an answer already'}`,
        );
      sealing = true;
      sealed = encodeAnswer(answer, attempt, header, key, options.nonce());
      try {
        file ??= await files.reopen(name);
        // Durable when it returns (O_DSYNC): one way through the thread pool instead of two.
        await file.write(sealed, answerStart);
        state = 'answered';
      } catch (cause) {
        failed = true;
        throw unwritable(`record ${attempt}`, cause);
      }
    },
    async compact() {
      const held = sealed;
      if (state === 'answered') sealed = undefined;
      if (held !== undefined || state === 'intent') return encodeCompact(header, key, held);
      const bytes = await sealedOnDisk();
      opened(bytes);
      return bytes === undefined ? undefined : encodeCompact(header, key, answerOnly(bytes));
    },
    async remove() {
      await files.remove(name).catch((cause: unknown) => {
        throw unwritable(`record ${attempt}`, cause);
      });
      options.onRemoved();
      await closeFile();
    },
  };
}

/** Without the room that was left behind it. */
function answerOnly(bytes: Buffer): Buffer {
  return bytes.subarray(0, 4 + (bytes.length < 4 ? 0 : bytes.readUInt32BE(0)));
}

function unreadable(attempt: string, why: string): PilotlightError {
  return new PilotlightError('spool_unreadable', `spool record ${attempt} cannot be opened: ${why}`);
}

/** `where` is a folder or a record's id. */
export function unwritable(where: string, cause: unknown): PilotlightError {
  const code = (cause as { code?: unknown }).code;
  return new PilotlightError(
    'spool_unwritable',
    `cannot write the spool at ${where} (${typeof code === 'string' ? code : 'failed'}): check free space, owner and mode`,
    { cause },
  );
}
