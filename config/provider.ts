/**
 * What a provider file (`config/providers/*.yaml`) may say. A provider's quirks are data here and never an `if` in the
 * code; a new provider is a new file. Types only leave this folder, values are handed on by `main`.
 */
import { z } from 'zod';
import { duration } from './duration.ts';

/** How a token endpoint's answer is to be understood; the closed set `src/oauth/answer.ts` works with. */
export const answerMeaning = z.enum([
  /** The refresh token itself is refused (RFC 6749 5.2 invalid_grant): a suspicion, never yet a proof. */
  'grant',
  /** Our registration is refused (invalid_client, unauthorized_client): every connection of the client is hit, none is dead. */
  'client',
  /** Our request or configuration is wrong (invalid_request, unsupported_grant_type, wrong URL): the operator must act. */
  'request',
  /** The customer's account sits on another host now (Adobe INVALID_API_ACCESS_POINT). */
  'access_point',
  /** Too many requests; honour Retry-After. */
  'throttled',
  /** Refused before anything was committed; the same token may be tried again later. */
  'unavailable',
  /** May have been committed although the answer does not say so (500, 502, 504). */
  'unknown',
]);
export type AnswerMeaning = z.infer<typeof answerMeaning>;

/** A regular expression; refused at load, because a broken one would only show at the first odd answer. */
const pattern = z.string().refine((source) => {
  try {
    return new RegExp(source) instanceof RegExp;
  } catch {
    return false;
  }
}, 'must be a regular expression');

const errorRule = z.strictObject({
  /** HTTP statuses it applies to; any when absent. */
  status: z.array(z.int().min(100).max(599)).min(1).optional(),
  /** Values of the body's `error` (or `code`, `errorCode`, `status`) field it applies to, compared without case; any when absent. */
  error: z.array(z.string()).min(1).optional(),
  /** A regular expression over `error_description` (or `message`), without case. */
  description: pattern.optional(),
  means: answerMeaning,
});
export type ErrorRule = z.infer<typeof errorRule>;

const lifetimeRule = z.strictObject({
  /** When the rule applies; the first rule that does is taken. Absent: always. */
  when: z
    .strictObject({
      /** The consent's scope is known and holds this word. */
      scopeIncludes: z.string().optional(),
      /** The consent's scope is known and lacks this word. */
      scopeLacks: z.string().optional(),
      /** The consent's scope is not known. */
      scopeUnknown: z.literal(true).optional(),
    })
    .optional(),
  /** The refresh token dies when not used for this long; each refresh starts it anew. */
  idle: duration({ min: '1m' }).optional(),
  /** The connection dies this long after consent whatever we do. */
  absolute: duration({ min: '1m' }).optional(),
  /** Shown where the rule leads to a warning: what the customer can do. */
  advice: z.string().optional(),
});
export type LifetimeRule = z.infer<typeof lifetimeRule>;

/**
 * A token goes out over TLS or not at all; plain HTTP is for a server on this very machine (tests, a local gateway).
 * `{api_access_point}` stands for a whole origin, so it can only come first.
 */
const endpointUrl = z
  .string()
  .regex(
    /^(?:https:\/\/(?!.*\{api_access_point\})|\{api_access_point\}(?!.*\{)|http:\/\/(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?\/)\S*$/,
    'must start with https:// or {api_access_point} (http:// only for 127.0.0.1, localhost or [::1])',
  );

const environment = z.strictObject({
  /** Token endpoint for refreshes. May hold `{api_access_point}` (from the secret, checked against accessPoints) or `{data_center}`. */
  tokenUrl: endpointUrl,
  /** Token revocation endpoint (RFC 7009 or the provider's own), same placeholders. */
  revocationUrl: endpointUrl.optional(),
});

const environmentName = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/);

/** How a customer consents again through us: the authorization code flow, RFC 6749, section 4.1. */
const authorization = z.strictObject({
  /** Environments that have it; a connection of any other cannot be brought back through us. */
  environments: z.record(
    environmentName,
    z.strictObject({
      /** The consent page, opened by the customer's browser. */
      authorizationUrl: endpointUrl,
      /** Where codes are exchanged, when refreshes go elsewhere. Same placeholders as the environment's tokenUrl. */
      tokenUrl: endpointUrl.optional(),
      /** Asked with the new access token which account consented (`account`). */
      userinfoUrl: endpointUrl.optional(),
    }),
  ),
  /** Words always asked for, besides those the connection had. */
  scope: z
    .string()
    .regex(
      /^(?:[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*)?$/,
      'must be words with one space between them',
    )
    .default(''),
  /** Proof key for the exchange (RFC 7636). `none` only where the provider does not know it: the code is then bound by state alone. */
  pkce: z.enum(['S256', 'none']).default('S256'),
  /** How long a code can be exchanged. RFC 6749, 4.1.2 recommends ten minutes at most. */
  codeLife: duration({ min: '10s', max: '1h' }).default(600_000),
  /** Further parameters of the consent page's address. */
  parameters: z.record(z.string(), z.string()).default({}),
  /** What the consent page calls the parameters of RFC 6749, 4.1.1, where it has names of its own. */
  names: z
    .strictObject({
      clientId: z.string().min(1).default('client_id'),
      redirectUri: z.string().min(1).default('redirect_uri'),
    })
    .prefault({}),
  /** False where the token endpoint documents no redirect_uri with a code. */
  sendRedirectUri: z.boolean().default(true),
  /** How the account that consented is told; `none` where the provider has no page for it. */
  account: z
    .union([
      z.literal('none'),
      z.strictObject({
        /** Member of the userinfo answer; a dot leads into an object or a list. */
        field: z.string().regex(/^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$/, 'must be names with dots between them'),
        /** Of a list with several elements, the one in which this member is true. */
        chosenBy: z.string().min(1).optional(),
      }),
    ])
    .default('none'),
});

export const provider = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, 'must be lower-case letters, digits and dashes, 32 at most'),
  title: z.string().min(1),
  /** Where the facts come from. */
  documentation: z.array(z.url()).default([]),
  environments: z.record(environmentName, environment),
  /** Full-match regular expressions of host names an api_access_point from a secret or an answer may have. */
  accessPoints: z.array(pattern).default([]),
  /** Values of the secret's `data_center` that may be put into a URL. */
  dataCenters: z.array(z.string().regex(/^[a-z0-9-]{1,32}$/)).default([]),
  request: z.strictObject({
    /** RFC 6749 2.3.1: credentials in a Basic header, in the body, or none (public client; client_id in the body). */
    clientAuth: z.enum(['basic', 'body', 'none']),
    /** Percent-encode id and secret in the Basic header as RFC 6749 2.3.1 says; most real servers do not decode them. */
    encodeBasic: z.boolean().default(false),
    body: z.enum(['form', 'multipart', 'json']),
    parameters: z.record(z.string(), z.string()).default({}),
    /** `{request_id}` in a value is replaced by a fresh id for each request. */
    headers: z.record(z.string(), z.string()).default({}),
  }),
  answer: z
    .strictObject({
      /** Whether a refresh brings a new refresh token: always, never (the old one is kept), or sometimes. */
      newRefreshToken: z.enum(['always', 'never', 'sometimes']).default('sometimes'),
      /** Member that wraps the real answer (`data`), where the provider wraps it. */
      wrappedIn: z.string().optional(),
      /** Members of a 2xx answer that name a refresh token's remaining life in seconds. */
      refreshTokenExpiresIn: z.array(z.string()).default([]),
      /** False where the `scope` of a refresh answer is not the scope of the consent: it is then neither compared nor kept. */
      scopeReliable: z.boolean().default(true),
      /** Names of members to copy into the secret after a success, beyond the standard ones. */
      keep: z.array(z.string()).default([]),
    })
    .prefault({}),
  accessToken: z
    .strictObject({
      /** Used when the answer names no usable expires_in. */
      life: duration({ min: '1m', max: '365d' }).default(3_600_000),
      /** Longest life believed; a longer expires_in is clamped to it. */
      lifeMax: duration({ min: '1m', max: '365d' }).default(31_536_000_000),
    })
    .prefault({}),
  lifetimes: z.array(lifetimeRule).min(1),
  /** Refresh at this age of the idle clock instead of a third of it. */
  refreshEvery: duration({ min: '1m' }).optional(),
  /** Rules read before the RFC 6749 ones; the first that matches decides. */
  errors: z.array(errorRule).default([]),
  /** Grants that hold nothing to keep alive (client_credentials), with the explanation given. */
  refuseGrants: z.record(z.string(), z.string()).default({}),
  /** When the same token is sent once more after a request whose answer never came; `never` where reuse revokes the family. */
  secondTry: z
    .union([z.literal('never'), z.strictObject({ after: duration({ min: '0ms', max: '1d' }) })])
    .default({ after: 120_000 }),
  limits: z
    .strictObject({
      /** Refreshes per second over all workers. */
      perSecond: z.number().min(0.01).max(1_000).default(10),
      /** What a 429 holds back: this connection, all of the client's, or all on the provider's host. */
      throttleScope: z.enum(['connection', 'client', 'provider']).default('provider'),
    })
    .prefault({}),
  revocation: z
    .strictObject({
      /** Body member that carries the token. */
      parameter: z.string().default('token'),
      /** Further body members sent with it. */
      parameters: z.record(z.string(), z.string()).default({}),
      clientAuth: z.enum(['basic', 'body', 'none']).default('none'),
      /** Error codes that mean the token was dead already. */
      alreadyDead: z.array(z.string()).default([]),
      /** Error codes that mean our request was wrong. */
      refused: z.array(z.string()).default([]),
    })
    .optional(),
  /** Absent: customers cannot consent again through us. */
  authorization: authorization.optional(),
});
export type Provider = z.infer<typeof provider>;
/** A provider file as written, before defaults and units. */
export type ProviderInput = z.input<typeof provider>;
