/**
 * One fsync for many: whoever comes while one runs shares the next, because only a sync that began after a file was made
 * covers it. A failed one fails everybody who waited, for Linux may report the next as a success that is none.
 */
export function sharedSync(sync: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  const run = (): Promise<void> => {
    const mine = sync().finally(() => {
      if (running === mine) running = undefined;
    });
    running = mine;
    return mine;
  };
  return () => {
    if (running === undefined) return run();
    next ??= running
      .finally(() => {
        next = undefined;
      })
      .then(run);
    return next;
  };
}
