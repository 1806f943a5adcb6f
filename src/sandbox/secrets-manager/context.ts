/** What every operation of the double is handed: the state, the clock, and where writes are noted for tests. */
import type { Clock } from '../../runtime/clock.ts';
import type { Random } from '../../runtime/random.ts';
import { invalidRequest, markedForDeletion, type ServiceError } from './errors.ts';
import type { VersionLimits } from './labels.ts';
import type { Input } from './params.ts';
import type { Face, SecretRecord, State } from './state.ts';

/** A write that took effect. */
export interface Write {
  readonly op: string;
  readonly name: string;
  readonly versionId?: string | undefined;
  readonly stages?: readonly string[] | undefined;
  /** Calendar instant (epoch ms). */
  readonly at: number;
  /** `wire`: asked for over HTTP; `direct`: by the test that holds the double. */
  readonly origin: 'wire' | 'direct';
}

export interface Context {
  readonly state: State;
  readonly clock: Clock;
  readonly random: Random;
  readonly versionLimits: VersionLimits;
  /** What a read may see of a secret: its face now, or an older one where a stale read is injected. */
  faceOf(secret: SecretRecord): Face;
  /** The error injected for one secret of a batch. */
  itemFault(name: string): ServiceError | undefined;
  wrote(write: Omit<Write, 'at' | 'origin'>): void;
}

export type Operation = (input: Input, context: Context) => Readonly<Record<string, unknown>>;

/** Refuses a write where AWS does: on a secret that waits for deletion and on a replica. */
export function assertWritable(secret: SecretRecord): void {
  if (secret.face.deletedAt !== undefined) throw markedForDeletion();
  if (secret.primaryRegion !== undefined) {
    throw invalidRequest("Operation not permitted on a replica secret. Call must be made in primary secret's region.");
  }
}
