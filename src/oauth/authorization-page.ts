/**
 * The address of a provider's consent page (RFC 6749, 4.1.1; RFC 7636, 4.3). It is opened by a customer's browser and ends
 * up in histories and logs, so nothing in it is a secret: a state and a challenge, never a verifier.
 */
import type { Provider } from '../../config/provider.ts';
import type { AuthorizationRequest } from '../reconsent/ports.ts';
import { consentTarget } from './authorization-target.ts';
import type { TargetFacts } from './target.ts';

export type PageRequest = AuthorizationRequest & TargetFacts;

/** See Authorization.consentPage. `connectTo`: the sandbox's origin, which answers for every provider. Pure. */
export function consentPage(provider: Provider, request: PageRequest, connectTo: URL | undefined): URL | undefined {
  const rules = provider.authorization;
  const target = consentTarget(provider, request.environment, 'authorizationUrl', request);
  if (rules === undefined || !target.ok) return undefined;
  const scope = scopeAsked(provider, request.scope);
  const parameters = new Map([
    ...Object.entries(rules.parameters),
    ['response_type', 'code'],
    [rules.names.clientId, request.clientId],
    [rules.names.redirectUri, request.redirectUri],
    // Left out rather than empty: an empty scope is a malformed one (RFC 6749, 3.3).
    ...(scope === '' ? [] : [['scope', scope] as const]),
    ['state', request.state],
    ...(rules.pkce === 'none'
      ? []
      : [['code_challenge', request.codeChallenge] as const, ['code_challenge_method', rules.pkce] as const]),
  ] as [string, string][]);
  const { url } = target;
  // Spaces as %20: not every consent page reads a plus as one.
  const query = [...parameters].map(([name, value]) => `${encoded(name)}=${encoded(value)}`).join('&');
  url.search = url.search === '' ? query : `${url.search.slice(1)}&${query}`;
  return connectTo === undefined ? url : new URL(`/authorize-at/${url.host}${url.pathname}${url.search}`, connectTo);
}

/** A lone surrogate cannot be encoded, and would throw. */
function encoded(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

/** What the connection had, then what the provider's file demands; each word once. Pure. */
export function scopeAsked(provider: Provider, scope: string | undefined): string {
  const words = `${scope ?? ''} ${provider.authorization?.scope ?? ''}`.split(/\s+/).filter((word) => word !== '');
  return [...new Set(words)].join(' ');
}
