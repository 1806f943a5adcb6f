/**
 * What the SDK throws, as our store codes. Only the error's type, status and request id are passed on, never its text or
 * the error itself: a parser's message quotes the answer, and an answer may hold a secret. Branch on codes.
 */
import { type ErrorCode, hasCode, PilotlightError } from '../runtime/errors.ts';

/** Which call failed. */
export interface AwsCall {
  readonly operation: string;
  /** Name of the secret; undefined for calls about none. */
  readonly secret?: string;
}

/** The parts of an SDK error that are read. */
interface Failure {
  readonly type: string;
  readonly text: string;
  readonly status: number | undefined;
  readonly requestId: string | undefined;
  readonly clockCorrected: boolean;
}

const throttling = new Set([
  'ThrottlingException',
  'Throttling',
  'ThrottledException',
  'RequestThrottledException',
  'RequestThrottled',
  'TooManyRequestsException',
  'RequestLimitExceeded',
  'BandwidthLimitExceeded',
  'PriorRequestNotComplete',
  'SlowDown',
  'KMSThrottlingException',
  'EC2ThrottledException',
  'TransactionInProgressException',
]);

const credentialTypes = new Set([
  'UnrecognizedClientException',
  'InvalidClientTokenId',
  'InvalidSignatureException',
  'SignatureDoesNotMatch',
  'IncompleteSignature',
  'IncompleteSignatureException',
  'MissingAuthenticationToken',
  'MissingAuthenticationTokenException',
  'ExpiredToken',
  'ExpiredTokenException',
  'AuthFailure',
  'OptInRequired',
  'CredentialsProviderError',
  'TokenProviderError',
]);

const kmsTypes = /^(?:DecryptionFailure|EncryptionFailure|KMS\w*)$/i;
const writes = new Set(['PutSecretValue', 'CreateSecret']);

function failureOf(error: unknown): Failure {
  const { name, message, $metadata } = (typeof error === 'object' && error !== null ? error : {}) as {
    name?: unknown;
    message?: unknown;
    $metadata?: { httpStatusCode?: number; requestId?: string; clockSkewCorrected?: boolean };
  };
  const code = (error as { code?: unknown } | null | undefined)?.code;
  const label = typeof code === 'string' && /^E[A-Z_]+$/.test(code) ? code : name;
  return {
    type: typeof label === 'string' && /^[A-Za-z0-9_.]{1,64}$/.test(label) ? label : 'unknown error',
    text: typeof message === 'string' ? message : '',
    status: $metadata?.httpStatusCode,
    requestId: /^[\w-]{1,64}$/.exec($metadata?.requestId ?? '')?.[0],
    clockCorrected: $metadata?.clockSkewCorrected === true,
  };
}

/** A code and, for people, what to do about it. */
type Reading = readonly [code: ErrorCode, advice: string];

function kmsReading(call: AwsCall, failure: Failure): Reading {
  const action = writes.has(call.operation) ? 'kms:GenerateDataKey and kms:Decrypt' : 'kms:Decrypt';
  if (/throttl/i.test(failure.type)) return ['store_throttled', 'KMS has too many requests; they are tried again'];
  return ['store_denied', `check that the secret's KMS key is enabled and that its policy allows ${action}`];
}

function deniedReading(call: AwsCall, failure: Failure): Reading {
  const named = /not authorized to perform: ([a-z0-9-]{1,32}:[A-Za-z0-9]{1,64})/.exec(failure.text)?.[1];
  if (named === undefined && /\bKMS\b/i.test(failure.text)) return kmsReading(call, failure);
  return ['store_denied', `allow ${named ?? `secretsmanager:${call.operation}`} on it to this identity`];
}

function requestReading(failure: Failure): Reading {
  if (/delet/i.test(failure.text))
    return ['store_deleted', 'the secret is scheduled for deletion; restore it to go on'];
  if (/replica/i.test(failure.text))
    return ['store_invalid', 'it is a replica; point Pilotlight at the Region of its primary'];
  return ['store_invalid', 'Secrets Manager does not allow this on the secret as it is'];
}

function notFoundReading(failure: Failure): Reading {
  const part = /secret (?:value|version)/i.test(failure.text);
  return [
    'store_not_found',
    part ? 'the secret exists, but has no such version or label' : 'there is no such secret in this account and Region',
  ];
}

function knownReading(call: AwsCall, failure: Failure): Reading | undefined {
  const { type } = failure;
  if (throttling.has(type))
    return ['store_throttled', 'the account has too many requests in this Region; they are tried again'];
  if (kmsTypes.test(type)) return kmsReading(call, failure);
  if (/^AccessDenied/.test(type) || type === 'NotAuthorized') return deniedReading(call, failure);
  if (type === 'ResourceNotFoundException') return notFoundReading(failure);
  if (type === 'InvalidRequestException') return requestReading(failure);
  if (type === 'LimitExceededException')
    return ['store_limit', 'the secret has as many versions or labels as it may have'];
  if (type === 'ResourceExistsException') {
    if (call.operation === 'CreateSecret') return ['store_exists', 'a secret of this name exists already'];
    return ['store_version_exists', 'the version id holds another value'];
  }
  if (type === 'InvalidParameterException' && call.operation === 'UpdateSecretVersionStage') {
    return ['store_stage_moved', 'the label is not where it was'];
  }
  if (type === 'InvalidParameterException' || type === 'ValidationException') {
    return ['store_invalid', 'a name, value, label or tag is not within the limits of Secrets Manager'];
  }
  if (failure.clockCorrected)
    return ['store_unavailable', 'the clock of this machine is off; the next call allows for it'];
  if (credentialTypes.has(type)) return ['store_denied', 'check the AWS credentials of this process'];
  if (/region is missing/i.test(failure.text))
    return ['store_invalid', 'set AWS_REGION, or the region in the configuration'];
  return undefined;
}

function reading(call: AwsCall, failure: Failure): Reading {
  const known = knownReading(call, failure);
  if (known !== undefined) return known;
  const { status } = failure;
  if (status === 429) return ['store_throttled', 'there are too many requests; they are tried again'];
  if (status === 401 || status === 403) return ['store_denied', 'something before Secrets Manager refused the call'];
  if (status !== undefined && status >= 400 && status < 500) return ['store_invalid', 'the request is not acceptable'];
  return ['store_unavailable', 'no usable answer came; the call may have taken effect'];
}

/** A store error for whatever an SDK call threw. */
export function storeError(call: AwsCall, error: unknown): PilotlightError {
  if (hasCode(error)) return error;
  const failure = failureOf(error);
  const [code, advice] = reading(call, failure);
  const of = call.secret === undefined ? '' : ` of ${call.secret}`;
  const facts = [failure.type];
  if (failure.status !== undefined) facts.push(`HTTP ${failure.status}`);
  if (failure.requestId !== undefined) facts.push(`request ${failure.requestId}`);
  return new PilotlightError(code, `${call.operation}${of} failed (${facts.join(', ')}): ${advice}`);
}
