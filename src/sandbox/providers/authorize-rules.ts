/**
 * What differs between the providers' consent pages and code exchanges: hosts and paths, names of parameters, how long a
 * code lives, whether a proof key is checked, and the words of a refusal.
 */
import {
  basicCredentials,
  bodyCredentials,
  type Call,
  type Credentials,
  formParameters,
  multipartParameters,
  oauthError,
  type Reply,
} from './call.ts';

export type Parameters = ReadonlyMap<string, string>;

export interface ConsentRules {
  readonly provider: string;
  readonly title: string;
  /** The environment a consent page's host stands for; undefined where it is not this provider's. */
  environmentOf(host: string): string | undefined;
  readonly path: string;
  readonly tokenPath: string;
  readonly userinfoPath?: string;
  readonly codeLifeMs: number;
  /** Whether a challenge is taken and checked; elsewhere it is a parameter nobody looks at. */
  readonly pkce: boolean;
  readonly names: { readonly clientId: string; readonly redirectUri: string };
  /** Whether the exchange must repeat the redirect_uri (RFC 6749, 4.1.3). */
  readonly repeatsRedirectUri: boolean;
  readonly needsScope: boolean;
  /** An error of the consent page as the callback names it. */
  errorName(error: string): string;
  /** What the callback says besides code and state. */
  callback(place: string): Readonly<Record<string, string>>;
  parameters(call: Call): Parameters | undefined;
  credentials(call: Call, parameters: Parameters): Credentials | undefined;
  readonly refusals: {
    client(why: 'unknown' | 'wrong'): Reply;
    code(why: 'dead' | 'other'): Reply;
    place(): Reply;
  };
  readonly accessTokenLifeSeconds: number;
  /** Members of a success besides tokens, type and life. */
  more(scope: string, place: string): Readonly<Record<string, unknown>>;
}

const minuteMs = 60_000;

/** A server that does everything as RFC 6749 and 7636 say; the others are told by what they do otherwise. */
const standard: ConsentRules = {
  provider: 'oauth2',
  title: 'OAuth 2.0 server',
  environmentOf: (host) => (host === 'authorization-server.invalid' ? 'production' : undefined),
  path: '/oauth/authorize',
  tokenPath: '/oauth/token',
  userinfoPath: '/oauth/userinfo',
  codeLifeMs: 10 * minuteMs,
  pkce: true,
  names: { clientId: 'client_id', redirectUri: 'redirect_uri' },
  repeatsRedirectUri: true,
  needsScope: false,
  errorName: (error) => error,
  callback: () => ({}),
  parameters: formParameters,
  credentials(call, parameters) {
    const [basic, body] = [basicCredentials(call), bodyCredentials(parameters)];
    return basic !== undefined && body !== undefined ? undefined : (basic ?? body);
  },
  refusals: {
    client: () => ({ ...oauthError(401, 'invalid_client'), headers: { 'www-authenticate': 'Basic realm="token"' } }),
    code: () => oauthError(400, 'invalid_grant'),
    place: () => oauthError(400, 'invalid_grant'),
  },
  accessTokenLifeSeconds: 3_600,
  more: (scope) => ({ scope }),
};

const docusignPages: ReadonlyMap<string, string> = new Map([
  ['account.docusign.com', 'production'],
  ['account-d.docusign.com', 'demo'],
]);

const docusign: ConsentRules = {
  ...standard,
  provider: 'docusign',
  title: 'DocuSign eSignature',
  environmentOf: (host) => docusignPages.get(host),
  path: '/oauth/auth',
  codeLifeMs: 2 * minuteMs,
  credentials: (call, parameters) => (parameters.has('client_secret') ? undefined : basicCredentials(call)),
  refusals: {
    // A wrong secret key and a dead code have been seen with the same words.
    client: (why) => oauthError(400, 'invalid_grant', why === 'wrong' ? 'expired_client_token' : 'unauthorized_client'),
    code: (why) => oauthError(400, 'invalid_grant', why === 'dead' ? 'expired_client_token' : undefined),
    place: () => oauthError(400, 'invalid_grant'),
  },
  accessTokenLifeSeconds: 28_800,
  // `extended` is asked for and never reported.
  more: (scope) => ({ scope: scope.replace(/ ?\bextended\b/, '') }),
};

const inBody: Pick<ConsentRules, 'userinfoPath' | 'pkce' | 'credentials'> = {
  pkce: false,
  credentials: (_call, parameters) => bodyCredentials(parameters),
};

const { userinfoPath: _, ...withoutUserinfo } = standard;

const adobe: ConsentRules = {
  ...withoutUserinfo,
  ...inBody,
  provider: 'adobe-acrobat-sign',
  title: 'Adobe Acrobat Sign',
  environmentOf: (host) =>
    /^secure\.(?:[a-z]{2}\d{1,2}\.)?(?:adobesign|echosign)\.com$/.test(host) ? 'production' : undefined,
  path: '/public/oauth/v2',
  tokenPath: '/oauth/v2/token',
  codeLifeMs: 5 * minuteMs,
  needsScope: true,
  errorName: (error) => error.toUpperCase(),
  callback: accessPoints,
  // The documentation insists: in the body, not in the query.
  parameters: (call) => (call.query.size > 0 ? undefined : formParameters(call)),
  refusals: {
    client: () => oauthError(401, 'invalid_client', 'Client authentication failed.'),
    code: () => oauthError(400, 'invalid_grant'),
    place: () => ({
      status: 401,
      body: {
        code: 'INVALID_API_ACCESS_POINT',
        message: 'Request must be made to the API access point of the account.',
      },
    }),
  },
  more: (_scope, place) => accessPoints(place),
};

function accessPoints(place: string): Readonly<Record<string, string>> {
  const at = (part: string) => `https://${part}.${place}.adobesign.com/`;
  return { api_access_point: at('api'), web_access_point: at('secure') };
}

const govBase = '/api/gateway/adobesignauthservice/api/v1';

const adobeGov: ConsentRules = {
  ...withoutUserinfo,
  ...inBody,
  provider: 'adobe-acrobat-sign-gov',
  title: 'Adobe Acrobat Sign for Government',
  environmentOf: (host) => (host === 'secure.na1.adobesign.us' ? 'production' : undefined),
  path: `${govBase}/authorize`,
  tokenPath: `${govBase}/token`,
  codeLifeMs: 5 * minuteMs,
  needsScope: true,
  refusals: {
    client: () => oauthError(400, 'invalid_client', 'The client credentials are invalid or expired.'),
    code: govCode,
    place: govCode,
  },
  accessTokenLifeSeconds: 300,
};

function govCode(): Reply {
  const description = 'The code or refresh_token or redirect_uri in combination with grant_type is invalid.';
  return oauthError(400, 'invalid_grant', description);
}

const esignglobalPages: ReadonlyMap<string, string> = new Map([
  ['account.esignglobal.com', 'production'],
  ['account-sml.esignglobal.com', 'sandbox'],
]);

const esignglobal: ConsentRules = {
  ...withoutUserinfo,
  ...inBody,
  provider: 'esignglobal',
  title: 'eSignGlobal',
  environmentOf: (host) => esignglobalPages.get(host),
  path: '/oauth',
  tokenPath: '/esignglobal/v1/oauth2/accessToken',
  names: { clientId: 'clientId', redirectUri: 'redirectUri' },
  repeatsRedirectUri: false,
  needsScope: true,
  parameters: multipartParameters,
  refusals: { ...standard.refusals, client: () => oauthError(401, 'invalid_client') },
  accessTokenLifeSeconds: 86_398,
};

export const consentRules: readonly ConsentRules[] = [docusign, adobe, adobeGov, esignglobal, standard];
