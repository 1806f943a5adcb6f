/**
 * The Authorization port over real HTTP: where a customer consents, and the exchange of the code that comes back. One
 * request per code, without redirect or retry; the code, its verifier, the client secret and the tokens appear in nothing
 * but that request and the grant.
 */

import { lookup as systemLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { createSecureContext, getCACertificates } from 'node:tls';
import type { Provider } from '../../config/provider.ts';
import type { Authorization, CodeAnswer } from '../reconsent/ports.ts';
import { askAccount } from './authorization-account.ts';
import { consentPage, type PageRequest, scopeAsked } from './authorization-page.ts';
import { consentTarget } from './authorization-target.ts';
import { readCodeAnswer } from './code-answer.ts';
import { codeRequest, type ExchangeRequest, isCodeText } from './code-request.ts';
import { publicLookup } from './private-address.ts';
import { checkAccessPoint } from './target.ts';
import { createTokenEndpoint, type TokenEndpointOptions } from './token-endpoint.ts';
import type { TransportLimits, TransportSettings } from './transport.ts';

export interface AuthorizationOptions extends TokenEndpointOptions {
  /** Provider files by name. */
  readonly providers: Readonly<Record<string, Provider>>;
}

/** The port, and besides: a connection's data centre and account, where the caller knows them. */
export interface OAuthAuthorization extends Authorization {
  consentPage(request: PageRequest): URL | undefined;
  exchange(request: ExchangeRequest): Promise<CodeAnswer>;
}

/** A customer waits in a browser that gives up before long, so less time than a refresh has. */
const limitsOfExchange: TransportLimits = { connectMs: 5_000, totalMs: 30_000, bodyBytesMax: 1_048_576 };

/** Throws `config_invalid` when `connectTo` is not a plain HTTP origin on loopback. */
export function createAuthorization(options: AuthorizationOptions): OAuthAuthorization {
  const { connectTo } = options;
  const limits = { ...limitsOfExchange, ...options.limits };
  const endpoint = createTokenEndpoint({ ...options, limits });
  const building = { random: options.random, userAgent: options.userAgent ?? 'Pilotlight' };
  const transport: TransportSettings = {
    clock: options.clock,
    limits,
    lookup:
      options.privateAddresses === 'allow'
        ? (options.resolve ?? (systemLookup as LookupFunction))
        : publicLookup(options.resolve),
    ...(connectTo === undefined ? {} : { connectTo }),
    ...(options.trustedCa === undefined
      ? {}
      : { secureContext: createSecureContext({ ca: [...getCACertificates('default'), options.trustedCa] }) }),
  };
  const providerOf = (name: string) => (Object.hasOwn(options.providers, name) ? options.providers[name] : undefined);

  async function exchange(request: ExchangeRequest): Promise<CodeAnswer> {
    const provider = providerOf(request.provider);
    const checked = check(provider, request);
    if ('kind' in checked) return checked;
    const { accessPoint } = checked;
    const at = { ...request, ...(accessPoint === undefined ? {} : { apiAccessPoint: accessPoint }) };
    const prepared = preparedOr(() => codeRequest(checked.provider, at, building));
    if (prepared === undefined) return { kind: 'refused', whose: 'client', error: 'client_unusable' };
    const answer = readCodeAnswer(checked.provider, await endpoint.send(prepared), at, accessPoint);
    if (answer.kind !== 'granted' || answer.grant.accessToken === undefined) return answer;
    const facts = {
      ...at,
      ...(answer.grant.apiAccessPoint === undefined ? {} : { apiAccessPoint: answer.grant.apiAccessPoint }),
    };
    const userinfo = consentTarget(checked.provider, request.environment, 'userinfoUrl', facts);
    if (!userinfo.ok || checked.provider.authorization?.account === 'none') return answer;
    const account = await askAccount(
      checked.provider,
      userinfo.url,
      answer.grant.accessToken,
      transport,
      request.account,
    );
    return account === undefined ? answer : { kind: 'granted', grant: { ...answer.grant, account } };
  }

  return {
    consentPage(request) {
      const provider = providerOf(request.provider);
      return provider === undefined ? undefined : consentPage(provider, request, connectTo);
    },
    scopeAsked(name, scope) {
      const provider = providerOf(name);
      return provider === undefined ? (scope ?? '') : scopeAsked(provider, scope);
    },
    // Nothing in it throws by design; if something does, the code may have left us.
    exchange: (request) => exchange(request).catch(() => ({ kind: 'unanswered', why: 'internal_error' })),
  };
}

type Checked = { readonly provider: Provider; readonly accessPoint?: string };

/** Everything that can be known to be wrong before a byte leaves us. */
function check(provider: Provider | undefined, request: ExchangeRequest): Checked | (CodeAnswer & { kind: 'refused' }) {
  if (provider?.authorization === undefined) return { kind: 'refused', whose: 'client', error: 'not_offered' };
  if (!isCodeText(request.code.reveal())) return { kind: 'refused', whose: 'code', error: 'code_unusable' };
  // A provider without access points has none in its callbacks: one that is there all the same is not looked at.
  const point =
    request.apiAccessPoint === undefined || provider.accessPoints.length === 0
      ? undefined
      : checkAccessPoint(provider, request.apiAccessPoint);
  if (point?.ok === false)
    return { kind: 'refused', whose: 'host', error: 'access_point_refused', description: point.why };
  const target = consentTarget(provider, request.environment, 'tokenUrl', request);
  if (!target.ok) {
    return target.problem === 'environment_unknown'
      ? { kind: 'refused', whose: 'client', error: 'not_offered' }
      : { kind: 'refused', whose: 'host', error: target.problem, description: target.message };
  }
  return { provider, ...(point === undefined ? {} : { accessPoint: point.url }) };
}

/** undefined where the client cannot be authenticated as the provider wants it. */
function preparedOr<T>(build: () => T): T | undefined {
  try {
    return build();
  } catch {
    return undefined;
  }
}
