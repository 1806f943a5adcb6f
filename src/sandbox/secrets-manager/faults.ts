/**
 * Faults to order: what goes wrong, on which operation, for which secret, how often, and before or after the operation
 * took effect. Each counts how often it fired, so that a test can prove that it did.
 */
import { injected, type ServiceError } from './errors.ts';
import type { OperationName } from './operations.ts';

/** What the client meets. */
export type FaultKind =
  /** An error answer, by AWS's type name. */
  | { readonly error: string; readonly message?: string; readonly status?: number }
  /** The connection is reset without an answer. */
  | 'drop'
  /** No answer until the fault is released or the double stops. */
  | 'hang'
  /** The head and half of the answer, then a reset. */
  | 'truncate'
  /** Reads see the secret as it was before its last change. */
  | 'stale'
  /** The answer comes this much later (monotonic ms). */
  | { readonly delayMs: number }
  /** An answer that is not Secrets Manager's, such as a proxy's error page. */
  | { readonly raw: { readonly status: number; readonly body: string; readonly contentType?: string } }
  /** Something else happens just then, such as an application's write; the operation itself succeeds. */
  | { readonly call: () => void | Promise<void> };

export interface FaultSpec {
  readonly op: OperationName | readonly OperationName[] | '*';
  /** Name of the secret it is for; any when absent. In a batch, an error for one secret goes to its Errors[]. */
  readonly secret?: string;
  /** Matching calls that pass before it fires. Default 0. */
  readonly skip?: number;
  /** How often it fires. Default 1. */
  readonly times?: number;
  /** Whether the operation takes effect before the fault shows. Default false. */
  readonly applied?: boolean;
  readonly what: FaultKind;
}

export interface Fault {
  readonly spec: FaultSpec;
  /** How often it fired so far. */
  fired(): number;
  /** Resolves when it has fired for the first time. */
  readonly firedOnce: Promise<void>;
  /** Takes it away and lets what hangs on it go on. */
  remove(): void;
}

/** A fault that has just fired for a request. */
export interface FiredFault {
  readonly spec: FaultSpec;
  readonly released: Promise<void>;
}

export interface Faults {
  add(spec: FaultSpec): Fault;
  /** Takes all away. */
  clear(): void;
  /** Faults that have never fired; a test that ordered one should find none. */
  unfired(): readonly Fault[];
  /** For the double: the fault that fires for this request, if any. */
  fire(op: OperationName, secretNames: readonly string[]): FiredFault | undefined;
  /** For the double: the error that one secret of a batch meets, if any. */
  fireItem(name: string): ServiceError | undefined;
}

interface Entry {
  readonly fault: Fault;
  readonly spec: FaultSpec;
  readonly released: Promise<void>;
  /** Counts a match; true when the fault fires on it. */
  hit(): boolean;
}

function entryOf(spec: FaultSpec, forget: (entry: Entry) => void): Entry {
  const first = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  let matched = 0;
  let fired = 0;
  const entry: Entry = {
    spec,
    released: release.promise,
    hit() {
      matched++;
      if (matched <= (spec.skip ?? 0) || fired >= (spec.times ?? 1)) return false;
      fired++;
      first.resolve();
      return true;
    },
    fault: {
      spec,
      fired: () => fired,
      firedOnce: first.promise,
      remove() {
        forget(entry);
        release.resolve();
      },
    },
  };
  return entry;
}

/** An error for one secret of a batch does not fail the batch. */
function forItem(spec: FaultSpec): boolean {
  return spec.secret !== undefined && typeof spec.what === 'object' && 'error' in spec.what;
}

function concerns(spec: FaultSpec, op: OperationName): boolean {
  return spec.op === '*' || spec.op === op || (typeof spec.op === 'object' && spec.op.includes(op));
}

export function createFaults(): Faults {
  const entries = new Set<Entry>();
  return {
    add(spec) {
      const entry = entryOf(spec, (gone) => entries.delete(gone));
      entries.add(entry);
      return entry.fault;
    },
    clear() {
      for (const entry of [...entries]) entry.fault.remove();
    },
    unfired: () => [...entries].map((entry) => entry.fault).filter((fault) => fault.fired() === 0),
    fire(op, secretNames) {
      for (const entry of entries) {
        const { spec } = entry;
        if (!concerns(spec, op) || (op === 'BatchGetSecretValue' && forItem(spec))) continue;
        if (spec.secret !== undefined && !secretNames.includes(spec.secret)) continue;
        if (entry.hit()) return entry;
      }
      return undefined;
    },
    fireItem(name) {
      for (const entry of entries) {
        const { spec } = entry;
        if (!concerns(spec, 'BatchGetSecretValue') || !forItem(spec) || spec.secret !== name || !entry.hit()) continue;
        if (typeof spec.what === 'object' && 'error' in spec.what)
          return injected(spec.what.error, 'GetSecretValue', spec.what.message);
      }
      return undefined;
    },
  };
}
