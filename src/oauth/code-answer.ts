/**
 * What the answer to an exchanged code means, and for whom. Read by the same reader as a refresh's answer, and judged
 * anew: after a code there is no old token to keep, so an answer without a refresh token is no success.
 */
import type { Provider } from '../../config/provider.ts';
import type { CodeAnswer, NewGrant } from '../reconsent/ports.ts';
import type { Answer, Exchange } from '../rotation/ports.ts';
import { Secret } from '../runtime/secret.ts';
import { readAnswer } from './answer.ts';
import type { ExchangeRequest } from './code-request.ts';
import { scrubCode, scrubDescription, scrubRequestId } from './scrub.ts';

type Refused = Extract<CodeAnswer, { kind: 'refused' }>;

/** Never throws. `accessPoint`: the callback's, checked; the answer's own goes before it. */
export function readCodeAnswer(
  provider: Provider,
  exchange: Exchange,
  request: ExchangeRequest,
  accessPoint: string | undefined,
): CodeAnswer {
  if (exchange.kind !== 'answered') return { kind: 'unanswered', why: exchange.label };
  const answer = readAnswer(provider, exchange.answer, { refreshToken: request.code });
  switch (answer.kind) {
    case 'granted':
      return answer.refreshToken === undefined
        ? { kind: 'refused', whose: 'answer', error: 'refresh_token_missing' }
        : { kind: 'granted', grant: grantOf(answer, answer.refreshToken, accessPoint) };
    case 'notUnderstood':
      return { kind: 'refused', whose: 'answer', error: answer.why };
    case 'refused':
      return refused(answer, request);
  }
}

function grantOf(
  answer: Extract<Answer, { kind: 'granted' }>,
  refreshToken: Secret,
  accessPoint: string | undefined,
): NewGrant {
  const { accessToken, tokenType, accessTokenLifeMs, scope } = answer;
  const apiAccessPoint = answer.apiAccessPoint ?? accessPoint;
  return {
    // A line end around a token is not part of it; the connection is new, so nothing was stored with it.
    refreshToken: new Secret(refreshToken.reveal().trim()),
    ...(accessToken === undefined ? {} : { accessToken, expiresInMs: accessTokenLifeMs }),
    ...(tokenType === undefined ? {} : { tokenType }),
    ...(scope === undefined ? {} : { scope }),
    ...(apiAccessPoint === undefined ? {} : { apiAccessPoint }),
  };
}

function refused(answer: Extract<Answer, { kind: 'refused' }>, request: ExchangeRequest): CodeAnswer {
  const whose = whoseFault(answer);
  const cleaned = shown(answer, request);
  const error = cleaned.error ?? `http_${answer.status}`;
  return whose === undefined ? { kind: 'unanswered', why: error } : { kind: 'refused', whose, ...cleaned, error };
}

/** undefined where the answer leaves open what became of the code. */
function whoseFault({ means, status, error }: Extract<Answer, { kind: 'refused' }>): Refused['whose'] | undefined {
  switch (means) {
    case 'grant':
      return 'code';
    case 'client':
    case 'request':
      return 'client';
    case 'access_point':
      return 'host';
    case 'throttled':
    case 'unknown':
      return undefined;
    case 'unavailable':
      // RFC 6749, 5.2: 401 is about the client. A code nobody knows is shown, since to a person at a browser "try later"
      // would be no help.
      if (status === 401) return 'client';
      return status === 503 || error === undefined ? undefined : 'answer';
  }
}

/** The provider's words were cleaned of the code by the reader; here of everything else that was sent. */
function shown(
  answer: Extract<Answer, { kind: 'refused' }>,
  request: ExchangeRequest,
): Omit<Refused, 'kind' | 'whose'> {
  const { clientId, clientSecret } = request.client;
  const secrets = [request.codeVerifier.reveal(), clientSecret.reveal(), basicOf(clientId, clientSecret)];
  const clean = (text: string | undefined, scrub: (text: string | undefined, sent: string) => string | undefined) =>
    secrets.reduce<string | undefined>((left, secret) => scrub(left, secret), text);
  const error = clean(answer.error, scrubCode);
  const description = clean(answer.description, scrubDescription);
  const requestId = clean(answer.requestId, scrubRequestId);
  return {
    ...(error === undefined ? {} : { error }),
    ...(description === undefined ? {} : { description }),
    ...(requestId === undefined ? {} : { requestId }),
  };
}

function basicOf(clientId: string, clientSecret: Secret): string {
  return Buffer.from(`${clientId}:${clientSecret.reveal()}`, 'utf8').toString('base64');
}
