/**
 * What the operator's pages need of the others: one connection with its attempts, clients with their breakers, incidents with
 * what was told of them. Nothing here holds a token or a secret; a fingerprint in an entry is never shown.
 */
import type { Delivery } from '../alerts/channel.ts';
import type { IncidentKind, Severity } from '../alerts/kinds.ts';
import type { ClientAtHost, IndexEntry, Reason } from '../connection/entry.ts';
import type { Urgency } from '../connection/urgency.ts';
import type { Outcome } from '../rotation/outcome.ts';
import type { ClientHealth } from '../rotation/ports.ts';
import type { RefreshReason } from '../schedule/ports.ts';
import type { Lamp } from './ports.ts';

// ------------------------------------------------------------------------------------------------------ on every page

/** What stands on top of every page. */
export interface Top {
  readonly lamps: readonly Lamp[];
  /** Open incidents that are not snoozed. */
  readonly open: Readonly<Record<Severity, number>>;
}

// --------------------------------------------------------------------------------------------------------- connection

/** One attempt, as it is kept of a rotation's report. */
export interface Attempt {
  /** When it came to its end (epoch ms, calendar). */
  readonly at: number;
  readonly outcome: Outcome;
  readonly reason: Reason;
  readonly asked: RefreshReason | 'recover';
  /** HTTP status of the provider's answer. */
  readonly status?: number;
  /** The provider's own name of the request. */
  readonly requestId?: string;
  /** OAuth error code, scrubbed. */
  readonly error?: string;
}

export interface ConnectionDetail {
  readonly entry: IndexEntry;
  readonly urgency: Urgency;
  /** Undefined where the entry names no client. */
  readonly health?: ClientHealth;
  /** Who is told, as the secret's tag says. */
  readonly owner?: string;
  /** Newest first; as many as are kept. */
  readonly attempts: readonly Attempt[];
  /** Open and lately ended ones about this connection. */
  readonly incidents: readonly Incident[];
}

// ----------------------------------------------------------------------------------------------------------- clients

/** What the attempts of one client at a host came to within a window. */
export interface ErrorMix {
  readonly windowMs: number;
  readonly counts: readonly { readonly outcome: Outcome; readonly reason: Reason; readonly count: number }[];
}

export interface ClientDetail {
  readonly at: ClientAtHost;
  readonly health: ClientHealth;
  readonly mix: ErrorMix;
}

// --------------------------------------------------------------------------------------------------------- incidents

/** Where a message to one channel stands: waiting for its first try, or what the last try came to. */
export type DeliveryState = Delivery['kind'] | 'waiting';

export interface IncidentDelivery {
  readonly channel: string;
  readonly state: DeliveryState;
  /** When it came into this state (epoch ms, calendar). */
  readonly at: number;
}

export interface Incident {
  readonly key: string;
  readonly kind: IncidentKind;
  readonly severity: Severity;
  readonly openedAt: number;
  readonly endedAt?: number;
  /** One line, complete by itself. */
  readonly title: string;
  readonly connection?: string;
  readonly provider?: string;
  readonly client?: string;
  readonly owner?: string;
  /** No reminder before this instant. */
  readonly snoozedUntil?: number;
  readonly deliveries: readonly IncidentDelivery[];
}

export interface IncidentList {
  readonly open: readonly Incident[];
  /** Of the last days, as long as they are kept. */
  readonly ended: readonly Incident[];
}

// ------------------------------------------------------------------------------------------------------------ readers

/** Every call may throw (Redis is away); the page then says so and tries again. */
export interface OperatorReader {
  top(): Promise<Top>;
  /** Undefined where the index has no such connection. */
  connection(id: string): Promise<ConnectionDetail | undefined>;
  clients(): Promise<readonly ClientDetail[]>;
  incidents(): Promise<IncidentList>;
}
