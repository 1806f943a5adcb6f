/**
 * eSignGlobal: multipart only, a host per data centre, a refresh token of 30 days that each refresh replaces, and 365 days
 * from consent after which nothing helps. Its error bodies are not published: refusals of token and client follow RFC 6749
 * here, requests that cannot be read are answered as its business APIs do it, with 200 and a code.
 */
import { type Behaviour, days, plainThrottle, type World } from './behaviour.ts';
import { bodyCredentials, multipartParameters, oauthError, page, type Reply } from './call.ts';

const hostPattern = /^openapi-(sml|as1|as2|eu1)\.esignglobal\.com$/;

export const esignglobal: Behaviour = {
  provider: 'esignglobal',
  shape: 'jwt',
  home: { environment: 'production', name: 'as1' },
  placeOf(host) {
    const name = hostPattern.exec(host)?.[1];
    if (name === undefined) return undefined;
    return { environment: name === 'sml' ? 'sandbox' : 'production', name };
  },
  rulesFor: () => ({
    idleMs: days(30),
    absoluteMs: days(365),
    rotates: true,
    graceMs: 0,
    reuse: 'reject',
    accessTokenLifeMs: days(1),
  }),
  extras: (place) => (place === 'sml' ? {} : { dataCenter: place }),
  shownBy(call) {
    const parameters = multipartParameters(call);
    const refreshToken = parameters?.get('refresh_token');
    const client = parameters?.get('client_id');
    return { ...(refreshToken === undefined ? {} : { refreshToken }), ...(client === undefined ? {} : { client }) };
  },
  answer(call, world) {
    if (call.path !== '/esignglobal/v1/oauth2/accessToken') return page(404, 'Not Found');
    if (call.method !== 'POST') return page(405, 'Method Not Allowed');
    const parameters = multipartParameters(call);
    const credentials = parameters && bodyCredentials(parameters);
    // Parameters in a form, in JSON or in the query are not processed, as if they were not there.
    if (parameters === undefined || credentials === undefined) return businessError('client_id is required');
    if (world.client(credentials) !== 'accepted') return oauthError(401, 'invalid_client');
    switch (parameters.get('grant_type')) {
      case 'client_credentials':
        return clientCredentials(world);
      case 'refresh_token':
        return refresh(parameters, credentials.clientId, call.place.name, world);
      default:
        return oauthError(400, 'unsupported_grant_type');
    }
  },
  throttled: plainThrottle,
};

function businessError(message: string): Reply {
  return { status: 200, body: { code: 1_400_001, message, data: null } };
}

/** Nobody's consent: an access token and nothing to keep alive. */
function clientCredentials(world: World): Reply {
  const tokens = { access_token: world.ledger.looseAccessToken('jwt') };
  return { status: 200, body: { ...tokens, expires_in: 86_398, scope: 'read-write', token_type: 'bearer' } };
}

function refresh(parameters: ReadonlyMap<string, string>, clientId: string, place: string, world: World): Reply {
  const token = parameters.get('refresh_token');
  if (!token) return businessError('refresh_token is required');
  const { presentation } = world;
  const mine =
    presentation !== undefined && presentation.grant.clientId === clientId && presentation.grant.place === place;
  const used = mine ? world.ledger.use(token, presentation) : undefined;
  if (!mine || used?.ok !== true)
    return oauthError(400, 'invalid_grant', 'The refresh token is invalid or has expired.');
  const tokens = { access_token: used.accessToken, refresh_token: used.refreshToken };
  return {
    status: 200,
    body: { ...tokens, expires_in: 86_398, scope: presentation.grant.scope, token_type: 'bearer' },
  };
}
