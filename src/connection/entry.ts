/**
 * What the index knows of a connection: enough to schedule, sort and show it without reading its secret. It holds no
 * token and can be rebuilt from the store at any time.
 */

/** Where a connection stands. `due` is not a state: it is `nextAt <= now`. */
export const connectionStates = [
  /** Alive and scheduled. */
  'active',
  /** The last attempt failed in a way that passes; scheduled again. */
  'retrying',
  /** Waits untouched because its client is rejected by the provider. */
  'blocked',
  /** The provider refused the token; not believed until confirmed. */
  'suspect',
  /** Proven dead: only a new consent helps. */
  'reauth_required',
  /** Alive, but no refresh can extend its life: it will need a new consent at its deadline. */
  'unkeepable',
  /** Frozen: an answer or its spool record is not understood; the sealed bytes are kept. */
  'quarantined',
  /** A new token is sealed in the spool and not yet in the store. */
  'sealed',
  /** The secret cannot be used as it is (broken content, unknown provider, foreign host). */
  'invalid',
] as const;
export type ConnectionState = (typeof connectionStates)[number];

/** Why a connection is not plainly active. Stable words: seen in status, tags, logs and metrics. */
export const reasons = [
  'none',
  // blocked
  'client_rejected',
  'client_secret_missing',
  // retrying
  'busy',
  'cooling_down',
  'spool_backlog',
  'redis_new',
  'network',
  'provider_unavailable',
  'throttled',
  'unknown_outcome',
  'store_denied',
  'store_throttled',
  'store_unavailable',
  'store_conflict',
  'spool_unwritable',
  'redis_unavailable',
  'access_point_moved',
  // suspect, reauth_required
  'invalid_grant',
  'lost_rotation',
  'expired',
  'refresh_token_missing',
  // unkeepable
  'absolute_lifetime',
  // quarantined
  'answer_not_understood',
  'token_of_another_connection',
  'token_replayed',
  'record_unreadable',
  // invalid
  'content_not_json',
  'content_not_object',
  'duplicate_key',
  'forbidden_key',
  'binary_not_text',
  'provider_missing',
  'provider_unknown',
  'environment_unknown',
  'environment_mismatch',
  'client_missing',
  'client_mismatch',
  'host_not_allowed',
  'grant_holds_nothing',
  'duplicate_token',
  'too_large',
  'no_current_version',
  'foreign_rotation',
  'replica',
  'token_spent',
  'request_rejected',
  // a fault of our own
  'internal_error',
] as const;
export type Reason = (typeof reasons)[number];

/** The clock a deadline comes from. */
export type DeadlineClock = 'idle' | 'absolute';

/** Our registration at one token host: what a wrong client secret hits, and what a breaker guards. */
export interface ClientAtHost {
  readonly provider: string;
  readonly environment: string;
  readonly client: string;
  /** Host name of the token endpoint. */
  readonly host: string;
}

/** One string for a client at a host, stable, for keys and log fields. */
export function clientKey(client: ClientAtHost): string {
  return `${client.provider}|${client.environment}|${client.client}|${client.host}`;
}

export interface IndexEntry {
  /** The secret's name without the configured prefix. */
  readonly id: string;
  readonly at: ClientAtHost;
  readonly state: ConnectionState;
  readonly reason: Reason;
  /** When it entered the state (epoch ms). */
  readonly since: number;
  /** Digest of the version id and the managed tags the entry was made from; inventory reads the secret again when it differs. */
  readonly seen: string;
  /** Fingerprint of the refresh token (12 hex digits), or '' where the secret holds none. */
  readonly fingerprint: string;
  /** When it is looked at next (epoch ms): due, retry or confirmation. Null: not before its secret changes. */
  readonly nextAt: number | null;
  /** When it dies if nothing happens (epoch ms). Null where nothing is known. */
  readonly deadlineAt: number | null;
  readonly clock: DeadlineClock | null;
  /** The deadline rests on an estimated anchor or an unclear lifetime. */
  readonly estimated: boolean;
  /** When its life was last extended (epoch ms), null where unknown. */
  readonly extendedAt: number | null;
  /** Attempts that failed in a row; sightings while suspect. */
  readonly failures: number;
  /** Its own thresholds, where its secret's tags set them: on-call is warned, and woken, with so much time left (ms). */
  readonly warnMs?: number;
  readonly pageMs?: number;
}

/**
 * A request for its token stayed without an answer and is not sent again, by whoever's order: somebody else may have spent
 * it too, or its provider forgives no second try. Only a new token in the secret ends it.
 */
export function isInDoubt({ state, reason, nextAt }: Pick<IndexEntry, 'state' | 'reason' | 'nextAt'>): boolean {
  return state === 'suspect' && reason === 'unknown_outcome' && nextAt === null;
}
