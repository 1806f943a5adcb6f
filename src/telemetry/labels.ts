/**
 * The label values metrics may have. Each set is closed and small: nothing a customer or a provider sends becomes a label.
 * The sets come from the contracts where those list them, and are checked against the types where they do not.
 */
import type { IncidentKind, Severity } from '../alerts/ports.ts';
import type { Outcome } from '../rotation/outcome.ts';
import type { Oddity } from '../rotation/ports.ts';

const outcomes: Readonly<Record<Outcome, true>> = {
  rotated: true,
  notDue: true,
  busy: true,
  retryLater: true,
  throttled: true,
  unknown: true,
  suspect: true,
  needsConsent: true,
  misconfigured: true,
  quarantined: true,
  sealed: true,
  orphaned: true,
  gone: true,
};
/** What a rotation may come to. */
export const outcomeLabels = Object.keys(outcomes) as readonly Outcome[];
export type OutcomeLabel = Outcome;

/** Why a customer has to consent again. `lost_rotation` is ours and counted apart from what the customer or provider did. */
export const consentCauses = ['invalid_grant', 'lost_rotation', 'expired', 'refresh_token_missing'] as const;
export type ConsentCause = (typeof consentCauses)[number];

/** Classes of a token endpoint's answer. `none`: sent, and nothing readable came back; `not_sent`: no byte left us. */
export const answerClasses = ['2xx', '3xx', '4xx', '429', '5xx', 'none', 'not_sent'] as const;
export type AnswerClass = (typeof answerClasses)[number];

/** The class of an HTTP status. */
export function answerClass(status: number): AnswerClass {
  if (status === 429) return '429';
  if (status >= 200 && status < 300) return '2xx';
  if (status >= 300 && status < 400) return '3xx';
  return status >= 400 && status < 500 ? '4xx' : '5xx';
}

const kinds: Readonly<Record<IncidentKind, true>> = {
  reauth_required: true,
  refused_near_deadline: true,
  token_in_doubt: true,
  deadline_near: true,
  absolute_limit_near: true,
  cannot_be_kept: true,
  quarantined: true,
  secret_invalid: true,
  foreign_writer: true,
  client_rejected: true,
  mass_revocation: true,
  provider_down: true,
  store_denied: true,
  store_throttled: true,
  store_down: true,
  spool_not_empty: true,
  scheduler_stale: true,
  channel_failing: true,
  daily_digest: true,
};
export const incidentLabels = Object.keys(kinds) as readonly IncidentKind[];
export const severityLabels = ['page', 'warn'] as const satisfies readonly Severity[];
/** How a delivery to an alert channel may end. */
export const deliveryLabels = ['accepted', 'retry', 'refused', 'disabled'] as const;
export type DeliveryLabel = (typeof deliveryLabels)[number];

const oddities: Readonly<Record<Oddity, true>> = {
  refresh_token_missing: true,
  refresh_token_empty: true,
  refresh_token_same: true,
  refresh_token_padded: true,
  access_token_missing: true,
  token_type_unusual: true,
  expires_in_unusable: true,
  scope_changed: true,
  content_type_unusual: true,
  form_encoded: true,
  salvaged: true,
  access_point_refused: true,
  clock_skew: true,
  error_in_success: true,
};
export const oddityLabels = Object.keys(oddities) as readonly Oddity[];

/**
 * What another writer of a secret did: refreshed by itself (normal), saved another field while we rotated (merged), put a
 * different token where ours was to go (ours is kept as an orphan), or brought back a token already spent.
 */
export const foreignWriteKinds = ['refreshed', 'merged', 'replaced', 'spent_token'] as const;
export type ForeignWriteKind = (typeof foreignWriteKinds)[number];

/** Operations of the secret store. */
export const storeOperations = [
  'list',
  'describe',
  'read',
  'readMany',
  'versions',
  'put',
  'moveStage',
  'tag',
  'untag',
] as const;
export type StoreOperation = (typeof storeOperations)[number];

/** How a call of the store ended: `ok` or the error's code; `other` for what has no code of ours. */
export const storeOutcomes = [
  'ok',
  'store_not_found',
  'store_deleted',
  'store_denied',
  'store_throttled',
  'store_unavailable',
  'store_version_exists',
  'store_stage_moved',
  'store_limit',
  'store_invalid',
  'store_exists',
  'other',
] as const;
export type StoreOutcome = (typeof storeOutcomes)[number];

export const jobStates = ['waiting', 'active', 'delayed', 'failed'] as const;
export type JobState = (typeof jobStates)[number];

/** How a pass of the inventory ended. `vanished`: too many connections were missing at once, so none was dropped. */
export const inventoryResults = ['complete', 'incomplete', 'vanished'] as const;
export type InventoryResult = (typeof inventoryResults)[number];

/** What ticks: the names of the jobs. */
export const cronJobs = ['sweep', 'inventory', 'recover', 'census', 'watch', 'reach'] as const;
export const cronResults = ['ok', 'failed'] as const;
export type CronResult = (typeof cronResults)[number];

/** What a process may do; one of role `all` does both. */
export const roleLabels = ['scheduler', 'worker'] as const;
export type RoleLabel = (typeof roleLabels)[number];

export const spoolStates = ['intent', 'answered', 'unreadable'] as const;

/** Stands for any value outside its set. */
export const otherLabel = 'other';

/** The value itself where the set knows it, else `other`. */
export function known(value: string, set: readonly string[]): string {
  return set.includes(value) ? value : otherLabel;
}
