/**
 * Builds token and revocation requests from a provider file: RFC 6749, section 6, with the client authenticated as section
 * 2.3.1 allows. Pure but for the random boundary and request id; whatever it returns prints no secret.
 */
import type { Provider } from '../../config/provider.ts';
import type { PreparedRequest, RefreshSubject } from '../rotation/ports.ts';
import { PilotlightError } from '../runtime/errors.ts';
import type { Random } from '../runtime/random.ts';
import { Secret } from '../runtime/secret.ts';
import { encodeBody } from './form.ts';
import { requireTarget, type TargetFacts } from './target.ts';

/** Who we are to the provider. */
export interface ClientIdentity {
  readonly clientId: string;
  readonly clientSecret?: Secret;
}

export interface RequestSettings {
  readonly random: Random;
  /** Sent as User-Agent, so that a provider's operators can find us. */
  readonly userAgent: string;
}

/**
 * The refresh request of a connection. No `scope` is sent: leaving it out asks for what was granted (RFC 6749, section 6),
 * and DocuSign refuses it. Throws `refused` when the host is not allowed or a needed fact is missing.
 */
export function refreshRequest(
  subject: RefreshSubject,
  client: ClientIdentity,
  settings: RequestSettings,
): PreparedRequest {
  const { provider } = subject;
  const url = requireTarget(provider, subject.environment, 'tokenUrl', subject);
  const parameters = new Map(Object.entries(provider.request.parameters));
  parameters.set('grant_type', 'refresh_token');
  parameters.set('refresh_token', sendable(subject.refreshToken, 'refresh token'));
  return build(provider, provider.request.clientAuth, url, parameters, client, settings);
}

export interface RevocationSubject extends TargetFacts {
  readonly provider: Provider;
  readonly environment: string;
  readonly token: Secret;
}

/** The revocation request of a token (RFC 7009 or the provider's own). Throws `refused`. */
export function revocationRequest(
  subject: RevocationSubject,
  rules: NonNullable<Provider['revocation']>,
  client: ClientIdentity,
  settings: RequestSettings,
): PreparedRequest {
  const url = requireTarget(subject.provider, subject.environment, 'revocationUrl', subject);
  const parameters = new Map(Object.entries(rules.parameters));
  parameters.set(rules.parameter, sendable(subject.token, 'token'));
  return build(subject.provider, rules.clientAuth, url, parameters, client, settings);
}

function build(
  provider: Provider,
  clientAuth: Provider['request']['clientAuth'],
  url: URL,
  parameters: Map<string, string>,
  client: ClientIdentity,
  settings: RequestSettings,
): PreparedRequest {
  const headers: Record<string, string | Secret> = Object.create(null);
  for (const [name, value] of Object.entries(provider.request.headers)) {
    headers[name.toLowerCase()] = value.replaceAll('{request_id}', () => settings.random.uuid());
  }
  if (clientAuth === 'basic') headers.authorization = basicHeader(provider, client);
  else if (clientAuth === 'body') {
    parameters.set('client_id', client.clientId);
    parameters.set('client_secret', secretOf(provider, client));
  } else if (provider.request.clientAuth === 'none') parameters.set('client_id', client.clientId);
  const { contentType, body } = encodeBody(provider.request.body, parameters, settings.random);
  // Ours come last: a provider file may add headers, not change what the exchange rests on.
  headers['content-type'] = contentType;
  headers.accept = 'application/json';
  headers['accept-encoding'] = 'identity';
  headers['user-agent'] = settings.userAgent;
  return { host: url.hostname, url: new Secret(url.href), headers, body: new Secret(body) };
}

/** RFC 7617; percent-encoded first only where the provider file says that the server decodes (RFC 6749, 2.3.1). */
function basicHeader(provider: Provider, client: ClientIdentity): Secret {
  const encode = provider.request.encodeBasic ? formEncode : (text: string) => text;
  const id = encode(client.clientId);
  // A colon in the id would move the border between id and secret, and put a piece of one into the other.
  if (id.includes(':'))
    throw new PilotlightError('refused', 'a client id with a colon needs encodeBasic in the provider file');
  const pair = `${id}:${encode(secretOf(provider, client))}`;
  return new Secret(`Basic ${Buffer.from(pair, 'utf8').toString('base64')}`);
}

/** application/x-www-form-urlencoded, as RFC 6749, appendix B. */
function formEncode(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1);
}

function secretOf(provider: Provider, client: ClientIdentity): string {
  const secret = client.clientSecret?.reveal() ?? '';
  if (secret === '') throw new PilotlightError('refused', `provider ${provider.name} needs a client secret`);
  return secret;
}

/** A lone surrogate would be replaced on its way out, and the provider would see another token. */
function sendable(token: Secret, what: string): string {
  const text = token.reveal();
  if (text === '' || !text.isWellFormed()) throw new PilotlightError('refused', `the ${what} cannot be sent as it is`);
  return text;
}
