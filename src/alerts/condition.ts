/**
 * Something on-call should know of that is true now. Conditions are derived anew at every look from what the index, the
 * clients' health and the lamps say, so that nothing has to be remembered to raise one again after Redis was lost.
 */
import type { ClientAtHost, DeadlineClock, Reason } from '../connection/entry.ts';
import type { IncidentKind, Severity } from './kinds.ts';

/** What a condition is about; what is absent is not part of it. */
export interface About {
  readonly provider?: string;
  /** The provider's own, such as `demo`. */
  readonly environment?: string;
  readonly client?: string;
  readonly host?: string;
  readonly connection?: string;
  readonly channel?: string;
}

export interface Condition {
  /** Cause and what it is about: the same whenever this is true again. */
  readonly key: string;
  readonly kind: IncidentKind;
  readonly severity: Severity;
  readonly about: About;
  /** Since when it is true, as far as is known (epoch ms). */
  readonly since: number;
  readonly reason?: Reason;
  readonly deadlineAt?: number;
  readonly clock?: DeadlineClock;
  readonly estimated?: boolean;
  /** When the connection's life was last extended. */
  readonly extendedAt?: number;
  /** Attempts that failed in a row. */
  readonly failures?: number;
  /** How many connections are hit, of how many. */
  readonly hits?: { readonly count: number; readonly of: number };
  /** A scrubbed word or line more: a breaker's reason, which job is late, what a channel said. */
  readonly detail?: string;
}

/**
 * One key for everything about one connection that ends by the same act, however its wording grows: what only a consent
 * mends is one incident from the first warning to the end.
 */
const connectionTopics = {
  reauth_required: 'consent',
  refused_near_deadline: 'consent',
  token_in_doubt: 'consent',
  absolute_limit_near: 'consent',
  cannot_be_kept: 'consent',
  deadline_near: 'refresh',
  quarantined: 'answer',
  secret_invalid: 'secret',
  foreign_writer: 'writer',
} as const satisfies Partial<Record<IncidentKind, string>>;
export type ConnectionKind = keyof typeof connectionTopics;

/** Keys begin with the installation's name: several may share one channel. */
export function connectionKey(install: string, connection: string, kind: ConnectionKind): string {
  return `${install}/connection/${connection}/${connectionTopics[kind]}`;
}

/** The key of a connection's need for consent, whatever it is called now. */
export function consentKey(install: string, connection: string): string {
  return connectionKey(install, connection, 'reauth_required');
}

export function clientIncidentKey(install: string, at: ClientAtHost): string {
  return `${install}/client/${at.provider}/${at.environment}/${at.client}@${at.host}`;
}

/** Of a provider, a cron job, a channel, or of the installation as a whole where `what` is left out. */
export function sharedKey(install: string, kind: IncidentKind, what?: string): string {
  return what === undefined ? `${install}/${kind}` : `${install}/${kind}/${what}`;
}
