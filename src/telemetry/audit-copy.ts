/** A second stream of the same audit lines, for whoever collects the log: what one of the two does not take, the other has. */

export interface AuditCopyOptions {
  /** Appends one line (its end included). Throws what the disk throws. */
  readonly file: (line: string) => void;
  /** Takes the same line, as it is. */
  readonly copy: (line: string) => unknown;
  /** Told of each line the file did not take, with what it threw. */
  readonly onFailure: (error: unknown) => void;
}

/** The chain goes on from a line the file did not take: the copy is whole then, and the file shows the gap. */
export function withCopy({ file, copy, onFailure }: AuditCopyOptions): (line: string) => void {
  return (line) => {
    try {
      file(line);
    } catch (error) {
      onFailure(error);
    }
    copy(line);
  };
}
