/** What the spool asks of a file system: few calls, each of them durable when it resolves. */

/** A file of ours that is open for writing. */
export interface SpoolFile {
  /** Writes every byte at the position; on disk when it resolves. Throws what the disk answers; then nothing is certain. */
  write(bytes: Uint8Array, position: number): Promise<void>;
  close(): Promise<void>;
}

/** Why a file cannot be read as one of ours. */
export type FileDamage = 'not_a_plain_file' | 'not_a_spool_file' | 'file_unreadable' | 'file_missing';

export interface SpoolFiles {
  /** Names of all records there are, in order. Files whose making never ended are no records. */
  names(): Promise<readonly string[]>;
  /** Makes a file whole: bytes and name are on disk when it resolves. Never over another one. */
  create(name: string, bytes: Uint8Array): Promise<SpoolFile>;
  /** A file made before, to be written into. */
  reopen(name: string): Promise<SpoolFile>;
  /** All of a file. Damage is a value; throws nothing. */
  read(name: string): Promise<Buffer | FileDamage>;
  /** A file that is not there is no failure. */
  remove(name: string): Promise<void>;
  close(): Promise<void>;
}
