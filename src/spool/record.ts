/** One record's file: sealing into the place prepared for it, opening, deleting. */
import { constants } from 'node:fs';
import { type FileHandle, open, unlink } from 'node:fs/promises';
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
  let sealing = false;
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
      const answer = decodeAnswer(await readWhole(path, intent.attempt), intent.attempt, header, key);
      if (answer === undefined) throw unreadable(intent.attempt, 'its bytes were changed or cut');
      return answer;
    },
    async seal(answer) {
      // After a failed fsync Linux may have dropped the pages: asking again would report a success that is none. And an
      // answer is never written over: torn, it would take the first one with it.
      if (failed || sealing || state === 'answered')
        throw new PilotlightError(
          'spool_unwritable',
          `spool record ${intent.attempt} ${failed ? 'failed to reach the disk before' : 'holds an answer already'}`,
        );
      sealing = true;
      try {
        handle ??= await open(path, constants.O_RDWR | constants.O_NOFOLLOW | constants.O_DSYNC);
        const bytes = encodeAnswer(answer, intent.attempt, header, key, file.nonce());
        // O_DSYNC: the write is on disk when it returns, one way through the thread pool instead of two.
        await writeAll(handle, bytes, answerStart);
        state = 'answered';
      } catch (cause) {
        failed = true;
        throw unwritable(path, cause);
      }
    },
    async remove() {
      try {
        await unlink(path);
      } catch (cause) {
        if ((cause as { code?: unknown }).code !== 'ENOENT') throw unwritable(path, cause);
      }
      file.onRemoved();
      await closeFile();
    },
  };
}

async function readWhole(path: string, attempt: string): Promise<Buffer> {
  try {
    return await readPlainFile(path);
  } catch (cause) {
    throw unreadable(attempt, 'its file cannot be read', cause);
  }
}

function unreadable(attempt: string, why: string, cause?: unknown): PilotlightError {
  return new PilotlightError('spool_unreadable', `spool record ${attempt} cannot be opened: ${why}`, { cause });
}

/** The bytes of a file of ours; a link in its place is never followed. Throws what the file system throws. */
export async function readPlainFile(path: string): Promise<Buffer> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    return await file.readFile();
  } finally {
    await file.close();
  }
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
