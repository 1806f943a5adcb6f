/**
 * How Secrets Manager refuses: a type name, a text and an HTTP status. The texts are AWS's own where they are known,
 * because people search for them; clients must branch on the type.
 */
export class ServiceError extends Error {
  readonly type: string;
  readonly status: number;

  constructor(type: string, message: string, status = 400) {
    super(message);
    this.name = 'ServiceError';
    this.type = type;
    this.status = status;
  }
}

export function invalidParameter(message: string): ServiceError {
  return new ServiceError('InvalidParameterException', message);
}

export function invalidRequest(message: string): ServiceError {
  return new ServiceError('InvalidRequestException', message);
}

/** A value outside the service's model: refused before the service looks at the secret. Never quotes the value. */
export function violates(key: string, constraint: string): ServiceError {
  return new ServiceError(
    'ValidationException',
    `1 validation error detected: Value at '${key}' failed to satisfy constraint: ${constraint}`,
  );
}

export function secretMissing(): ServiceError {
  return new ServiceError('ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
}

export function valueMissing(which: string): ServiceError {
  return new ServiceError(
    'ResourceNotFoundException',
    `Secrets Manager can't find the specified secret value for ${which}`,
  );
}

/** What a write meets on a secret that waits for its deletion. */
export function markedForDeletion(): ServiceError {
  return invalidRequest("You can't perform this operation on the secret because it was marked for deletion.");
}

/** Texts for errors that tests inject by type only. */
const injectedTexts: Readonly<Record<string, string>> = {
  AccessDeniedException:
    'User: arn:aws:sts::123456789012:assumed-role/pilotlight/pod is not authorized to perform: secretsmanager:{op} ' +
    'because no identity-based policy allows the secretsmanager:{op} action',
  DecryptionFailure: "Secrets Manager can't decrypt the protected secret text using the provided KMS key.",
  EncryptionFailure:
    "Secrets Manager can't encrypt the protected secret text using the provided KMS key. Check that the KMS key is " +
    'available, enabled, and not in an invalid state.',
  InternalServiceError: 'An error occurred on the server side.',
  ThrottlingException: 'Rate exceeded',
  LimitExceededException: 'You have exceeded the quota for versions of this secret.',
};

const serverErrors = new Set(['InternalServiceError', 'InternalFailure', 'ServiceUnavailable']);

/** An error made to order: `type` as AWS names it, with AWS's text for `op` unless one is given. */
export function injected(type: string, op: string, message?: string, status?: number): ServiceError {
  const text = message ?? (injectedTexts[type] ?? 'Injected.').replaceAll('{op}', op);
  return new ServiceError(type, text, status ?? (serverErrors.has(type) ? 500 : 400));
}
