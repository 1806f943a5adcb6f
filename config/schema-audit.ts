/** The `audit` section: how much of the audit trail stays on the disk, and whether it goes to standard output as well. */
import { z } from 'zod';

export const audit = z.strictObject({
  /** A file this long, bytes, is put aside under the time of day and a new one begun. */
  maxBytes: z.int().min(65_536).max(10_737_418_240).default(52_428_800),
  /** Older files kept beside the one being written; the oldest goes first. */
  keep: z.int().min(0).max(1_000).default(3),
  /** Write each line to standard output too, as it is in the file, for whoever collects the log. */
  stdout: z.boolean().default(false),
});
