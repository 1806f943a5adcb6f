/**
 * The one error class. What we expect is a value (an outcome, a problem list); what we do not expect is thrown with a
 * stable code. Branch on `code`, never on the message. Messages name the thing and the fix, and never quote a body.
 */
export type ErrorCode =
  | 'config_invalid'
  | 'store_not_found'
  | 'store_deleted'
  | 'store_denied'
  | 'store_throttled'
  | 'store_unavailable'
  | 'store_version_exists'
  | 'store_stage_moved'
  | 'store_limit'
  | 'store_invalid'
  | 'store_exists'
  | 'spool_unwritable'
  | 'spool_unreadable'
  | 'redis_unavailable'
  | 'redis_unsuitable'
  | 'client_unavailable'
  | 'not_found'
  | 'refused'
  | 'usage';

export class PilotlightError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'PilotlightError';
    this.code = code;
  }
}

/** True for a PilotlightError with one of the codes given (any code when none is). */
export function hasCode(error: unknown, ...codes: ErrorCode[]): error is PilotlightError {
  return error instanceof PilotlightError && (codes.length === 0 || codes.includes(error.code));
}

/**
 * What may be said of an unknown error in a log or in Redis: its class and code, never its message, because parser and
 * client messages quote their input.
 */
export function errorLabel(error: unknown): string {
  if (error instanceof PilotlightError) return error.code;
  if (!(error instanceof Error)) return 'thrown_value';
  const code = (error as { code?: unknown }).code;
  return typeof code === 'string' && /^[A-Za-z0-9_.]{1,48}$/.test(code) ? `${error.name}:${code}` : error.name;
}

/** Code and message of an error of ours, whose messages are written to be read; of any other only its label. */
export function describeError(error: unknown): { readonly code: string; readonly message?: string } {
  if (error instanceof PilotlightError) return { code: error.code, message: error.message };
  return { code: errorLabel(error) };
}
