/** One record's file: sealing into the place prepared for it, opening, deleting. */
import { constants } from 'node:fs';
import { type FileHandle, open, readFile, rm } from 'node:fs/promises';
import type { Intent, SpoolRecord } from '../rotation/ports.ts';
import { PilotlightError } from '../runtime/errors.ts';
import { answerStart, decodeAnswer, encodeAnswer } from './format.ts';

export interface RecordFile {
  readonly path: string;
  readonly intent: Intent;
  /** The header's bytes as written: the answer is bound to them. */
  readonly header: Buffer;
  readonly key: Uint8Array;
  readonly answered: boolean;
  /** Still open from its making; reopened when needed otherwise. */
  readonly handle?: FileHandle | undefined;
  readonly nonce: () => Uint8Array;
  readonly onRemoved: () => void;
}

export interface OpenRecord extends SpoolRecord {
  closeFile(): Promise<void>;
}

export function openRecord(file: RecordFile): OpenRecord {
  const { path, intent, header, key } = file;
  let state: SpoolRecord['state'] = file.answered ? 'answered' : 'intent';
  let failed = false;
  let handle = file.handle;
  const closeFile = async () => {
    await handle?.close();
    handle = undefined;
  };
  return {
    intent,
    closeFile,
    get state() {
      return state;
    },
    async answer() {
      const answer = decodeAnswer(await readFile(path), intent.attempt, header, key);
      if (answer === undefined)
        throw new PilotlightError(
          'spool_unreadable',
          `spool record ${intent.attempt} cannot be opened: its bytes were changed or cut`,
        );
      return answer;
    },
    async seal(answer) {
      // After a failed fsync Linux may have dropped the pages: asking again would report a success that is none.
      if (failed)
        throw new PilotlightError('spool_unwritable', `spool record ${intent.attempt} failed to reach the disk before`);
      try {
        handle ??= await open(path, constants.O_RDWR | constants.O_NOFOLLOW);
        const bytes = encodeAnswer(answer, intent.attempt, header, key, file.nonce());
        await writeAll(handle, bytes, answerStart);
        await handle.datasync();
        state = 'answered';
      } catch (cause) {
        failed = true;
        throw unwritable(path, cause);
      }
    },
    async remove() {
      file.onRemoved();
      await closeFile();
      await rm(path, { force: true });
    },
  };
}

/** Writes every byte or throws; a short write is no success. */
export async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
    if (bytesWritten === 0) throw new PilotlightError('spool_unwritable', 'the disk took no more bytes');
    done += bytesWritten;
  }
}

export function unwritable(path: string, cause: unknown): PilotlightError {
  const code = (cause as { code?: unknown }).code;
  return new PilotlightError(
    'spool_unwritable',
    `cannot write the spool at ${path} (${typeof code === 'string' ? code : 'failed'}): check free space, owner and mode`,
    { cause },
  );
}
