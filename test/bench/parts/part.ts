/** What a part of the bench is, and what it is given. */
import type { Closers } from '../../../src/runtime/closers.ts';
import type { Spread } from '../stats.ts';

export interface PartOptions {
  /** The million-connection sizes as well. */
  readonly long: boolean;
  /** Folder for CPU profiles of the processes measured. */
  readonly profile: string | undefined;
  /** Tells the person who waits what is going on. */
  readonly say: (line: string) => void;
  readonly closers: Closers;
}

/** What a part found: figures by key, their spread over runs, and what else is worth knowing. */
export interface Found {
  readonly figures: Readonly<Record<string, number>>;
  readonly spread?: Readonly<Record<string, Spread>>;
  readonly details?: Readonly<Record<string, unknown>>;
}
