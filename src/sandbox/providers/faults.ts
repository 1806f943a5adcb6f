/**
 * Faults put into the sandbox, each for a provider, a host or a connection, for a window of the calendar and a number of
 * times. Each counts how often it struck, so that a test can show that it did.
 */

/** `before`: nothing was committed. `after`: the refresh took effect, and the answer is what goes wrong. */
export type FaultMoment = 'before' | 'after';

export type FaultKind =
  /** The connection is reset before the request is read. */
  | { readonly kind: 'refuse' }
  /** The connection is reset instead of an answer. */
  | { readonly kind: 'drop'; readonly when: FaultMoment }
  /** Nothing ever comes. */
  | { readonly kind: 'hang'; readonly when: FaultMoment }
  /** Another answer than the right one. A body that is no text and no bytes is sent as JSON. */
  | {
      readonly kind: 'answer';
      readonly when: FaultMoment;
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: unknown;
    }
  /** These bytes on the socket, then its end. */
  | { readonly kind: 'raw'; readonly when: FaultMoment; readonly bytes: Buffer }
  /** The right answer, cut after this many bytes of its body. */
  | { readonly kind: 'truncate'; readonly keepBytes: number }
  /** The right answer, late by this many ms of real time. */
  | { readonly kind: 'slow'; readonly ms: number }
  /** 429 in the provider's own form. */
  | { readonly kind: 'throttle'; readonly retryAfterMs: number }
  /** The provider takes the client secret for wrong, and says so its own way. */
  | { readonly kind: 'wrongSecret' };

export interface FaultScope {
  readonly provider?: string;
  readonly host?: string;
  readonly connection?: string;
  readonly client?: string;
  /** Calendar instants (epoch ms); the second is the first at which it no longer strikes. */
  readonly from?: number;
  readonly until?: number;
  /** Strikes at most this often. */
  readonly times?: number;
}

export interface Fault {
  fired(): number;
  lift(): void;
}

export interface FaultTarget {
  readonly provider: string;
  readonly host: string;
  readonly connection?: string;
  readonly client?: string;
}

export interface Faults {
  inject(fault: FaultKind, scope?: FaultScope): Fault;
  /** The first fault that strikes here and now, counted; undefined where none does. */
  strike(target: FaultTarget, now: number, wanted: (fault: FaultKind) => boolean): FaultKind | undefined;
}

export function createFaults(): Faults {
  const active: { fault: FaultKind; scope: FaultScope; fired: number }[] = [];
  return {
    inject(fault, scope = {}) {
      const entry = { fault, scope, fired: 0 };
      active.push(entry);
      return {
        fired: () => entry.fired,
        lift() {
          const at = active.indexOf(entry);
          if (at >= 0) active.splice(at, 1);
        },
      };
    },
    strike(target, now, wanted) {
      const entry = active.find(({ fault, scope, fired }) => wanted(fault) && strikes(scope, fired, target, now));
      if (entry === undefined) return undefined;
      entry.fired++;
      return entry.fault;
    },
  };
}

function strikes(scope: FaultScope, fired: number, target: FaultTarget, now: number): boolean {
  return (
    fired < (scope.times ?? Number.POSITIVE_INFINITY) &&
    now >= (scope.from ?? Number.NEGATIVE_INFINITY) &&
    now < (scope.until ?? Number.POSITIVE_INFINITY) &&
    (scope.provider ?? target.provider) === target.provider &&
    (scope.host ?? target.host) === target.host &&
    (scope.connection === undefined || scope.connection === target.connection) &&
    (scope.client === undefined || scope.client === target.client)
  );
}
