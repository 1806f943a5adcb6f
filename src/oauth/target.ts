/**
 * Where a request may go. The host of a token request is the most dangerous thing a secret can name: whoever chooses it
 * receives the refresh token and often the client secret. So a fact from a secret or an answer only ever selects among
 * hosts the provider file allows, and everything else about the URL (scheme, port, path) is the provider file's.
 */
import type { Provider } from '../../config/provider.ts';
import { PilotlightError } from '../runtime/errors.ts';

/** What a connection may say about where its provider is. */
export interface TargetFacts {
  readonly apiAccessPoint?: string;
  readonly dataCenter?: string;
}

export type TargetProblem = 'environment_unknown' | 'host_not_allowed';

export type Target =
  | { readonly ok: true; readonly url: URL }
  | { readonly ok: false; readonly problem: TargetProblem; readonly message: string };

/** Names of this very machine; plain HTTP is accepted for no other. */
const loopbackHosts = new Set(['127.0.0.1', 'localhost', '[::1]']);

export function isLoopbackHost(hostname: string): boolean {
  return loopbackHosts.has(hostname);
}

/**
 * Host name of the token endpoint, as ClientAtHost wants it, or why there is none. Pure; needs no request.
 */
export function tokenHost(
  provider: Provider,
  environment: string,
  facts: TargetFacts,
): { readonly host: string } | { readonly problem: TargetProblem } {
  const target = resolveTarget(provider, environment, 'tokenUrl', facts);
  return target.ok ? { host: target.url.hostname } : { problem: target.problem };
}

/** Fills a provider file's URL with a connection's facts and checks the result. Pure; messages name no secret. */
export function resolveTarget(
  provider: Provider,
  environment: string,
  endpoint: 'tokenUrl' | 'revocationUrl',
  facts: TargetFacts,
): Target {
  // Own members only: an environment called "constructor" must not find one.
  const found = Object.hasOwn(provider.environments, environment) ? provider.environments[environment] : undefined;
  const template = found?.[endpoint];
  if (template === undefined) {
    const message = `provider ${provider.name} has no ${endpoint} for the connection's environment`;
    return { ok: false, problem: 'environment_unknown', message };
  }
  let text = template;
  if (text.includes('{api_access_point}')) {
    const point = checkAccessPoint(provider, facts.apiAccessPoint ?? '');
    if (!point.ok) return notAllowed(`api_access_point of the connection is not accepted: ${point.why}`);
    text = text.replaceAll('{api_access_point}', point.url);
  }
  if (text.includes('{data_center}')) {
    const dataCenter = facts.dataCenter ?? '';
    if (!provider.dataCenters.includes(dataCenter)) {
      return notAllowed(`data_center of the connection must be one of ${provider.dataCenters.join(', ')}`);
    }
    text = text.replaceAll('{data_center}', dataCenter);
  }
  return checkUrl(text);
}

function checkUrl(text: string): Target {
  const url = URL.parse(text);
  if (url === null || text.includes('{')) return notAllowed('the token URL of the provider file is not a URL');
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopbackHost(url.hostname))) {
    return notAllowed('a token URL must be https (http only on this machine)');
  }
  if (url.username !== '' || url.password !== '') return notAllowed('a token URL must not hold user information');
  url.hash = '';
  return { ok: true, url };
}

function notAllowed(message: string): Target {
  return { ok: false, problem: 'host_not_allowed', message };
}

export type AccessPoint = { readonly ok: true; readonly url: string } | { readonly ok: false; readonly why: string };

/**
 * Checks an api_access_point from a secret or an answer: https, default port, no user information, and a host that one of
 * the provider file's patterns matches whole (so neither a trailing dot nor an IP address passes). Its path is ignored.
 * `url` is the origin with a closing slash, the form Adobe gives. Pure.
 */
export function checkAccessPoint(provider: Provider, text: string): AccessPoint {
  const trimmed = text.trim();
  if (trimmed === '') return { ok: false, why: 'it is missing' };
  // WHATWG parsing drops tabs and line ends and takes a backslash for a slash: nothing an honest access point needs.
  if (!/^[\x21-\x5b\x5d-\x7e]{1,256}$/.test(trimmed)) return { ok: false, why: 'it holds unusual characters' };
  const url = URL.parse(trimmed);
  if (url === null) return { ok: false, why: 'it is not a URL' };
  if (url.protocol !== 'https:') return { ok: false, why: 'it is not https' };
  if (url.port !== '') return { ok: false, why: 'it names a port' };
  if (url.username !== '' || url.password !== '') return { ok: false, why: 'it holds user information' };
  if (!provider.accessPoints.some((source) => new RegExp(`^(?:${source})$`).test(url.hostname))) {
    return { ok: false, why: 'its host is not on the allow-list of the provider' };
  }
  return { ok: true, url: `https://${url.hostname}/` };
}

/** resolveTarget for callers that are about to send. Throws `refused`. */
export function requireTarget(
  provider: Provider,
  environment: string,
  endpoint: 'tokenUrl' | 'revocationUrl',
  facts: TargetFacts,
): URL {
  const target = resolveTarget(provider, environment, endpoint, facts);
  if (!target.ok) throw new PilotlightError('refused', target.message);
  return target.url;
}
