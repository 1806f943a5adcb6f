/**
 * What bringing a connection back needs of the others: the provider's consent page, the exchange of the code it gives, and
 * a memory of states already used. RFC 6749 section 4.1, RFC 7636, RFC 9700 section 4.7.
 */
import type { SecretStore, SecretValue } from '../rotation/ports.ts';
import type { Secret } from '../runtime/secret.ts';
import type { ConsentEnd } from './end.ts';

export interface AuthorizationRequest {
  readonly provider: string;
  readonly environment: string;
  readonly clientId: string;
  /** Ours, registered at the provider, compared there character by character. */
  readonly redirectUri: string;
  readonly state: string;
  /** The scope the connection had, where it is known: what the provider's file demands is added to it. */
  readonly scope?: string;
  /** S256 challenge; left out of the address where the provider has no PKCE. */
  readonly codeChallenge: string;
  /** Adobe's shard or another place the customer's account is known to be at. */
  readonly apiAccessPoint?: string;
  /** Where the provider has one in its addresses. */
  readonly dataCenter?: string;
}

export interface CodeExchange {
  readonly provider: string;
  readonly environment: string;
  readonly client: { readonly clientId: string; readonly clientSecret: Secret };
  readonly code: Secret;
  readonly redirectUri: string;
  readonly codeVerifier: Secret;
  /** `api_access_point` as the callback brought it: checked against the provider's file before anything is sent there. */
  readonly apiAccessPoint?: string;
  readonly dataCenter?: string;
  /** The account the connection had, where it is known: of several a customer may have, it is the one meant. */
  readonly account?: string;
}

/** The new grant, as far as the provider says. */
export interface NewGrant {
  readonly refreshToken: Secret;
  readonly accessToken?: Secret;
  readonly tokenType?: string;
  readonly expiresInMs?: number;
  /** Only where the provider's file says that its answer can be believed; otherwise what was asked for counts. */
  readonly scope?: string;
  readonly apiAccessPoint?: string;
  /** The provider's own name of the account that consented; undefined where it says none. */
  readonly account?: string;
}

export type CodeAnswer =
  | { readonly kind: 'granted'; readonly grant: NewGrant }
  /** `code`: the code is expired, used or not ours. `client`: our registration. `host`: the access point is not the provider's. */
  | {
      readonly kind: 'refused';
      readonly whose: 'code' | 'client' | 'host' | 'answer';
      readonly error?: string;
      /** Scrubbed of tokens and cut to length. */
      readonly description?: string;
      readonly requestId?: string;
    }
  /** No whole answer; the code may be used up. */
  | { readonly kind: 'unanswered'; readonly why: string };

export interface Authorization {
  /** The provider's consent page, with everything in its query; undefined where its file names none. */
  consentPage(request: AuthorizationRequest): URL | undefined;
  /** The scope that is asked for: what the connection had and what the provider's file demands. */
  scopeAsked(provider: string, scope: string | undefined): string;
  /** Exchanges a code, once, without a redirect or a retry. Never throws. */
  exchange(request: CodeExchange): Promise<CodeAnswer>;
}

/** Of states that were handed out: each is worth one callback. */
export interface ConsentStates {
  /** Keeps what belongs to a state, for `ms`. No token and no secret but the code verifier, which is worth nothing alone. */
  keep(nonce: string, started: StartedConsent, ms: number): Promise<void>;
  /** Gives it once, and forgets it. */
  take(nonce: string): Promise<StartedConsent | undefined>;
}

export interface StartedConsent {
  /** Whether a connection comes back or is made. */
  readonly kind: 'reconsent' | 'connect';
  readonly connection: string;
  readonly provider: string;
  readonly environment: string;
  readonly client: string;
  readonly dataCenter?: string;
  /** What was asked for; '' where nothing was. */
  readonly scope: string;
  /** AWSCURRENT when it was started; '' where the connection is to be made. */
  readonly version: string;
  readonly codeVerifier: string;
  readonly startedAt: number;
}

/** The part of the secret store that brings a connection back. `create` is there only where new connections may be made. */
export interface ConsentStore extends Pick<SecretStore, 'describe' | 'read' | 'put' | 'moveStage' | 'untag'> {
  create?(name: string, value: SecretValue, tags: Readonly<Record<string, string>>): Promise<void>;
}

/** One line of the audit log: how an attempt to authorise ended, or that it began. Never a token, code or state. */
export interface ConsentEvent {
  /** Undefined where what came named none that could be believed. */
  readonly connection?: string;
  readonly provider?: string;
  readonly outcome: ConsentEnd | 'started';
  /** Against the account the connection had: undefined where no grant was looked at. */
  readonly account?: 'same' | 'changed' | 'unknown';
  /** The provider's error code, scrubbed: letters, digits, `_`, `.` and `-`, 64 at most. */
  readonly error?: string;
  readonly versionOld?: string;
  readonly versionNew?: string;
}

/** Must not throw. */
export type RecordConsent = (event: ConsentEvent) => void;
