/**
 * Where consent and codes go. The same rules as for refreshes (`target.ts`): a fact from a secret or a callback only ever
 * selects among hosts the provider file allows.
 */
import type { Provider } from '../../config/provider.ts';
import { resolveTarget, type Target, type TargetFacts } from './target.ts';

export type ConsentEndpoint = 'authorizationUrl' | 'tokenUrl' | 'userinfoUrl';

/** The URL as the provider file has it; undefined where customers cannot consent there through us. */
export function consentTemplate(
  provider: Provider,
  environment: string,
  endpoint: ConsentEndpoint,
): string | undefined {
  const offered = provider.authorization?.environments;
  // Own members only: an environment called "constructor" must not find one.
  if (offered === undefined || !Object.hasOwn(offered, environment)) return undefined;
  const own = offered[environment]?.[endpoint];
  if (own !== undefined || endpoint !== 'tokenUrl') return own;
  return Object.hasOwn(provider.environments, environment) ? provider.environments[environment]?.tokenUrl : undefined;
}

/** Fills a consent endpoint's URL and checks it. Pure; messages name no secret. */
export function consentTarget(
  provider: Provider,
  environment: string,
  endpoint: ConsentEndpoint,
  facts: TargetFacts,
): Target {
  const template = consentTemplate(provider, environment, endpoint);
  if (template !== undefined)
    return resolveTarget(atEndpoint(provider, environment, template), environment, 'tokenUrl', facts);
  const message = `provider ${provider.name} has no ${endpoint} for the connection's environment`;
  return { ok: false, problem: 'environment_unknown', message };
}

/** The provider with this URL in the place of its token endpoints. */
export function atEndpoint(provider: Provider, environment: string, url: string): Provider {
  return { ...provider, environments: { [environment]: { tokenUrl: url, revocationUrl: url } } };
}
