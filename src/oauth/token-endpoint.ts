/**
 * The TokenEndpoint port over real HTTP, and revocation for providers that offer it. It holds no state: every request has a
 * connection of its own, and every reading is a pure function of the provider file and the bytes.
 */
import { lookup as systemLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { createSecureContext, getCACertificates } from 'node:tls';
import type { TokenEndpoint } from '../rotation/ports.ts';
import type { Clock } from '../runtime/clock.ts';
import { PilotlightError } from '../runtime/errors.ts';
import type { Random } from '../runtime/random.ts';
import { readAnswer } from './answer.ts';
import { publicLookup } from './private-address.ts';
import { type ClientIdentity, refreshRequest } from './request.ts';
import { type Revocation, type RevocationRequest, revokeToken } from './revoke.ts';
import { isLoopbackHost } from './target.ts';
import { send, type TransportLimits, type TransportSettings } from './transport.ts';

export interface TokenEndpointOptions {
  readonly clock: Clock;
  /** For multipart boundaries and request ids. */
  readonly random: Random;
  readonly limits?: Partial<TransportLimits>;
  /**
   * Sends every request to this origin over plain HTTP instead, with the real host in the Host header: the sandbox of the
   * demo and the tests. Only loopback is accepted, because tokens go there in clear.
   */
  readonly connectTo?: URL;
  readonly userAgent?: string;
  /** `allow` where a provider of one's own lives at a private address; loopback needs no permission. */
  readonly privateAddresses?: 'refuse' | 'allow';
  /** A certificate authority (PEM) trusted besides the system's, for a provider behind a private one. */
  readonly trustedCa?: string;
  /** Resolver under the private-address check; the system's unless given. */
  readonly resolve?: LookupFunction;
}

export interface OAuthEndpoint extends TokenEndpoint {
  /** Ends a token at the provider. Never rejects but with `refused`, when the target or the client is not usable. */
  revoke(request: RevocationRequest, client: ClientIdentity): Promise<Revocation>;
}

export const defaultLimits: TransportLimits = { connectMs: 5_000, totalMs: 90_000, bodyBytesMax: 1_048_576 };

/** Throws `config_invalid` when `connectTo` is not a plain HTTP origin on loopback. */
export function createTokenEndpoint(options: TokenEndpointOptions): OAuthEndpoint {
  const { connectTo } = options;
  if (connectTo !== undefined && !(connectTo.protocol === 'http:' && isLoopbackHost(connectTo.hostname))) {
    throw new PilotlightError(
      'config_invalid',
      'the sandbox must be an http:// origin on 127.0.0.1, localhost or [::1]',
    );
  }
  const building = { random: options.random, userAgent: options.userAgent ?? 'Pilotlight' };
  const transport: TransportSettings = {
    clock: options.clock,
    limits: { ...defaultLimits, ...options.limits },
    lookup: lookupOf(options),
    ...(connectTo === undefined ? {} : { connectTo }),
    // Made once: reading some 150 root certificates for each request would cost more than the request.
    ...(options.trustedCa === undefined
      ? {}
      : { secureContext: createSecureContext({ ca: [...getCACertificates('default'), options.trustedCa] }) }),
  };
  return {
    prepare: (subject, credentials) => refreshRequest(subject, credentials, building),
    send: (request) => send(request, transport),
    read: readAnswer,
    revoke: (request, client) =>
      revokeToken(request, client, { building, send: (prepared) => send(prepared, transport) }),
  };
}

function lookupOf(options: TokenEndpointOptions): LookupFunction {
  if (options.privateAddresses !== 'allow') return publicLookup(options.resolve);
  return options.resolve ?? (systemLookup as LookupFunction);
}
