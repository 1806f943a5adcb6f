/**
 * What a refusal means: the provider file's rules first, then the codes of RFC 6749, 5.2, then the HTTP status. The choice
 * errs towards the reading that harms nobody: an error nobody knows is tried again, and only a code that names the grant
 * raises a suspicion against a token.
 */
import type { AnswerMeaning, Provider } from '../../config/provider.ts';
import type { Answer, RawAnswer } from '../rotation/ports.ts';
import { isObject, memberOf, textOf } from './body.ts';
import type { JsonObject, JsonValue } from './json.ts';
import { retryAfter } from './numbers.ts';
import { scrubCode, scrubDescription, scrubRequestId } from './scrub.ts';

/** Error codes at a token endpoint, in lower case. */
const meaningOfCode: ReadonlyMap<string, AnswerMeaning> = new Map([
  ['invalid_grant', 'grant'],
  // Not in RFC 6749, but what several servers say of a dead refresh token.
  ['invalid_token', 'grant'],
  ['expired_token', 'grant'],
  ['invalid_refresh_token', 'grant'],
  ['bad_refresh_token', 'grant'],
  ['invalid_client', 'client'],
  ['unauthorized_client', 'client'],
  ['invalid_request', 'request'],
  ['unsupported_grant_type', 'request'],
  ['invalid_scope', 'request'],
  ['temporarily_unavailable', 'unavailable'],
  ['slow_down', 'throttled'],
  // A server that failed in the middle may have committed before it did.
  ['server_error', 'unknown'],
  ['internal_server_error', 'unknown'],
]);

const codeMembers = ['error', 'errorCode', 'error_code', 'code', 'status'];
const descriptionMembers = ['error_description', 'message', 'errorMessage', 'msg'];

/** Members of bodies that carry request ids, for the provider's support. */
const requestIdMembers = ['reference_id', 'request_id', 'requestId', 'trace_id', 'correlation_id'];
const requestIdHeader = /(?:^|-)(?:request-?id|correlation-id|trace-?(?:id|token))$|^cf-ray$/;

/** Whether a header (in lower case) names the request for the provider's support. */
export function namesRequest(header: string): boolean {
  return requestIdHeader.test(header);
}

export interface Complaint {
  /** The member that names the code. */
  readonly member: string | undefined;
  readonly code: string | undefined;
  readonly description: string | undefined;
}

/**
 * The error in a body, where there is one: `error` (RFC 6749, 5.2), `code`, `errorCode` and their like, or an object in
 * `error`. Codes that say "no error" in their fashion (0, "success", null) are none.
 */
export function complaintIn(root: JsonObject): Complaint | undefined {
  const nested = memberOf(root, 'error');
  const holder = isObject(nested) ? nested : root;
  const member = codeMembers.find((name) => codeOf(memberOf(holder, name)) !== undefined);
  const description = descriptionMembers.map((name) => textOf(holder, name)).find((text) => text !== undefined);
  if (member !== undefined) return { member, code: codeOf(memberOf(holder, member)), description };
  const failed = memberOf(root, 'ok') === false || memberOf(root, 'success') === false || isObject(nested);
  return failed ? { member, code: undefined, description } : undefined;
}

function codeOf(value: JsonValue | undefined): string | undefined {
  const text = typeof value === 'object' && value !== null && value.kind === 'number' ? value.raw : value;
  if (typeof text !== 'string' || text.trim() === '') return undefined;
  // A `status` or `code` of 200 and the like repeats the HTTP status.
  return /^(?:0+|2\d\d|ok|success|succeeded|none|true)$/i.test(text.trim()) ? undefined : text.trim();
}

/**
 * `status` is the one to judge by: an error in a 200 answer is judged as the 400 it should have been, `answer.status`
 * stays what came.
 */
export function refusal(
  provider: Provider,
  answer: RawAnswer,
  status: number,
  complaint: Complaint | undefined,
  root: JsonObject | undefined,
  sent: string,
): Answer {
  const means = ruled(provider, status, complaint) ?? general(status, complaint);
  const wait = retryAfter(
    answer,
    root === undefined ? undefined : (memberOf(root, 'retryAfter') ?? memberOf(root, 'retry_after')),
  );
  return {
    kind: 'refused',
    means,
    status: answer.status,
    ...optional('error', scrubCode(complaint?.code, sent)),
    ...optional('description', scrubDescription(complaint?.description, sent)),
    ...optional('retryAfterMs', wait),
    ...optional('requestId', requestIdOf(answer, root, sent)),
  };
}

function ruled(provider: Provider, status: number, complaint: Complaint | undefined): AnswerMeaning | undefined {
  const code = complaint?.code?.toLowerCase();
  // A long description is cut: rules are regular expressions, and the text is somebody else's.
  const description = complaint?.description?.slice(0, 1_000) ?? '';
  const rule = provider.errors.find(
    (candidate) =>
      (candidate.status === undefined || candidate.status.includes(status)) &&
      (candidate.error === undefined || candidate.error.some((name) => name.toLowerCase() === code)) &&
      (candidate.description === undefined || new RegExp(candidate.description, 'i').test(description)),
  );
  return rule?.means;
}

function general(status: number, complaint: Complaint | undefined): AnswerMeaning {
  // 429 is never about the token, whatever the body says. Above 499 a code is no proof: the server was failing.
  if (status === 429) return 'throttled';
  if (status === 503) return 'unavailable';
  if (status < 400 || status >= 500) return 'unknown';
  return meaningOfCode.get(complaint?.code?.toLowerCase() ?? '') ?? meaningOfStatus(status, complaint);
}

function meaningOfStatus(status: number, complaint: Complaint | undefined): AnswerMeaning {
  switch (status) {
    // RFC 6749, 5.2: 401 answers a failed authentication of the client. Without a code it may be a proxy's.
    case 401:
      return complaint?.code === undefined ? 'unavailable' : 'client';
    // Timed out or refused as too early: some of it was read.
    case 408:
    case 425:
      return 'unknown';
    // Busy with another request for the same token; a page of a firewall or a code nobody knows: tried again, shown, and
    // no evidence against anyone.
    case 400:
    case 409:
    case 423:
      return 'unavailable';
    // Forbidden, not found, method or type not allowed, and the rest: wrong host, wrong URL, blocked address.
    default:
      return 'request';
  }
}

/** The first usable request id of headers and body. */
export function requestIdOf(answer: RawAnswer, root: JsonObject | undefined, sent: string): string | undefined {
  const inBody = root === undefined ? [] : requestIdMembers.map((name) => textOf(root, name));
  const inHeaders = Object.entries(answer.headers).filter(([name]) => namesRequest(name));
  const candidates = [...inHeaders.map(([, value]) => value), ...inBody];
  return candidates.map((id) => scrubRequestId(id, sent)).find((id) => id !== undefined);
}

function optional<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]?: V });
}
