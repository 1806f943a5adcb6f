/**
 * The small interfaces the rotation protocol needs. Adapters implement them, app.ts wires them, a simulation replaces
 * them. Every await in the protocol is a call of one of these.
 */
import type { ClientAtHost, IndexEntry } from '../connection/entry.ts';
import type { Secret } from '../runtime/secret.ts';

export type * from './spool-port.ts';
export type * from './token-endpoint-port.ts';

// ---------------------------------------------------------------------------------------------------------------- store

/** Staging labels of AWS Secrets Manager and our own. */
export const stage = {
  current: 'AWSCURRENT',
  previous: 'AWSPREVIOUS',
  /** Used by Secrets Manager's own rotation; never ours. */
  awsPending: 'AWSPENDING',
  pending: 'PILOTLIGHT_PENDING',
  probe: 'PILOTLIGHT_PROBE',
  orphanPrefix: 'PILOTLIGHT_ORPHAN_',
} as const;

/** The version a label is on; undefined where it is on none. */
export function versionWith(label: string, stages: SecretDescription['stages']): string | undefined {
  return Object.entries(stages).find(([, labels]) => labels.includes(label))?.[0];
}

/** A secret's value as stored: text or bytes. Kept apart because it must be written back in the form it was found. */
export type SecretValue = { readonly text: Secret } | { readonly binary: Buffer };

export interface SecretDescription {
  /** Full name in the store. */
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  /** Version id to its staging labels. */
  readonly stages: Readonly<Record<string, readonly string[]>>;
  /** Set when the secret is scheduled for deletion (epoch ms). */
  readonly deletedAt?: number;
  /** Set on a read-only replica: the Region that holds the primary. */
  readonly primaryRegion?: string;
}

export interface SecretVersion {
  readonly versionId: string;
  readonly value: SecretValue;
  readonly stages: readonly string[];
  /** When the version was made (epoch ms). */
  readonly createdAt: number;
}

export interface VersionSummary {
  readonly versionId: string;
  readonly stages: readonly string[];
  readonly createdAt: number;
}

/**
 * Where connections live. Errors thrown are PilotlightErrors: store_not_found, store_deleted, store_denied,
 * store_throttled, store_unavailable (time-outs included: the call may have taken effect), store_version_exists (the
 * version id holds other bytes), store_stage_moved (compare-and-swap lost), store_limit, store_invalid. A write is
 * idempotent by version id. Calls bound themselves in time and retry nothing but throttling of reads.
 */
export interface SecretStore {
  /** Pages of all secrets that are managed (by tag or name prefix). A hint: it may lag behind by minutes. */
  list(): AsyncIterable<readonly SecretDescription[]>;
  describe(name: string): Promise<SecretDescription>;
  /** The version with the label or id given. */
  read(name: string, which: { readonly stage: string } | { readonly versionId: string }): Promise<SecretVersion>;
  /** AWSCURRENT of many secrets at once, in the order asked; an error stands for itself and fails no other. */
  readMany(names: readonly string[]): Promise<readonly (SecretVersion | Error)[]>;
  /** Versions with their labels, deprecated ones (without a label) included. */
  versions(name: string): Promise<readonly VersionSummary[]>;
  /** Makes a version under the id and labels given. Same id and same bytes: success without change. */
  put(
    name: string,
    version: { readonly versionId: string; readonly value: SecretValue; readonly stages: readonly string[] },
  ): Promise<void>;
  /**
   * Compare-and-swap of a label: to version `to`, from version `from` (must be where the label is now; undefined only
   * where no version has it). `to` undefined takes the label away.
   */
  moveStage(
    name: string,
    move: { readonly stage: string; readonly to?: string | undefined; readonly from?: string | undefined },
  ): Promise<void>;
  tag(name: string, tags: Readonly<Record<string, string>>): Promise<void>;
  untag(name: string, keys: readonly string[]): Promise<void>;
}

// -------------------------------------------------------------------------------------------------- lease, permits, client

export interface Lease {
  /** Milliseconds of monotonic time left, as far as we know. */
  remainingMs(): number;
  /** Asks Redis whether it is still ours. False when Redis does not answer. */
  stillOurs(): Promise<boolean>;
  /** Gives it back at once; nothing was posted. Never throws. */
  release(): Promise<void>;
  /** Turns it into a cool-down which only recovery and confirmation pass. Never throws. */
  coolDown(ms: number): Promise<void>;
}

export type LeaseAnswer =
  | { readonly lease: Lease }
  | { readonly refused: 'held' | 'cooling' | 'epoch_young'; readonly retryAfterMs: number };

export interface Leases {
  /** Throws redis_unavailable. `passCoolDown` is for recovery and confirmation. */
  acquire(connection: string, options: { readonly ms: number; readonly passCoolDown: boolean }): Promise<LeaseAnswer>;
}

/** All waiting happens here, before the POST. Throws redis_unavailable; rejects when the signal aborts. */
export interface Permits {
  /** One request at a provider's token endpoints. */
  request(provider: string, perSecond: number, signal: AbortSignal): Promise<void>;
  /** `count` store writes; recovery has its own share so that new spends never starve it. */
  writes(count: number, share: 'rotation' | 'recovery', signal: AbortSignal): Promise<void>;
}

/** What is known of a client at a host. Lost with Redis at no greater cost than being learnt again. */
export interface ClientHealth {
  readonly breaker: 'closed' | 'open';
  readonly breakerReason: string;
  readonly openedAt: number | null;
  readonly nextProbeAt: number | null;
  /** When the last request that succeeded was begun. */
  readonly lastSuccessAt: number | null;
  /** Connections whose token was refused since the last success. */
  readonly suspects: number;
  /** No new request before this instant (Retry-After of a throttling host), epoch ms; 0 when free. */
  readonly heldUntil: number;
  /** Which client secret the provider took last: `current` unless proven otherwise. */
  readonly secret: 'current' | 'previous';
}

export interface Clients {
  health(at: ClientAtHost): Promise<ClientHealth>;
  /** Every client at a host that has had a connection. */
  list(): Promise<readonly { readonly at: ClientAtHost; readonly health: ClientHealth }[]>;
  /** A refresh begun at `startedAt` succeeded: closes the breaker, forgets suspects. */
  succeeded(at: ClientAtHost, startedAt: number, secret: 'current' | 'previous'): Promise<void>;
  /** invalid_grant for this connection; opens the breaker when `threshold` distinct ones had it with no success between. */
  suspected(
    at: ClientAtHost,
    connection: string,
    now: number,
    limits: { threshold: number; probeEveryMs: number },
  ): Promise<{ opened: boolean }>;
  /** The client itself was refused: opens the breaker. */
  rejected(at: ClientAtHost, now: number, reason: string, probeEveryMs: number): Promise<{ opened: boolean }>;
  /** It is as if it had never been used. */
  forget(at: ClientAtHost): Promise<void>;
  /** Prefer this client secret from now on. */
  preferSecret(at: ClientAtHost, secret: 'current' | 'previous'): Promise<void>;
  hold(at: ClientAtHost, scope: 'client' | 'provider', until: number): Promise<void>;
  /** Takes the right to probe an open breaker now; at most one per probe interval. */
  takeProbe(at: ClientAtHost, now: number, probeEveryMs: number): Promise<boolean>;
  /** False while many connections of the provider are refused at once and no person has said that this is real. */
  mayFlag(provider: string): Promise<boolean>;
}

// ---------------------------------------------------------------------------------------------------------------- index

export interface ConnectionIndex {
  get(id: string): Promise<IndexEntry | undefined>;
  getMany(ids: readonly string[]): Promise<readonly (IndexEntry | undefined)[]>;
  /** Writes entries whole; where nextAt is null they leave the due set. */
  put(entries: readonly IndexEntry[]): Promise<void>;
  remove(ids: readonly string[]): Promise<void>;
  /** Every entry, in pages, in no order. */
  scan(): AsyncIterable<readonly IndexEntry[]>;
  count(): Promise<number>;
  /** The connection, other than `id`, that holds a refresh token with this fingerprint; undefined when none does. */
  holderOf(fingerprint: string, id: string): Promise<string | undefined>;
}
