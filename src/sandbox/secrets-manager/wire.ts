/**
 * AWS JSON 1.1 over HTTP: one POST per call, the operation in X-Amz-Target, JSON both ways, errors with `__type`. The
 * Date header tells the double's calendar, so that a client's view of the clock can be tested.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ServiceError } from './errors.ts';
import { isOperation, type OperationName } from './operations.ts';
import type { Input } from './params.ts';

const targetPrefix = 'secretsmanager.';
const contentType = 'application/x-amz-json-1.1';
/** Twice the largest value in base64 and escapes, and room for tags: anything larger is no request of this service. */
const bodyBytesMax = 1_048_576;

/** Reads the whole body; rejects where the client went away or sends too much. */
export function readBody(request: IncomingMessage): Promise<string> {
  return new Promise((done, fail) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > bodyBytesMax)
        fail(new ServiceError('RequestEntityTooLargeException', 'The request is too large.', 413));
      else chunks.push(chunk);
    });
    request.on('end', () => done(chunks.length === 1 ? String(chunks[0]) : Buffer.concat(chunks).toString()));
    request.on('error', fail);
    request.on('aborted', () => fail(new ServiceError('RequestAborted', 'The client went away.')));
  });
}

export function operationOf(request: IncomingMessage): OperationName {
  const target = String(request.headers['x-amz-target'] ?? '');
  const name = target.startsWith(targetPrefix) ? target.slice(targetPrefix.length) : '';
  if (request.method !== 'POST' || !isOperation(name)) {
    throw new ServiceError('UnknownOperationException', 'The operation is not known.');
  }
  return name;
}

/** The double does not check signatures, only that there is one: a client without credentials is told so. */
export function assertSigned(request: IncomingMessage): void {
  if (!/^AWS4-HMAC-SHA256 Credential=/.test(request.headers.authorization ?? '')) {
    throw new ServiceError('MissingAuthenticationTokenException', 'Missing Authentication Token');
  }
}

export function parseInput(body: string): Input {
  try {
    const input: unknown = JSON.parse(body === '' ? '{}' : body);
    if (typeof input === 'object' && input !== null && !Array.isArray(input)) return input as Input;
  } catch {
    // Answered below; the parser's own message would quote the body.
  }
  throw new ServiceError('SerializationException', 'The request body is not a JSON object.');
}

export interface WireAnswer {
  readonly status: number;
  readonly body: string;
  readonly contentType: string;
}

export function success(output: Readonly<Record<string, unknown>>): WireAnswer {
  return { status: 200, body: JSON.stringify(output), contentType };
}

export function failure(error: ServiceError): WireAnswer {
  return { status: error.status, body: JSON.stringify({ __type: error.type, Message: error.message }), contentType };
}

/** Writes answers with request ids that count up and a Date header made once a second. */
export function createAnswerWriter(now: () => number) {
  let count = 0;
  let dateSecond = Number.NaN;
  let date = '';
  return function write(response: ServerResponse, answer: WireAnswer, cutShort = false): void {
    const second = Math.floor(now() / 1000);
    if (second !== dateSecond) {
      dateSecond = second;
      date = new Date(second * 1000).toUTCString();
    }
    response.writeHead(answer.status, {
      'x-amzn-RequestId': `00000000-0000-4000-8000-${String(++count).padStart(12, '0')}`,
      'Content-Type': answer.contentType,
      'Content-Length': Buffer.byteLength(answer.body),
      Date: date,
    });
    if (!cutShort) {
      response.end(answer.body);
      return;
    }
    response.write(answer.body.slice(0, Math.floor(answer.body.length / 2)), () => response.destroy());
  };
}
