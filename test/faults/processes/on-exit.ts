/** What must not outlive this process, however it ends: one hook for all of it. */

const acts = new Set<() => void>();

process.once('exit', () => {
  for (const act of acts) act();
});

/** Answers how to take it back. */
export function onExit(act: () => void): () => void {
  acts.add(act);
  return () => void acts.delete(act);
}
