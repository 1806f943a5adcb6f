/** What the protocol needs to know, all in milliseconds unless the name says otherwise. Checked against each other by `config/`. */
export interface RotationSettings {
  /** Longer than request limit and write limit together. */
  readonly leaseMs: number;
  /** Longest a token request may take. */
  readonly requestLimitMs: number;
  /** How long a worker tries to write a sealed answer before it leaves it to recovery. */
  readonly writeLimitMs: number;
  /** After a POST nobody but recovery and confirmation touches the connection for this long. */
  readonly coolDownMs: number;
  /** Least time between the two sightings that make a suspicion a fact. */
  readonly confirmAfterMs: number;
  readonly probeEveryMs: number;
  /** Distinct connections refused with no success between that open a client's breaker. */
  readonly breakerThreshold: number;
  readonly retryFirstMs: number;
  readonly retryMaxMs: number;
  /** Sealed answers not yet in the store, on this worker's disk, from which on it spends no further token. */
  readonly unwrittenMax: number;
  /** A connection this near its death is tried even while its client's breaker is open. */
  readonly urgentMs: number;
}

/** Secrets Manager's limit on a secret's value, bytes. */
export const valueBytesMax = 65_536;
/** Longer refresh tokens are not believed (no provider comes near); bounds what a rotation can add to a value. */
export const tokenBytesMax = 8_192;
/** Versions of ours that lost against somebody else's are kept, at most so many and so long. */
export const orphansMax = 5;
export const orphanKeepMs = 30 * 86_400_000;
/** Records of a connection whose secret is gone are kept at least so long: the longest a deleted secret can be restored. */
export const goneKeepMs = 30 * 86_400_000;
