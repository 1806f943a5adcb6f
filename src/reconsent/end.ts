/**
 * How a customer's way through the consent ends: a closed set. Each has a page and a status code of its own
 * (web/reconsent-pages.ts) and is one line of the audit log. Stable words.
 */
export const consentEnds = [
  /** The new grant is stored and current. */
  'done',
  /** A newer consent is stored already: nothing was changed. */
  'already_done',
  // the link
  'link_forged',
  'link_expired',
  /** The form came from another site, another browser, or lay open for too long. */
  'form_refused',
  // the connection
  'gone',
  'unusable',
  /** The provider's file names no consent page, or connections are not made here. */
  'not_offered',
  'client_missing',
  // the state
  'state_forged',
  'state_expired',
  'state_used',
  'other_provider',
  'other_browser',
  // the provider
  'denied',
  'provider_error',
  'code_refused',
  'client_refused',
  'host_refused',
  'answer_refused',
  'unanswered',
  'wrong_account',
  // us
  /** Before anything was spent: the store or Redis could not be asked. */
  'not_now',
  /** The code was exchanged and the store did not take the grant. */
  'store_failed',
  'internal_error',
] as const;
export type ConsentEnd = (typeof consentEnds)[number];
