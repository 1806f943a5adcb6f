/**
 * What a rotation came to: a closed set, and one exhaustive switch that decides log level, metric and whether a human is
 * concerned. Nothing else in the code may decide these from an outcome.
 */
import type { ClientAtHost, IndexEntry, Reason } from '../connection/entry.ts';
import type { RefreshReason } from '../schedule/ports.ts';
import type { Oddity } from './ports.ts';

export const outcomes = [
  'rotated',
  'notDue',
  'busy',
  'retryLater',
  'throttled',
  'unknown',
  'suspect',
  'needsConsent',
  'misconfigured',
  'quarantined',
  'sealed',
  'orphaned',
  'gone',
] as const;
export type Outcome = (typeof outcomes)[number];

/** Everything worth saying about one attempt. No token in it, by type and by habit. */
export interface RotationReport {
  readonly connection: string;
  readonly asked: RefreshReason | 'recover';
  readonly outcome: Outcome;
  /** Why, where the outcome is not `rotated` or `notDue`. */
  readonly reason: Reason;
  readonly at: ClientAtHost | undefined;
  /** Recovery looked once more at what the index says already: no news, and no attempt to be counted. */
  readonly toldBefore?: boolean | undefined;
  /** What the index is to hold from now on; undefined leaves it as it is. */
  readonly entry?: IndexEntry | undefined;
  readonly attempt?: string | undefined;
  /** When the attempt was begun (calendar, epoch ms): long before the report, where recovery finishes it. */
  readonly startedAt?: number | undefined;
  readonly versionOld?: string | undefined;
  readonly versionNew?: string | undefined;
  readonly fingerprintOld?: string | undefined;
  readonly fingerprintNew?: string | undefined;
  /** HTTP status of the provider's answer. */
  readonly status?: number | undefined;
  /** OAuth error code, scrubbed. */
  readonly error?: string | undefined;
  readonly description?: string | undefined;
  readonly requestId?: string | undefined;
  readonly oddities?: readonly Oddity[] | undefined;
  /** Somebody else's write met ours; `version_taken`: another token lies under the version id that was ours. */
  readonly foreign?: 'saved_other_field' | 'refreshed' | 'restored_spent_token' | 'version_taken' | undefined;
  /** The breaker of the client opened because of this attempt. */
  readonly breakerOpened?: boolean | undefined;
  /** Life left when it was refreshed, ms: how close to the edge we ran. */
  readonly marginMs?: number | undefined;
  readonly requestMs?: number | undefined;
  readonly sealMs?: number | undefined;
  readonly writeMs?: number | undefined;
  readonly totalMs: number;
}

export interface Consequence {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  /** Counts against the failure budget: ours or the provider's fault, never the customer's. */
  readonly countsAsFailure: boolean;
  /** Who can act: nobody needs to, the operator, or the customer. */
  readonly concerns: 'nobody' | 'operator' | 'customer';
}

/** The one place where an outcome decides what is logged, counted and told. */
export function consequenceOf(outcome: Outcome): Consequence {
  switch (outcome) {
    case 'rotated':
      return { level: 'info', countsAsFailure: false, concerns: 'nobody' };
    case 'notDue':
    case 'busy':
      return { level: 'debug', countsAsFailure: false, concerns: 'nobody' };
    case 'retryLater':
    case 'throttled':
      return { level: 'warn', countsAsFailure: true, concerns: 'nobody' };
    case 'unknown':
      return { level: 'warn', countsAsFailure: true, concerns: 'operator' };
    case 'suspect':
      return { level: 'warn', countsAsFailure: false, concerns: 'operator' };
    case 'needsConsent':
      return { level: 'error', countsAsFailure: false, concerns: 'customer' };
    case 'misconfigured':
    case 'quarantined':
      return { level: 'error', countsAsFailure: true, concerns: 'operator' };
    case 'sealed':
      return { level: 'error', countsAsFailure: true, concerns: 'operator' };
    case 'orphaned':
      return { level: 'warn', countsAsFailure: false, concerns: 'operator' };
    case 'gone':
      return { level: 'info', countsAsFailure: false, concerns: 'nobody' };
    default:
      return outcome satisfies never;
  }
}
