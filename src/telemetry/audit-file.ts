/**
 * An audit stream in a file: appended, readable by its owner only, continued after a restart. Not fsynced: the trail tells
 * the story of a rotation, the store and the spool carry its truth.
 */
import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { PilotlightError } from '../runtime/errors.ts';
import { readAuditLine } from './audit.ts';

/** More than the longest line; the last whole line lies in the last part of the file this long. */
const tailBytes = 65_536;

export interface AuditFile {
  write(line: string): void;
  /** Hash of the last whole line; undefined in a new file. */
  readonly previous: string | undefined;
  close(): void;
}

/** Opens (or makes) the file. Throws config_invalid where it cannot be, saying which setting to change. */
export function openAuditFile(path: string): AuditFile {
  const descriptor = open(path);
  const tail = readTail(descriptor);
  // A line cut short by a crash or a full disk gets its end first, so that it spoils itself only and not the next one.
  let torn = tail !== '' && !tail.endsWith('\n');
  return {
    previous: tail
      .split('\n')
      .map(readAuditLine)
      .findLast((line) => line !== undefined)?.hash,
    write(line) {
      const bytes = Buffer.from(torn ? `\n${line}` : line);
      torn = true;
      writeWhole(descriptor, bytes);
      torn = false;
    },
    close: () => closeSync(descriptor),
  };
}

function open(path: string): number {
  try {
    // O_NOFOLLOW: a link planted in the folder must not send the trail elsewhere.
    return openSync(path, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  } catch (error) {
    throw new PilotlightError(
      'config_invalid',
      `the audit file ${path} cannot be opened; choose a path in a folder this process may write`,
      {
        cause: error,
      },
    );
  }
}

function readTail(descriptor: number): string {
  const { size } = fstatSync(descriptor);
  const tail = Buffer.alloc(Math.min(size, tailBytes));
  const count = readSync(descriptor, tail, 0, tail.length, size - tail.length);
  return tail.toString('utf8', 0, count);
}

/** A write may take fewer bytes than asked (a disk about to be full). */
function writeWhole(descriptor: number, bytes: Buffer): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(descriptor, bytes, done);
}
