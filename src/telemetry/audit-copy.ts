/** A second stream of the same audit lines, for whoever collects the log: what one of the two does not take, the other has. */

export interface AuditCopyOptions {
  /** Appends one line (its end included). Throws what the disk throws. */
  readonly file: (line: string) => void;
  /** Takes the same line, as it is. Throws what its reader's end throws. */
  readonly copy: (line: string) => unknown;
  /** Told of each line that one of the two did not take, with what it threw. */
  readonly onFailure: (error: unknown) => void;
}

/**
 * The chain goes on from a line that only one of the two took: that one is whole then, and the other shows the gap. Throws
 * where neither took it: there is nothing to go on from.
 */
export function withCopy({ file, copy, onFailure }: AuditCopyOptions): (line: string) => void {
  return (line) => {
    let filed = true;
    try {
      file(line);
    } catch (error) {
      filed = false;
      onFailure(error);
    }
    try {
      copy(line);
    } catch (error) {
      if (!filed) throw error;
      onFailure(error);
    }
  };
}
