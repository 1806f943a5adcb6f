/**
 * States and reasons in words: what each means and who can act, for people who read the status page or the command line at
 * night. Pure; every state and every reason has words, which the types check.
 */
import { type ConnectionState, type DeadlineClock, type IndexEntry, isInDoubt, type Reason } from './entry.ts';

/** Who can change it. `time`: nobody needs to, it passes or is retried by itself. */
export type Actor = 'time' | 'operator' | 'customer' | 'application';

/** How bad it is: fine, worth knowing, needs somebody soon, needs somebody now. */
export type Tone = 'good' | 'info' | 'warn' | 'bad';

export interface StateWords {
  readonly title: string;
  readonly meaning: string;
  readonly tone: Tone;
}

export interface ReasonWords {
  /** What happened. */
  readonly meaning: string;
  readonly actor: Actor;
  /** What the actor can do; '' where nothing is needed. */
  readonly action: string;
}

const states: Readonly<Record<ConnectionState, StateWords>> = {
  active: { title: 'Active', meaning: 'Alive and scheduled.', tone: 'good' },
  retrying: {
    title: 'Retrying',
    meaning: 'The last attempt failed in a way that passes; it is scheduled again.',
    tone: 'info',
  },
  blocked: {
    title: 'Blocked',
    meaning: 'Waits untouched because its client is rejected by the provider.',
    tone: 'warn',
  },
  suspect: {
    title: 'Suspect',
    meaning: 'The provider refused the token, or never answered; not believed until confirmed.',
    tone: 'warn',
  },
  reauth_required: {
    title: 'Needs consent',
    meaning: 'Proven dead: only a new consent of the customer helps.',
    tone: 'bad',
  },
  unkeepable: {
    title: 'Unkeepable',
    meaning: 'Alive, but no refresh extends its life: it ends at its deadline.',
    tone: 'warn',
  },
  quarantined: {
    title: 'Quarantined',
    meaning: 'Frozen: an answer is not understood. Its sealed bytes are kept.',
    tone: 'bad',
  },
  sealed: {
    title: 'Sealed',
    meaning: 'A new token is safe on disk and not yet in the store; writing goes on.',
    tone: 'warn',
  },
  invalid: { title: 'Invalid', meaning: 'The secret cannot be used as it is.', tone: 'bad' },
};

const byItself = (meaning: string): ReasonWords => ({ meaning, actor: 'time', action: '' });
const operator = (meaning: string, action: string): ReasonWords => ({ meaning, actor: 'operator', action });
const customer = (meaning: string, action = 'Ask the customer to authorise again.'): ReasonWords => ({
  meaning,
  actor: 'customer',
  action,
});
const application = (meaning: string, action: string): ReasonWords => ({ meaning, actor: 'application', action });

const words: Readonly<Record<Reason, ReasonWords>> = {
  none: byItself(''),
  client_rejected: operator(
    'The provider rejects our client id or secret.',
    "Check the client's registration and secret; one success frees all its connections.",
  ),
  client_secret_missing: operator(
    "The client's secret is not configured or cannot be read.",
    "Configure the client, or let this service read the client's secret.",
  ),
  busy: byItself('Another worker holds this connection.'),
  cooling_down: byItself('It was sent to its provider a short while ago, and is left alone until that has settled.'),
  redis_new: byItself(
    'Redis is new or lost its data: nothing is refreshed until everything begun before has ended (the length of a lease).',
  ),
  spool_backlog: operator(
    'So many answers still wait to be written to the store that no further token is spent.',
    'See why the store takes no writes; refreshing goes on by itself once they are written.',
  ),
  network: byItself('The provider could not be reached.'),
  provider_unavailable: byItself('The provider says it is unavailable.'),
  throttled: byItself('The provider asked us to slow down.'),
  unknown_outcome: byItself('The request was sent and no answer came; the token may be spent.'),
  store_denied: operator(
    'The secret store refuses access.',
    'Grant the service the permissions it needs on this secret.',
  ),
  store_throttled: byItself('The secret store asked us to slow down.'),
  store_unavailable: byItself('The secret store could not be reached.'),
  store_conflict: byItself('Somebody else wrote the secret at the same time.'),
  spool_unwritable: operator(
    'The spool cannot be written, so no token may be spent.',
    'Free or mend the disk of the spool.',
  ),
  redis_unavailable: byItself('Redis could not be reached.'),
  access_point_moved: byItself("The customer's account moved to another host of the provider."),
  invalid_grant: customer(
    'The provider refuses the refresh token.',
    'If confirmed, ask the customer to authorise again.',
  ),
  lost_rotation: customer(
    'A request was sent, its answer never came, and the token no longer works. This loss is ours, not the customer’s.',
  ),
  expired: customer('Its life has ended.'),
  refresh_token_missing: customer(
    'The secret holds no refresh token.',
    'Store one, or ask the customer to authorise again.',
  ),
  absolute_lifetime: customer(
    'It ends a fixed time after consent whatever we do.',
    'Ask the customer to authorise again before the deadline.',
  ),
  answer_not_understood: operator(
    'The provider answered success with something we do not understand.',
    'Mend the provider file; the kept answer is then read again.',
  ),
  token_of_another_connection: operator(
    'The answer carried a token that belongs to another connection.',
    'Find out which connection it belongs to before anything else.',
  ),
  token_replayed: operator(
    'The answer carried a token that was spent before.',
    'Ask the provider; the kept answer shows what came.',
  ),
  record_unreadable: operator(
    'A spool record of this connection cannot be opened.',
    'Mount the key it was sealed with. Never delete the record.',
  ),
  content_not_json: application('The secret is not JSON.', 'Store a JSON object.'),
  content_not_object: application('The secret is JSON, but no object.', 'Store a JSON object.'),
  duplicate_key: application('The secret has a key twice.', 'Store each key once.'),
  forbidden_key: application('The secret has a key that no document may have.', 'Remove the key.'),
  binary_not_text: application('The secret is binary and no UTF-8 text.', 'Store the document as text.'),
  provider_missing: application('The secret names no provider.', 'Add the field "provider".'),
  provider_unknown: operator(
    'The secret names a provider that is not configured.',
    'Add a provider file, or correct the name in the secret.',
  ),
  environment_unknown: operator(
    'The secret names an environment its provider does not have.',
    'Correct the environment in the secret or the provider file.',
  ),
  environment_mismatch: operator(
    'The secret is meant for another environment than this install.',
    'Nothing if that is intended; otherwise correct its tag.',
  ),
  client_mismatch: application(
    'The secret names a client that is configured for another provider.',
    'Correct the field "client" or "provider"; no client secret is sent to a provider it does not belong to.',
  ),
  client_missing: application('The secret names no client.', 'Add the field "client".'),
  host_not_allowed: operator(
    'The token host in the secret is not on the allow-list.',
    'Check where the host came from before allowing it.',
  ),
  grant_holds_nothing: application(
    'This kind of grant has no refresh token to keep alive.',
    'Take the secret out of management.',
  ),
  duplicate_token: operator(
    'Another connection holds the same refresh token.',
    'Keep one of the two; two holders spend each other’s token.',
  ),
  too_large: application(
    'The secret would grow beyond what the store takes.',
    'Make the other fields of the secret smaller.',
  ),
  no_current_version: operator('The secret has no current version.', 'Store a value, or delete the secret.'),
  foreign_rotation: operator(
    'The store’s own rotation is under way on this secret.',
    'Switch that rotation off: two rotations spend each other’s token.',
  ),
  replica: operator('The secret is a read-only replica.', 'Manage it in the Region that holds the primary.'),
  token_spent: application(
    'The secret holds a refresh token that was spent before.',
    'Find out who wrote the old token back; store the newest one.',
  ),
  request_rejected: operator(
    'The provider rejects the request itself.',
    'Check the provider file and the client’s registration.',
  ),
  internal_error: operator(
    'Pilotlight met an error it does not know.',
    'Look at the log for rotation.retry_later with this connection, and report it.',
  ),
};

const actors: Readonly<Record<Actor, string>> = {
  time: 'Nobody',
  operator: 'Operator',
  customer: 'Customer',
  application: 'Owner of the secret',
};

export function describeState(state: ConnectionState): StateWords {
  return states[state];
}

export function describeReason(reason: Reason): ReasonWords {
  return words[reason];
}

/** What holds for a request without an answer that is not made again. */
export const inDoubt = operator(
  'The request was sent and no answer came; the token may be spent, and is not sent again.',
  'Read which token its application holds. A newer one: store it. None: the customer authorises again with the link.',
);

/** The words for a connection's reason; where only a person moves it, they say so. */
export function describeCause(entry: Pick<IndexEntry, 'state' | 'reason' | 'nextAt'>): ReasonWords {
  return isInDoubt(entry) ? inDoubt : words[entry.reason];
}

/** Who can act, in words. `Nobody` where it passes by itself. */
export function describeActor(actor: Actor): string {
  return actors[actor];
}

/** Which clock a deadline comes from, in words; what an estimate means is said where it is shown. */
export function describeClock(clock: DeadlineClock | null): string {
  if (clock === null) return 'no known clock';
  return clock === 'idle' ? 'idle: dies when unused' : 'absolute: ends after consent';
}
