/**
 * The spool as the protocol sees it, and its mirror. Implemented by the rooms `spool` and `queue`; part of ports.ts, which
 * hands these types on.
 */
import type { RawAnswer } from './token-endpoint-port.ts';

/** Written and fsynced before the POST: what recovery needs to know when nobody remembers. No token in it. */
export interface Intent {
  readonly connection: string;
  readonly provider: string;
  readonly environment: string;
  readonly client: string;
  readonly host: string;
  /** Id of this attempt. */
  readonly attempt: string;
  readonly versionOld: string;
  /** Chosen now, so that any retry of the write is idempotent. */
  readonly versionNew: string;
  /** Fingerprint of the token about to be spent. */
  readonly fingerprintOld: string;
  /** Calendar instant (epoch ms). */
  readonly startedAt: number;
  /** How often this token was already sent without an answer. */
  readonly unanswered: number;
}

export interface SpoolRecord {
  readonly intent: Intent;
  /** `intent`: nothing sealed, the request may have been sent. `answered`: an answer is sealed. */
  readonly state: 'intent' | 'answered';
  /** It lay on our own disk when this process began: whoever made it lives no more, or shares the folder with us. */
  readonly found: boolean;
  /**
   * Opens the sealed answer; undefined where another process of the same folder has finished the record since. Throws
   * spool_unreadable when the bytes were changed.
   */
  answer(): Promise<RawAnswer | undefined>;
  /** Seals an answer into the prepared space; fsynced when it resolves. Throws spool_unwritable, for good. */
  seal(answer: RawAnswer): Promise<void>;
  /**
   * Says whether its answer waits for the store: one that brought no token, or is held for a person, does not, and counts
   * neither as unwritten nor as overdue. In mind only: whoever opens the record anew finds out anew.
   */
  setAside(isAside: boolean): void;
  /** Deletes the record. Only after its value is verified in the store, or proven needless. */
  remove(): Promise<void>;
}

/** A record that cannot be opened: kept, never deleted by us, blocks its connection (where that is readable) and no other. */
export interface UnreadableRecord {
  readonly file: string;
  readonly connection?: string;
  readonly why: string;
}

/** Every record of one connection there is, wherever it lies. */
export interface OpenRecords {
  /** Oldest first. */
  readonly records: readonly SpoolRecord[];
  readonly unreadable: readonly UnreadableRecord[];
}

export interface Spool {
  /**
   * Makes a record: space for the answer written ahead, fsynced with its folder, mirrored and acknowledged. Throws
   * spool_unwritable, redis_unavailable; nothing is left behind then.
   */
  begin(intent: Intent): Promise<SpoolRecord>;
  /** This worker's own records of one connection, oldest first. */
  recordsOf(connection: string): readonly SpoolRecord[];
  /** Own records of one connection and those other workers left in the mirror. Throws redis_unavailable. */
  openOf(connection: string): Promise<OpenRecords>;
  /** Connections with a record: own ones first, then those of the mirror. Throws redis_unavailable for the latter only. */
  connections(): AsyncIterable<readonly string[]>;
  /** Puts back into the mirror what a Redis that was lost no longer holds, and takes out what is finished. */
  refreshMirror(): Promise<void>;
  /** Own records, oldest first. */
  all(): readonly SpoolRecord[];
  /** Own files that cannot be opened. */
  unreadable(): readonly UnreadableRecord[];
  stats(): SpoolStats;
}

export interface SpoolStats {
  readonly records: number;
  /** Answers sealed here that wait for the store. */
  readonly answered: number;
  readonly unreadable: number;
  readonly oldestAt: number | null;
  /** When the oldest rotation was begun whose answer is sealed and not yet in the store (epoch ms). */
  readonly oldestAnsweredAt: number | null;
}

/**
 * Sealed records kept a second time where every worker finds them, until they are finished. Bytes only: whoever holds the
 * sealing keys can open them. Lost with Redis; workers then put back what they hold. Throws redis_unavailable.
 */
export interface SpoolMirror {
  /**
   * Keeps a record's bytes; acknowledged when it resolves. Where more of it lies there already (its answer, which our disk
   * may have refused), that stays.
   */
  keep(connection: string, attempt: string, bytes: Buffer): Promise<void>;
  drop(connection: string, attempt: string): Promise<void>;
  /** Attempt to bytes of one connection. */
  of(connection: string): Promise<ReadonlyMap<string, Buffer>>;
  /** Connections that have records, in pages. */
  connections(): AsyncIterable<readonly string[]>;
}

// -------------------------------------------------------------------------------------------------------------- survey

/** One record as somebody sees it who only looks. No answer in it. */
export interface SpoolItem extends Partial<Intent> {
  readonly attempt: string;
  /** Of the better copy, where there are two. */
  readonly state: SpoolRecord['state'] | 'unreadable';
  readonly where: 'disk' | 'mirror' | 'both';
  /** Copies that cannot be opened. */
  readonly problems: readonly SpoolProblem[];
}

export interface SpoolProblem {
  readonly where: 'disk' | 'mirror';
  readonly file: string;
  readonly why: string;
}

export interface SpoolSurvey {
  /** Oldest first, those whose age cannot be told last. */
  readonly items: readonly SpoolItem[];
  /** False: Redis could not be asked, only the disk was looked at. */
  readonly mirrorRead: boolean;
}
