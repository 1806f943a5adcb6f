/**
 * Builds the request that exchanges a code: RFC 6749, 4.1.3, with the verifier of RFC 7636, 4.5. The client is
 * authenticated as for a refresh.
 */
import type { Provider } from '../../config/provider.ts';
import type { CodeExchange } from '../reconsent/ports.ts';
import type { PreparedRequest } from '../rotation/ports.ts';
import { atEndpoint, consentTemplate } from './authorization-target.ts';
import { type RequestSettings, revocationRequest } from './request.ts';
import type { TargetFacts } from './target.ts';

export interface ExchangeRequest extends CodeExchange, TargetFacts {
  /** The account the connection had: looked for among a customer's several ones, before the one the provider prefers. */
  readonly account?: string;
}

/** Longer than any provider's; a callback's query is bounded by the server that read it anyway. */
const codeLengthMax = 4_096;

/** RFC 6749, appendix A.11: visible ASCII and spaces. Anything else was never given to us by a provider. */
export function isCodeText(code: string): boolean {
  return code.length <= codeLengthMax && /^[\x20-\x7e]+$/.test(code);
}

/** Throws `refused` when the host is not allowed, or the client has no secret where one is needed. */
export function codeRequest(provider: Provider, request: ExchangeRequest, settings: RequestSettings): PreparedRequest {
  const { environment } = request;
  const rules = provider.authorization;
  const url = consentTemplate(provider, environment, 'tokenUrl') ?? '';
  const parameters = {
    ...provider.request.parameters,
    grant_type: 'authorization_code',
    ...(rules?.sendRedirectUri === false ? {} : { redirect_uri: request.redirectUri }),
    ...(rules?.pkce === 'none' ? {} : { code_verifier: request.codeVerifier.reveal() }),
  };
  // A revocation is, on the wire, one token and some parameters posted by an authenticated client; so is this.
  return revocationRequest(
    { ...request, provider: atEndpoint(provider, environment, url), token: request.code },
    { parameter: 'code', parameters, clientAuth: provider.request.clientAuth, alreadyDead: [], refused: [] },
    request.client,
    settings,
  );
}
