/**
 * What a channel is given to tell: one change of one incident, with everything a person needs to act and nothing else.
 * Texts of providers and of owners are scrubbed of tokens and cut to length before they get here; each channel escapes
 * them for its own format.
 */
import type { ActorInCharge, IncidentKind, Severity } from './kinds.ts';

export type NoticeEvent = 'opened' | 'updated' | 'reminder' | 'resolved';

export interface Fact {
  /** 'Deadline', 'Last success', 'Attempts', 'Why', ...: in the order in which a person asks. */
  readonly label: string;
  readonly value: string;
}

export interface Link {
  readonly label: string;
  readonly url: string;
}

export interface Message {
  readonly kind: IncidentKind;
  /** One line, complete by itself: `Connection needs a new consent: acme/esign (DocuSign, production)`. 250 characters at most. */
  readonly title: string;
  /** Name of the installation. */
  readonly environment: string;
  readonly provider?: string;
  readonly client?: string;
  readonly connection?: string;
  readonly owner?: string;
  readonly actor: ActorInCharge;
  readonly action: string;
  /** How it ends by itself. */
  readonly ends: string;
  readonly facts: readonly Fact[];
  /** Re-consent first where there is one, then runbook, then dashboard. */
  readonly links: readonly Link[];
  /** A command line to paste. */
  readonly command?: string;
  /** How many of how many connections are hit. */
  readonly hits?: { readonly count: number; readonly of: number };
}

export interface Notice {
  /** The same on every try to deliver it: the receiver's idempotency key. */
  readonly id: string;
  /** The incident's key: cause and what it is about, the same after everything we know was lost. Deduplicates at the receiver. */
  readonly key: string;
  readonly event: NoticeEvent;
  readonly severity: Severity;
  /** When the incident was opened, and when this change came (epoch ms, calendar). */
  readonly openedAt: number;
  readonly at: number;
  readonly message: Message;
}
