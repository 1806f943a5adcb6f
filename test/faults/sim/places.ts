/**
 * Every place a refresh token could be recovered from. The store counts where a label or the intent of a record that
 * still exists leads to the version: one that nothing names is as good as gone.
 */
import { type SecretValue, stage } from '../../../src/rotation/ports.ts';
import type { SimDisk } from './files.ts';
import type { SealedTokens } from './sealed-tokens.ts';

export type PlaceKind =
  /** AWSCURRENT. */
  | 'current'
  /** Another label of the store's or ours. */
  | 'labelled'
  /** Ours that lost against somebody else's: kept for a person. */
  | 'orphan'
  /** No label, but a record says its id. */
  | 'named'
  /** A sealed answer on a disk that still exists. */
  | 'disk'
  /** A sealed answer in the mirror. */
  | 'mirror'
  /** On its way to, or in the memory of, one of our workers that is alive. */
  | 'worker'
  /** The same of an application or a person: nothing of ours can bring it back. */
  | 'foreign';

export interface Place {
  readonly kind: PlaceKind;
  readonly token: string;
  /** A version id, a file, an attempt, an actor. */
  readonly where: string;
  /** Of a sealed answer on a disk. */
  readonly disk?: SimDisk;
}

export interface StoredVersion {
  readonly versionId: string;
  readonly stages: readonly string[];
  readonly value: SecretValue;
}

export interface PlaceSources {
  /** Versions that have a label, of a connection's secret; none where there is no such secret. */
  readonly labelled: (connection: string) => Iterable<StoredVersion>;
  readonly version: (connection: string, versionId: string) => StoredVersion | undefined;
  readonly disks: () => Iterable<SimDisk>;
  readonly mirrored: (connection: string) => ReadonlyMap<string, Buffer>;
  /** Tokens given out in an answer that somebody alive has, or that is still on its way to them. */
  readonly held: (
    connection: string,
  ) => Iterable<{ readonly token: string; readonly actor: string; readonly ours: boolean }>;
  readonly sealed: SealedTokens;
}

/** A record that holds an answer, wherever it lies. */
export interface AnsweredRecord {
  readonly kind: 'disk' | 'mirror';
  readonly attempt: string;
  readonly token: string | undefined;
}

export interface Places {
  of(connection: string): readonly Place[];
  answered(connection: string): readonly AnsweredRecord[];
}

export function createPlaces(sources: PlaceSources): Places {
  const { sealed } = sources;

  function* recordsOf(connection: string) {
    for (const disk of sources.disks()) {
      for (const [file, bytes] of disk.files) {
        const record = sealed.inRecord(bytes, 'file');
        if (record?.intent.connection === connection) yield { kind: 'disk' as const, where: file, record, disk };
      }
    }
    for (const [attempt, bytes] of sources.mirrored(connection)) {
      const record = sealed.inRecord(bytes, 'compact');
      if (record !== undefined) yield { kind: 'mirror' as const, where: attempt, record, disk: undefined };
    }
  }

  function storedAs({ stages }: StoredVersion): PlaceKind {
    if (stages.includes(stage.current)) return 'current';
    return stages.some((label) => label.startsWith(stage.orphanPrefix)) ? 'orphan' : 'labelled';
  }

  return {
    of(connection) {
      const found: Place[] = [];
      const add = (kind: PlaceKind, token: string | undefined, where: string, disk?: SimDisk) => {
        if (token !== undefined) found.push({ kind, token, where, ...(disk === undefined ? {} : { disk }) });
      };
      for (const version of sources.labelled(connection))
        add(storedAs(version), sealed.inValue(version.value), version.versionId);
      for (const { kind, where, record, disk } of recordsOf(connection)) {
        add(kind, record.token, where, disk);
        for (const id of [record.intent.versionOld, record.intent.versionNew]) {
          const version = sources.version(connection, id);
          if (version !== undefined && version.stages.length === 0) add('named', sealed.inValue(version.value), id);
        }
      }
      for (const { token, actor, ours } of sources.held(connection)) add(ours ? 'worker' : 'foreign', token, actor);
      return found;
    },
    answered: (connection) =>
      [...recordsOf(connection)].flatMap(({ kind, record }) =>
        record.answered ? [{ kind, attempt: record.intent.attempt, token: record.token }] : [],
      ),
  };
}
