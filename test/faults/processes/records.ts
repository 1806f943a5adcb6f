/** What a spool folder and the mirror hold, read as a worker would read it, without one. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { createSpoolMirror } from '../../../src/queue/spool-mirror.ts';
import { decodeRecord } from '../../../src/spool/format.ts';
import type { Keyring } from '../../../src/spool/keyring.ts';

export interface SeenRecord {
  readonly connection: string;
  readonly attempt: string;
  readonly versionNew: string;
  /** Calendar instant at which the attempt was begun. */
  readonly startedAt: number;
  /** An answer is sealed in it. */
  readonly answered: boolean;
}

export interface SeenRecords {
  readonly records: readonly SeenRecord[];
  /** What could not be opened, and why. */
  readonly damaged: readonly string[];
}

/** Name of the install's environment where a configuration names none. */
const install = 'production';

function read(bytes: Buffer, keyring: Keyring, layout: 'file' | 'compact'): SeenRecord | string {
  const found = decodeRecord(bytes, install, keyring, layout);
  if (!found.ok) return found.why;
  const { connection, attempt, versionNew, startedAt } = found.intent;
  return { connection, attempt, versionNew, startedAt, answered: found.sealed !== undefined };
}

function sort(all: readonly (readonly [where: string, SeenRecord | string])[]): SeenRecords {
  return {
    records: all.flatMap(([, found]) => (typeof found === 'string' ? [] : [found])),
    damaged: all.flatMap(([where, found]) => (typeof found === 'string' ? [`${where}: ${found}`] : [])),
  };
}

/** Names of the records in a folder; none where there is no such folder. */
export function recordFiles(directory: string): readonly string[] {
  try {
    return readdirSync(directory).filter((name) => name.endsWith('.rec'));
  } catch {
    return [];
  }
}

export function recordsOnDisk(directory: string, keyring: Keyring): SeenRecords {
  return sort(
    recordFiles(directory).flatMap((name) => {
      const bytes = bytesOf(join(directory, name));
      return bytes === undefined ? [] : [[name, read(bytes, keyring, 'file')] as const];
    }),
  );
}

/** A living worker may take one away between our look at the folder and at the file. */
function bytesOf(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

/** One record as it lies in the mirror. */
export function readMirrored(bytes: Buffer, keyring: Keyring): SeenRecord | string {
  return read(bytes, keyring, 'compact');
}

export async function recordsInMirror(redis: Redis, keyring: Keyring): Promise<SeenRecords> {
  const mirror = createSpoolMirror({ redis });
  const all: [string, SeenRecord | string][] = [];
  for await (const page of mirror.connections()) {
    for (const connection of page)
      for (const [attempt, bytes] of await mirror.of(connection)) all.push([attempt, readMirrored(bytes, keyring)]);
  }
  return sort(all);
}
