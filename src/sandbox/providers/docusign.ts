/**
 * DocuSign's authorization server: a new refresh token with every refresh, the old one gone; a life of 30 days that only
 * consent with `extended` renews; and answers that call a wrong secret key an invalid grant.
 */
import { type Behaviour, days } from './behaviour.ts';
import { basicCredentials, type Call, formParameters, oauthError, page, type Reply } from './call.ts';

const environments: Readonly<Record<string, string>> = {
  'account.docusign.com': 'production',
  'account-d.docusign.com': 'demo',
};

export const docusign: Behaviour = {
  provider: 'docusign',
  shape: 'jwt',
  home: { environment: 'production', name: '' },
  placeOf(host) {
    const environment = environments[host];
    return environment === undefined ? undefined : { environment, name: '' };
  },
  rulesFor(scope) {
    const life = scope.split(' ').includes('extended') ? { idleMs: days(30) } : { absoluteMs: days(30) };
    return { ...life, rotates: true, graceMs: 0, reuse: 'reject', accessTokenLifeMs: 28_800_000 };
  },
  extras: () => ({}),
  shownBy(call) {
    const refreshToken = formParameters(call)?.get('refresh_token');
    const client = basicCredentials(call)?.clientId;
    return { ...(refreshToken === undefined ? {} : { refreshToken }), ...(client === undefined ? {} : { client }) };
  },
  answer(call, world) {
    if (call.path !== '/oauth/token') return page(404, 'Not Found');
    if (call.method !== 'POST') return page(405, 'Method Not Allowed');
    const refused = refuse(call, world.client);
    if (refused !== undefined) return refused;
    const token = formParameters(call)?.get('refresh_token') ?? '';
    const { presentation } = world;
    const foreign = presentation === undefined || presentation.grant.clientId !== basicCredentials(call)?.clientId;
    if (foreign || presentation.grant.environment !== call.place.environment) return oauthError(400, 'invalid_grant');
    const used = world.ledger.use(token, presentation);
    // Dead, replaced or never issued: no description tells them apart.
    if (!used.ok) return oauthError(400, 'invalid_grant');
    return {
      status: 200,
      body: {
        access_token: used.accessToken,
        token_type: 'Bearer',
        refresh_token: used.refreshToken,
        expires_in: 28_800,
        // `extended` is asked for and never reported.
        scope: presentation.grant.scope.replace(/ ?\bextended\b/, ''),
      },
    };
  },
  throttled: (retryAfterMs) => ({
    status: 429,
    headers: { 'retry-after': String(Math.ceil(retryAfterMs / 1_000)), 'x-ratelimit-remaining': '0' },
    body: {
      errorCode: 'HOURLY_APIINVOCATION_LIMIT_EXCEEDED',
      message: 'The maximum number of hourly API invocations has been exceeded. The hourly limit is 3000.',
    },
  }),
};

function refuse(
  call: Call,
  client: (credentials: { clientId: string; clientSecret: string }) => string,
): Reply | undefined {
  const parameters = formParameters(call);
  // Seen with a misspelt content type: the parameters are simply not found.
  if (parameters === undefined) return oauthError(400, 'invalid_grant');
  const credentials = basicCredentials(call);
  if (credentials === undefined) return oauthError(400, 'invalid_grant', 'unauthorized_client');
  switch (client(credentials)) {
    case 'unknown':
      return oauthError(400, 'invalid_grant', 'unauthorized_client');
    case 'wrong':
      return oauthError(400, 'invalid_grant', 'expired_client_token');
  }
  // Credentials in both places have been reported as a cause of invalid_grant.
  if (parameters.has('client_secret')) return oauthError(400, 'invalid_grant');
  if (parameters.has('scope') || !parameters.get('refresh_token')) return oauthError(400, 'invalid_request');
  if (parameters.get('grant_type') !== 'refresh_token') return oauthError(400, 'unsupported_grant_type');
  return undefined;
}
