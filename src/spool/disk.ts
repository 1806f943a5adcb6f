/**
 * The spool on disk: one file per rotation under way. A record exists, durable with its folder, before its token is spent;
 * it goes only after its answer's value is verified in the store. A file that cannot be opened is kept, reported, and
 * blocks no other.
 */
import type { Intent, SpoolStats, UnreadableRecord } from '../rotation/ports.ts';
import type { Random } from '../runtime/random.ts';
import type { SpoolFiles } from './files.ts';
import { decodeRecord, encodeRecord, keyFor } from './format.ts';
import type { Keyring } from './keyring.ts';
import { type OpenRecord, openRecord, type RecordFile, unwritable } from './record.ts';

export interface DiskSpoolOptions {
  readonly files: SpoolFiles;
  readonly keyring: Keyring;
  /** Name of the install's environment. */
  readonly install: string;
  /** Room written ahead for an answer, bytes; a larger answer still fits, at the price of new disk blocks. */
  readonly answerSpaceBytes: number;
  readonly random: Random;
}

const suffix = '.rec';

/** The name of a record's file. */
export function recordFile(attempt: string): string {
  return attempt + suffix;
}

/** This worker's own records. */
export interface DiskSpool {
  /** Throws spool_unwritable; nothing is left behind then. */
  begin(intent: Intent): Promise<OpenRecord>;
  /** Oldest first. */
  recordsOf(connection: string): readonly OpenRecord[];
  /** Oldest first. */
  all(): readonly OpenRecord[];
  unreadable(): readonly UnreadableRecord[];
  /** Looks again at files the disk would not give: what is in them is known to nobody else. */
  readAgain(): Promise<void>;
  /** Deletes a file that cannot be opened, once its answer was found elsewhere and is in the store. */
  discard(file: string): Promise<void>;
  stats(): SpoolStats;
  close(): Promise<void>;
}

/** Reads what is in the folder. Throws spool_unwritable. */
export async function openDiskSpool(options: DiskSpoolOptions): Promise<DiskSpool> {
  const { files, keyring, install, random } = options;
  const records = new Map<string, OpenRecord>();
  const damaged: UnreadableRecord[] = [];
  // Attempts of this process and those found: an id used twice must never take the first one's record.
  const begun = new Set<string>();

  function keep(made: Pick<RecordFile, 'intent' | 'header' | 'answered' | 'torn' | 'file'>, keyId: string): OpenRecord {
    const { attempt } = made.intent;
    const record = openRecord({
      ...made,
      files,
      name: recordFile(attempt),
      key: keyFor(keyring, keyId),
      nonce: () => random.bytes(12),
      onRemoved: () => {
        records.delete(attempt);
        begun.delete(attempt);
      },
    });
    records.set(attempt, record);
    begun.add(attempt);
    return record;
  }

  /** What is wrong with a file; undefined where it is a record now, or gone. */
  async function take(name: string): Promise<UnreadableRecord | undefined> {
    const bytes = await files.read(name);
    if (bytes === 'file_missing') return undefined;
    if (typeof bytes === 'string') return { file: name, why: bytes };
    const read = decodeRecord(bytes, install, keyring);
    if (!read.ok) {
      const { ok: _, ...damage } = read;
      return { file: name, ...damage };
    }
    const { intent, header, torn } = read;
    if (recordFile(intent.attempt) !== name) return { file: name, connection: intent.connection, why: 'renamed' };
    keep({ intent, header, torn, answered: read.sealed !== undefined }, read.key);
    return undefined;
  }

  async function takeAll(names: readonly string[]): Promise<void> {
    for (const name of names) {
      const damage = await take(name);
      if (damage !== undefined) damaged.push(damage);
    }
  }

  await takeAll((await files.names()).filter((name) => name.endsWith(suffix)));

  const byAge = () => [...records.values()].sort((a, b) => a.intent.startedAt - b.intent.startedAt);
  return {
    async begin(intent) {
      const { attempt } = intent;
      if (begun.has(attempt)) throw unwritable(`record ${attempt}`, { code: 'EEXIST' });
      begun.add(attempt);
      try {
        const { file, header } = encodeRecord(intent, install, keyring, options.answerSpaceBytes);
        const made = await files.create(recordFile(attempt), file);
        return keep({ intent, header, answered: false, torn: false, file: made }, keyring.sealWith);
      } catch (cause) {
        begun.delete(attempt);
        throw unwritable(`record ${attempt}`, cause);
      }
    },
    recordsOf: (connection) => byAge().filter((record) => record.intent.connection === connection),
    all: byAge,
    unreadable: () => damaged,
    async readAgain() {
      const again = damaged.filter(({ why }) => why === 'file_unreadable');
      damaged.splice(0, damaged.length, ...damaged.filter(({ why }) => why !== 'file_unreadable'));
      await takeAll(again.map(({ file }) => file));
    },
    async discard(file) {
      await files.remove(file);
      damaged.splice(0, damaged.length, ...damaged.filter((record) => record.file !== file));
    },
    stats() {
      const all = byAge();
      const answered = all.filter((record) => record.state === 'answered' && !record.aside);
      return {
        records: all.length,
        answered: answered.length,
        unreadable: damaged.length,
        oldestAt: all[0]?.intent.startedAt ?? null,
        oldestAnsweredAt: answered[0]?.intent.startedAt ?? null,
      };
    },
    async close() {
      for (const record of records.values()) await record.closeFile();
      await files.close();
    },
  };
}
