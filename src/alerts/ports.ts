/** What watching and telling need of the others. */

import type { Incident } from './incident.ts';
import type { MassState } from './mass.ts';
import type { Notice } from './notice.ts';

export type { Incident } from './incident.ts';
export type { IncidentKind, Severity } from './kinds.ts';
export type { MassState } from './mass.ts';

/** What a channel has of an incident. */
export interface DeliveryState {
  /** The incident's sequence it accepted last; 0 where none yet. */
  readonly sequence: number;
  /** What it accepted was an end. */
  readonly over?: boolean;
  readonly at: number;
  /** Given back with the next notice of this incident. */
  readonly reference?: string;
  /** Tries since the last acceptance, why the last failed, and when it is worth another (epoch ms). */
  readonly tries: number;
  readonly why?: string;
  readonly notBefore?: number;
}

/** How a channel does, over all incidents. */
export interface ChannelHealth {
  readonly failingSince: number;
  readonly why: string;
  /** It will not pass by itself: credentials, address, or the receiver wants no more. */
  readonly final: boolean;
}

/** A flag whose connection lives again, told by inventory: perhaps of an incident this memory knows nothing of. */
export interface Recalled {
  readonly connection: string;
  readonly provider: string;
  readonly since: number;
}

export interface PersonsOrders {
  readonly resolve: readonly string[];
  readonly snooze: readonly { readonly key: string; readonly until: number; readonly reason: string }[];
  /** Providers whose mass of refusals is real. */
  readonly confirm: readonly string[];
}

/**
 * The memory of incidents. Lost with Redis at no greater cost than being derived again: keys are the same, and receivers
 * that deduplicate show nothing new. Throws redis_unavailable from every call.
 */
export interface IncidentMemory {
  /** The right to watch for `ms`; false where another process has it. */
  takeTurn(ms: number): Promise<boolean>;
  /** Nobody has a turn for `ms` more. */
  endTurn(ms: number): Promise<void>;
  all(): Promise<readonly Incident[]>;
  get(key: string): Promise<Incident | undefined>;
  /** `removed`: by key. What channels had of them is forgotten with them. */
  write(changed: readonly Incident[], removed: readonly string[]): Promise<void>;
  /** By key, then by channel. */
  deliveries(): Promise<ReadonlyMap<string, ReadonlyMap<string, DeliveryState>>>;
  delivery(key: string, channel: string): Promise<DeliveryState | undefined>;
  /** Not kept where the incident was forgotten or opened anew since: counted otherwise, it would hide what is owed. */
  noteDelivery(incident: Incident, channel: string, state: DeliveryState): Promise<void>;
  channels(): Promise<ReadonlyMap<string, ChannelHealth>>;
  /** Undefined: it works. The first failure's instant stays. */
  noteChannel(name: string, health: ChannelHealth | undefined): Promise<void>;
  recall(key: string, recalled: Recalled): Promise<void>;
  recalled(): Promise<ReadonlyMap<string, Recalled>>;
  forgetRecalled(keys: readonly string[]): Promise<void>;
  /** When this memory was first asked (epoch ms): `now` where it is new. */
  bornAt(now: number): Promise<number>;
  /** Keys of what many share whose end has been told, or that were open, since this memory began. */
  spokenOf(): Promise<ReadonlySet<string>>;
  speakOf(keys: readonly string[]): Promise<void>;
  mass(): Promise<ReadonlyMap<string, MassState>>;
  writeMass(states: ReadonlyMap<string, MassState>): Promise<void>;
  order(order: Partial<PersonsOrders>): Promise<void>;
  /** What people ordered and no look has carried out yet; `taken` of them, to be forgotten once one has. */
  orders(): Promise<PersonsOrders & { readonly taken: number }>;
  forgetOrders(taken: number): Promise<void>;
  /** A refresh by somebody else was met. */
  noteForeign(connection: string, provider: string, at: number): Promise<void>;
  foreign(): Promise<readonly { readonly connection: string; readonly provider: string; readonly at: number }[]>;
}

export interface TellJob {
  readonly key: string;
  readonly channel: string;
}

/** At most one job for an incident and a channel at a time. Throws redis_unavailable. */
export interface AlertQueue {
  add(jobs: readonly TellJob[]): Promise<void>;
}

/** What a secret's tags say of a connection's incidents. */
export interface SecretFacts {
  readonly owner?: string;
  readonly snoozedUntil?: number;
  readonly snoozeReason?: string;
}

/** One attempt on a connection that did not simply succeed, for whoever asks why. Texts are scrubbed. */
export interface AttemptNote {
  readonly at: number;
  readonly outcome: string;
  readonly reason: string;
  readonly asked: string;
  readonly status?: number;
  readonly error?: string;
  readonly description?: string;
  readonly requestId?: string;
}

/** How often the attempts of a client came to this. */
export interface Mixed {
  readonly outcome: string;
  readonly reason: string;
  readonly count: number;
}

export interface Attempts {
  /** Since the beginning of yesterday (UTC), by client (`clientKey`). */
  mixes(now: number): Promise<{ readonly windowMs: number; readonly of: ReadonlyMap<string, readonly Mixed[]> }>;
  /** Newest first. */
  of(connection: string): Promise<readonly AttemptNote[]>;
}

export type MadeNotice = (incident: Incident, event: Notice['event']) => Promise<Notice>;
