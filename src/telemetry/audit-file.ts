/**
 * An audit stream in a file: appended, readable by its owner only, continued after a restart, put aside when it is full. Not
 * fsynced: the trail tells the story of a rotation, the store and the spool carry its truth. Other processes may have the
 * same file open, and whoever rotates logs may move it: each line goes to whatever file bears the name by then.
 */
import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, writeSync } from 'node:fs';
import { errorLabel, PilotlightError } from '../runtime/errors.ts';
import { readAuditLine } from './audit.ts';
import { type AuditArchiveOptions, auditArchive } from './audit-archive.ts';

/** More than the longest line; the last whole line lies in the last part of the file this long. */
const tailBytes = 65_536;
/** After a full file that could not be put aside, so many lines are added to it before the next try. */
const patienceLines = 100;

export interface AuditFile {
  /** Appends one line (its end included). Throws what the disk throws. */
  write(line: string): void;
  /** Hash of the last whole line; undefined in a new stream. */
  readonly previous: string | undefined;
  close(): void;
}

export interface AuditFileOptions extends AuditArchiveOptions {
  /** A line that would make the file longer begins a new one. */
  readonly maxBytes: number;
  /** Told when a full file cannot be put aside, or an old one not deleted, with the error's class and code. No line is lost by it. */
  readonly onFailure: (label: string) => void;
}

/** Opens (or makes) the file. Throws config_invalid where it cannot be, saying which setting to change. */
export function openAuditFile(path: string, options: AuditFileOptions): AuditFile {
  const archive = auditArchive(path, options);
  let held = hold(path);
  let patience = 0;

  const carefully = (act: () => void) => {
    try {
      act();
    } catch (error) {
      patience = patienceLines;
      options.onFailure(errorLabel((error as { cause?: unknown }).cause ?? error));
    }
  };
  const prune = () => carefully(() => archive.prune());

  /** The file that bears the name from now on; the one held until then stays until there is another. */
  function reopen(): void {
    const next = hold(path);
    closeSync(held.descriptor);
    held = next;
  }

  function makeRoom(bytes: number): void {
    const named = lstatSync(path, { throwIfNoEntry: false });
    const ours = named !== undefined && named.ino === held.inode && named.dev === held.device;
    const full = ours && named.size > 0 && named.size + bytes > options.maxBytes;
    if (ours && !full) return;
    if (full) archive.putAside();
    reopen();
    if (full) prune();
  }

  prune();
  let previous = lastHash(held.tail);
  if (previous === undefined)
    carefully(() => {
      previous = hashBefore(archive.files());
    });
  patience = 0;
  return {
    previous,
    write(line) {
      const bytes = Buffer.byteLength(line);
      if (patience > 0) patience -= 1;
      else carefully(() => makeRoom(bytes));
      const whole = Buffer.from(held.torn ? `\n${line}` : line);
      held.torn = true;
      writeWhole(held.descriptor, whole);
      held.torn = false;
    },
    close: () => closeSync(held.descriptor),
  };
}

interface Held {
  readonly descriptor: number;
  readonly inode: number;
  readonly device: number;
  readonly tail: string;
  /** A line cut short by a crash or a full disk gets its end first, so that it spoils itself only and not the next one. */
  torn: boolean;
}

function hold(path: string): Held {
  const descriptor = open(path);
  try {
    const { size, ino, dev } = fstatSync(descriptor);
    const tail = readTail(descriptor, size);
    return { descriptor, inode: ino, device: dev, tail, torn: tail !== '' && !tail.endsWith('\n') };
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
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

function readTail(descriptor: number, size: number): string {
  const tail = Buffer.alloc(Math.min(size, tailBytes));
  const count = readSync(descriptor, tail, 0, tail.length, size - tail.length);
  return tail.toString('utf8', 0, count);
}

function lastHash(text: string): string | undefined {
  return text
    .split('\n')
    .map(readAuditLine)
    .findLast((line) => line !== undefined)?.hash;
}

/** A process that ended between putting a file aside and its next line left an empty one: the chain goes on from the file before. */
function hashBefore(files: readonly string[]): string | undefined {
  const last = files.at(-1);
  if (last === undefined) return undefined;
  const descriptor = openSync(last, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    return lastHash(readTail(descriptor, fstatSync(descriptor).size));
  } finally {
    closeSync(descriptor);
  }
}

/** A write may take fewer bytes than asked (a disk about to be full). */
function writeWhole(descriptor: number, bytes: Buffer): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(descriptor, bytes, done);
}
