/**
 * The older files of an audit stream: `<file>.<time of day>-<four bytes of chance>`, oldest first by name. A full file is put
 * aside by one rename to a name nobody else uses, so that a crash at any instant, or another process at the same file, can
 * neither lose nor overwrite a line; numbered files would have to be moved one after the other.
 */
import { readdirSync, renameSync, unlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Clock } from '../runtime/clock.ts';
import type { Random } from '../runtime/random.ts';

export interface AuditArchive {
  /** Paths, oldest first. Throws what the folder throws. */
  files(): readonly string[];
  /** Puts the file aside; nothing happens where it is not there. Throws what the disk throws. */
  putAside(): void;
  /** Deletes the oldest beyond those to be kept. Throws what the disk throws. */
  prune(): void;
}

export interface AuditArchiveOptions {
  /** Files kept; 0 keeps none. */
  readonly keep: number;
  readonly clock: Pick<Clock, 'now'>;
  readonly random: Pick<Random, 'bytes'>;
}

const suffix = /^\d{8}T\d{9}Z-[0-9a-f]{8}$/;

export function auditArchive(path: string, { keep, clock, random }: AuditArchiveOptions): AuditArchive {
  const beginning = `${basename(path)}.`;
  const files = () =>
    readdirSync(dirname(path))
      .filter((name) => name.startsWith(beginning) && suffix.test(name.slice(beginning.length)))
      .sort()
      .map((name) => join(dirname(path), name));
  return {
    files,
    putAside() {
      const at = new Date(clock.now()).toISOString().replaceAll(/[-:.]/g, '');
      unlessMissing(() => renameSync(path, `${path}.${at}-${random.bytes(4).toString('hex')}`));
    },
    prune() {
      for (const old of files().slice(0, -keep || undefined)) unlessMissing(() => unlinkSync(old));
    },
  };
}

/** Another process of the same folder may have been faster. */
function unlessMissing(act: () => void): void {
  try {
    act();
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ENOENT') throw error;
  }
}
