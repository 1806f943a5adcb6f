/**
 * The token endpoint as the protocol sees it: a request made, sent, and its answer read. Implemented by the room `oauth`;
 * part of ports.ts, which hands these types on.
 */
import type { AnswerMeaning, Provider } from '../../config/provider.ts';
import type { Secret } from '../runtime/secret.ts';

/** Credentials of a client. `previous` is accepted by the provider while the operator rotates the secret. */
export interface ClientCredentials {
  readonly clientId: string;
  readonly clientSecret?: Secret;
  readonly previousClientSecret?: Secret;
}

export interface ClientRegistry {
  /** Throws client_unavailable when the client is not configured or its secret cannot be read or understood. */
  credentials(client: string): Promise<ClientCredentials>;
  /** The provider rejected them: they are read again next time. */
  forget(client: string): void;
}

/** What a request needs to know of a connection. */
export interface RefreshSubject {
  readonly provider: Provider;
  readonly environment: string;
  readonly refreshToken: Secret;
  readonly apiAccessPoint?: string;
  readonly dataCenter?: string;
}

/** A request ready to be sent; opaque to the protocol. Holds secrets, prints none. */
export interface PreparedRequest {
  /** Host name of the token endpoint. */
  readonly host: string;
  readonly url: Secret;
  readonly headers: Readonly<Record<string, string | Secret>>;
  readonly body: Secret;
}

/** An HTTP answer exactly as it came. */
export interface RawAnswer {
  readonly status: number;
  /** Names in lower case; only those `oauth/answer.ts` reads. */
  readonly headers: Readonly<Record<string, string>>;
  /** Undecoded bytes (content-encoding still on). */
  readonly body: Buffer;
  /** False when the connection ended before the body did, or the body was cut at the size limit. */
  readonly complete: boolean;
  /** Calendar instant of the last byte (epoch ms). */
  readonly receivedAt: number;
}

/** What became of a request, told apart from real socket events. */
export type Exchange =
  /** No byte of the request left us: DNS, connect or TLS failed. The token is unspent. */
  | { readonly kind: 'notSent'; readonly label: string }
  /** Sent, and an answer came, perhaps cut short. */
  | { readonly kind: 'answered'; readonly answer: RawAnswer }
  /** Sent, and nothing readable came back. The token may be spent. */
  | { readonly kind: 'unanswered'; readonly label: string };

/** Something unusual in an answer that is kept all the same; told to the operator. */
export type Oddity =
  | 'refresh_token_missing'
  | 'refresh_token_empty'
  | 'refresh_token_same'
  | 'refresh_token_padded'
  | 'access_token_missing'
  | 'token_type_unusual'
  | 'expires_in_unusable'
  | 'scope_changed'
  | 'content_type_unusual'
  | 'form_encoded'
  | 'salvaged'
  | 'access_point_refused'
  | 'clock_skew'
  | 'error_in_success';

export type Answer =
  | {
      readonly kind: 'granted';
      /** The new refresh token, verbatim; undefined: the old one is kept. */
      readonly refreshToken?: Secret;
      readonly accessToken?: Secret;
      readonly tokenType?: string;
      /** Life of the access token in ms, clamped to the provider's maximum; the provider's default where unusable. */
      readonly accessTokenLifeMs: number;
      /** Remaining life of the refresh token in ms, where the provider says it. */
      readonly refreshTokenLifeMs?: number;
      readonly scope?: string;
      /** A checked api_access_point that came with the answer. */
      readonly apiAccessPoint?: string;
      /** Further members the provider file says to keep (plain strings). */
      readonly kept: Readonly<Record<string, string>>;
      readonly oddities: readonly Oddity[];
    }
  | {
      readonly kind: 'refused';
      readonly means: AnswerMeaning;
      readonly status: number;
      /** OAuth error code or the provider's own, scrubbed: [A-Za-z0-9_.-], 64 at most. */
      readonly error?: string;
      /** error_description, scrubbed and cut, with anything that looks like a token taken out. */
      readonly description?: string;
      /** Clamped to 1 s .. 6 h. */
      readonly retryAfterMs?: number;
      readonly requestId?: string;
    }
  | {
      /** A 2xx we do not understand: a token may be in it. */
      readonly kind: 'notUnderstood';
      readonly status: number;
      /** Why, in stable words; never the body. */
      readonly why: string;
      /** A whole refresh_token was found in the raw bytes. */
      readonly salvageable: boolean;
    };

export interface TokenEndpoint {
  /** Builds the request. Throws `refused` when the target host is not allowed or a needed fact is missing. */
  prepare(
    subject: RefreshSubject,
    credentials: { readonly clientId: string; readonly clientSecret?: Secret },
  ): PreparedRequest;
  /** Sends it on a connection of its own: no redirect, no retry; never rejects. Bounded by the limits it was made with. */
  send(request: PreparedRequest): Promise<Exchange>;
  /** Reads an answer. A pure function of its arguments; never throws. `sent` is the token that was posted. */
  read(provider: Provider, answer: RawAnswer, sent: { readonly refreshToken: Secret; readonly scope?: string }): Answer;
}
