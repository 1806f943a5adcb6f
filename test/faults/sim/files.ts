/**
 * A simulated disk for the spool, as src/spool/disk-files.ts leaves a real one: a file's making may end before its name is
 * there, a write may be torn by the end of its process, a refused write may have landed, and a file taken away may be back
 * after the power was gone, because nobody syncs the folder for that.
 */
import type { FileDamage, SpoolFile, SpoolFiles } from '../../../src/spool/files.ts';
import type { Calls } from './call.ts';

export interface SimDisk {
  bind(calls: Calls): SpoolFiles;
  /** Bytes by name; a buffer is replaced, never changed in place. Empty once the disk was thrown away. */
  readonly files: ReadonlyMap<string, Buffer>;
  /** No new block is given: nothing can be made, and nothing written beyond what a file has. */
  full: boolean;
  /** Every write and every making fails. */
  broken: boolean;
  /** The pod's disk is gone for good, with all that was on it. */
  throwAway(): void;
  readonly thrownAway: boolean;
  /** The machine lost its power: names taken away since the folder was last synced are there again. Answers which. */
  losePower(): readonly string[];
  /** Changes one file behind everybody's back (bytes rot, or a hand). */
  spoil(name: string, change: (bytes: Buffer) => Buffer): void;
  digest(): unknown;
}

/** What the system hands to a disk, in any order, and what a disk writes whole or not at all. */
const pageBytes = 4_096;
const sectorBytes = 512;
const unfinishedSuffix = '.tmp';

function diskError(code: 'ENOSPC' | 'EIO' | 'EEXIST' | 'ENOENT'): Error {
  return Object.assign(new Error(`simulated disk: ${code}`), { code });
}

export function createSimDisk(): SimDisk {
  const files = new Map<string, Buffer>();
  /** Files whose making never ended: no records, never listed. */
  const unfinished = new Set<string>();
  /** Taken away, and the folder not synced since. */
  const taken = new Map<string, Buffer>();
  let thrownAway = false;
  const disk = { full: false, broken: false };

  function make(name: string, bytes: Uint8Array): void {
    if (disk.broken) throw diskError('EIO');
    if (disk.full) throw diskError('ENOSPC');
    if (files.has(name) || unfinished.has(name + unfinishedSuffix)) throw diskError('EEXIST');
    if (thrownAway) throw diskError('EIO');
    files.set(name, Buffer.from(bytes));
    taken.clear();
  }

  function write(name: string, bytes: Uint8Array, position: number): void {
    if (disk.broken || thrownAway) throw diskError('EIO');
    // Written to an inode without a name: as good as lost, and no error.
    const before = files.get(name);
    if (before === undefined) return;
    const end = position + bytes.length;
    if (disk.full && end > before.length) throw diskError('ENOSPC');
    const after = Buffer.alloc(Math.max(before.length, end));
    before.copy(after);
    after.set(bytes, position);
    files.set(name, after);
  }

  /** Some of a write: its first sectors, or, of one over several pages, a later page without the first. */
  function tear(name: string, bytes: Uint8Array, position: number, fraction: number): void {
    if (disk.broken || thrownAway || !files.has(name)) return;
    const firstPageEnd = pageBytes - (position % pageBytes);
    const pages = bytes.length > firstPageEnd ? 2 : 1;
    if (pages === 2 && fraction >= 0.75) {
      write(name, bytes.subarray(firstPageEnd), position + firstPageEnd);
      return;
    }
    const share = pages === 2 ? fraction / 0.75 : fraction;
    const end = position + Math.floor(share * bytes.length);
    write(name, bytes.subarray(0, Math.max(0, end - (end % sectorBytes) - position)), position);
  }

  function fileOf(calls: Calls, name: string): SpoolFile {
    return {
      write: (bytes, position) => {
        // What the caller does with its buffer afterwards is its own affair.
        const kept = Buffer.from(bytes);
        return calls({
          name: 'disk.write',
          about: name,
          effect: () => write(name, kept, position),
          failed: () => {
            throw diskError('EIO');
          },
          torn: (fraction) => tear(name, kept, position, fraction),
          limitMs: Number.POSITIVE_INFINITY,
        });
      },
      // Nothing depends on it, and a process that ends closes everything.
      close: async () => {},
    };
  }

  return {
    files,
    get full() {
      return disk.full;
    },
    set full(full) {
      disk.full = full;
    },
    get broken() {
      return disk.broken;
    },
    set broken(broken) {
      disk.broken = broken;
    },
    get thrownAway() {
      return thrownAway;
    },
    throwAway() {
      thrownAway = true;
      for (const all of [files, unfinished, taken]) all.clear();
    },
    losePower() {
      const back = [...taken.keys()];
      for (const [name, bytes] of taken) files.set(name, bytes);
      taken.clear();
      return back;
    },
    spoil(name, change) {
      const bytes = files.get(name);
      if (bytes !== undefined) files.set(name, change(Buffer.from(bytes)));
    },
    digest: () => [disk, thrownAway, [...files].map(([name, bytes]) => [name, bytes.toString('latin1')])],
    bind(calls) {
      const ask = <T>(name: string, about: string, effect: () => T, torn?: (fraction: number) => void) =>
        calls({
          name,
          about,
          effect,
          failed: (): T => {
            throw diskError('EIO');
          },
          limitMs: Number.POSITIVE_INFINITY,
          ...(torn === undefined ? {} : { torn }),
        });
      return {
        names: () => ask('disk.names', '', () => [...files.keys()].sort()),
        async create(name, bytes) {
          const kept = Buffer.from(bytes);
          // The rename is what makes a record of it: a process that ends before leaves a file nobody takes for one.
          const torn = () => void unfinished.add(name + unfinishedSuffix);
          await ask('disk.create', name, () => make(name, kept), torn);
          return fileOf(calls, name);
        },
        async reopen(name) {
          const effect = () => {
            if (disk.broken) throw diskError('EIO');
            if (!files.has(name)) throw diskError('ENOENT');
          };
          await ask('disk.reopen', name, effect);
          return fileOf(calls, name);
        },
        read: (name) =>
          calls({
            name: 'disk.read',
            about: name,
            effect: () => {
              const bytes = files.get(name);
              return bytes === undefined ? 'file_missing' : Buffer.from(bytes);
            },
            failed: (): Buffer | FileDamage => 'file_unreadable',
            limitMs: Number.POSITIVE_INFINITY,
          }),
        remove: (name) =>
          ask('disk.remove', name, () => {
            if (disk.broken) throw diskError('EIO');
            const bytes = files.get(name);
            if (bytes === undefined) return;
            files.delete(name);
            taken.set(name, bytes);
          }),
        close: async () => {},
      };
    },
  };
}
