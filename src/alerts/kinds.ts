/**
 * The causes on-call hears about: closed set, each with its title, who can act, and whether it is about one connection or
 * about what many share. Pure; kinds are stable words, seen in keys, messages, logs and metrics.
 */
import { inDoubt } from '../connection/words.ts';

export const incidentKinds = [
  /** Confirmed dead: only the customer's consent helps. */
  'reauth_required',
  /** Refused and not confirmed, and the deadline does not wait for that. */
  'refused_near_deadline',
  /** The token may be spent, and is not sent again: a person decides. */
  'token_in_doubt',
  /** Refreshes fail and the idle deadline comes near. */
  'deadline_near',
  /** An absolute life comes to its end: no refresh helps. */
  'absolute_limit_near',
  /** Alive, and no refresh extends its life (DocuSign without `extended`). */
  'cannot_be_kept',
  /** A 2xx answer or a spool record nobody understands; frozen. */
  'quarantined',
  /** The secret cannot be used as it is. */
  'secret_invalid',
  /** Somebody else refreshes this connection too. */
  'foreign_writer',
  /** The provider refuses our registration: its connections wait untouched. */
  'client_rejected',
  /** Many connections of one provider refused at once: none is flagged before a person has looked. */
  'mass_revocation',
  'provider_down',
  'store_denied',
  'store_throttled',
  'store_down',
  /** New tokens are sealed and not yet in the store. */
  'spool_not_empty',
  'scheduler_stale',
  /** A channel takes no message; told on the others. */
  'channel_failing',
  /** Once a day, everything that warns. */
  'daily_digest',
] as const;
export type IncidentKind = (typeof incidentKinds)[number];

/** `page`: somebody must get up. `warn`: somebody must look by day; comes with the daily digest as well. */
export type Severity = 'page' | 'warn';

export type ActorInCharge = 'customer' | 'operator' | 'application' | 'nobody';

export interface KindWords {
  readonly title: string;
  readonly actor: ActorInCharge;
  /** What the one who can act is to do. */
  readonly action: string;
  /** How it ends, so that nobody closes it by hand. */
  readonly ends: string;
}

const customerConsents = 'The customer authorises again with the link; the same connection then lives on.';

const words: Readonly<Record<IncidentKind, KindWords>> = {
  reauth_required: {
    title: 'Connection needs a new consent',
    actor: 'customer',
    action: customerConsents,
    ends: 'Ends when the new grant is stored.',
  },
  refused_near_deadline: {
    title: 'Provider refuses a connection that is about to die',
    actor: 'customer',
    action:
      'Not confirmed yet. Where other connections of this client succeed, the customer authorises again with the link.',
    ends: 'Ends with a refresh that succeeds, or becomes a need for consent.',
  },
  token_in_doubt: {
    title: 'Token may be spent, and is not sent again',
    actor: 'operator',
    action: inDoubt.action,
    ends: 'Ends when a newer token is stored.',
  },
  deadline_near: {
    title: 'Deadline near and refreshes fail',
    actor: 'operator',
    action: 'See why the refreshes fail; each passes by itself once its cause is gone.',
    ends: 'Ends with the next refresh that succeeds.',
  },
  absolute_limit_near: {
    title: 'Connection reaches its final limit',
    actor: 'customer',
    action: customerConsents,
    ends: 'Ends when the new grant is stored.',
  },
  cannot_be_kept: {
    title: 'Connection cannot be kept alive',
    actor: 'customer',
    action: 'Ask for the scope that can be refreshed, at a new consent with the link.',
    ends: 'Ends when a grant that can be refreshed is stored.',
  },
  quarantined: {
    title: 'Answer or record not understood',
    actor: 'operator',
    action: 'Nothing is lost: the sealed bytes are kept. See what the provider changed, mend its file or the key ring.',
    ends: 'Ends when the answer is understood or a new grant is stored.',
  },
  secret_invalid: {
    title: 'Secret cannot be used',
    actor: 'application',
    action: 'Mend the secret as its reason says.',
    ends: 'Ends with the first version that can be used.',
  },
  foreign_writer: {
    title: 'Somebody else refreshes this connection',
    actor: 'application',
    action: 'Let one of the two refresh: set keep: access-token here, or leave it to the application.',
    ends: 'Ends a day after the last foreign refresh.',
  },
  client_rejected: {
    title: 'Provider rejects our client',
    actor: 'operator',
    action: 'Store the right client secret. No connection is flagged; all go on when one succeeds.',
    ends: 'Ends with the first refresh of this client that succeeds.',
  },
  mass_revocation: {
    title: 'Probable mass revocation',
    actor: 'operator',
    action:
      'Find out whether the provider or an administrator revoked them. Nobody is flagged until this is confirmed.',
    ends: 'Ends when the tokens work again or the revocation is confirmed.',
  },
  provider_down: {
    title: 'Provider does not answer',
    actor: 'nobody',
    action: 'Refreshes are tried again by themselves; page the provider only when deadlines come near.',
    ends: 'Ends when refreshes succeed again.',
  },
  store_denied: {
    title: 'Secrets Manager denies access',
    actor: 'operator',
    action: 'Restore the permissions of the role; no token is spent meanwhile.',
    ends: 'Ends with the first call that is allowed.',
  },
  store_throttled: {
    title: 'Secrets Manager throttles',
    actor: 'operator',
    action: 'See who else writes; lower store.aws.writesPerSecond or raise the quota.',
    ends: 'Ends when calls succeed again.',
  },
  store_down: {
    title: 'Secrets Manager does not answer',
    actor: 'nobody',
    action: 'No token is spent meanwhile; see whether AWS or the network is at fault.',
    ends: 'Ends when calls succeed again.',
  },
  spool_not_empty: {
    title: 'New tokens wait to be written to the store',
    actor: 'operator',
    action: 'They are safe on disk and in the mirror as long as those last. See why the store takes no writes.',
    ends: 'Ends when the spool is empty.',
  },
  scheduler_stale: {
    title: 'Scheduler has not run',
    actor: 'operator',
    action: 'See whether the scheduler runs and reaches Redis and the store.',
    ends: 'Ends with its next run.',
  },
  channel_failing: {
    title: 'Alert channel takes no messages',
    actor: 'operator',
    action: 'Mend the channel: what it should have told waits and is sent then.',
    ends: 'Ends with the first message it takes.',
  },
  daily_digest: {
    title: 'Open warnings',
    actor: 'operator',
    action: 'Look at them by day; each has its own message and its own end.',
    ends: 'Ends by itself; the next one comes tomorrow.',
  },
};

/** False for a kind only a newer version knows: its incidents are that version's to tell and to end. */
export function isIncidentKind(kind: string): kind is IncidentKind {
  return Object.hasOwn(words, kind);
}

export function kindWords(kind: IncidentKind): KindWords {
  return words[kind];
}
