/**
 * How a simulated part of the world is called. Every part is a plain synchronous state machine; each call of a port is
 * handed to the simulator, which decides when its effect happens, whether it does, and what the caller is told.
 */

export interface PortCall<T> {
  /** Port and operation: `store.put`, `disk.write`, `provider.request`. Stable: replays and sabotage tables name it. */
  readonly name: string;
  /** What it is about, for the trace: a version id, a file name, a connection. Never a token. */
  readonly about?: string;
  /** The effect, at once and whole; throws or answers what the port would. Nothing else happens while it runs. */
  readonly effect: () => T;
  /**
   * What the caller is told where the effect may or may not have happened and nobody knows: throws the port's own error
   * (store_unavailable, redis_unavailable, spool_unwritable, ...) or answers (an exchange without an answer).
   */
  readonly failed: () => T;
  /** A call that hangs ends with `failed` after this long (the adapter's own time limit, monotonic ms); Infinity: never. */
  readonly limitMs: number;
  /**
   * What a crash in the middle may leave of it, for effects that are not atomic (a torn write); drawn from `fraction`
   * in [0, 1). Undefined: all or nothing.
   */
  readonly torn?: (fraction: number) => void;
}

/** One actor's way into the world: a worker's life, an application, a person. A dead actor's calls never come back. */
export type Calls = <T>(call: PortCall<T>) => Promise<T>;
