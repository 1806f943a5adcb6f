/**
 * Adobe Acrobat Sign: one host per shard, a refresh token that stays and only starts its 60 days anew, the credentials in
 * the body, its own throttling bodies, and revocation with three error codes. What the documentation leaves open about
 * refusals is answered with the codes its other endpoints use.
 */
import { type Behaviour, days, type World } from './behaviour.ts';
import { bodyCredentials, type Call, formParameters, oauthError, page, type Reply } from './call.ts';

const hostPattern = /^(?:api|secure)\.(?:([a-z]{2}\d{1,2})\.)?adobesign\.com$/;

export const adobe: Behaviour = {
  provider: 'adobe-acrobat-sign',
  shape: 'starred',
  home: { environment: 'production', name: 'na1' },
  placeOf(host) {
    const match = hostPattern.exec(host);
    return match === null ? undefined : { environment: 'production', name: match[1] ?? '' };
  },
  rulesFor: () => ({ idleMs: days(60), rotates: false, graceMs: 0, reuse: 'reject', accessTokenLifeMs: 3_600_000 }),
  extras: (place) => ({ apiAccessPoint: `https://api.${place}.adobesign.com/` }),
  shownBy(call) {
    const parameters = call.path === '/oauth/v2/refresh' ? formParameters(call) : undefined;
    const refreshToken = parameters?.get('refresh_token');
    const client = parameters?.get('client_id');
    return { ...(refreshToken === undefined ? {} : { refreshToken }), ...(client === undefined ? {} : { client }) };
  },
  answer(call, world) {
    switch (`${call.method} ${call.path}`) {
      case 'POST /oauth/v2/refresh':
        return refresh(call, world);
      case 'POST /oauth/v2/revoke':
        return revoke(call, world);
      case 'GET /api/rest/v6/baseUris':
        return baseUris(call, world);
      default:
        return page(404, 'Not Found');
    }
  },
  throttled(retryAfterMs) {
    const retryAfter = Math.ceil(retryAfterMs / 1_000);
    const message = 'Too many requests have been made (apiActionId=oauthRefresh).';
    return {
      status: 429,
      headers: { 'retry-after': String(retryAfter) },
      body: { code: 'THROTTLING_TOO_MANY_REQUESTS', message, retryAfter },
    };
  },
};

function refresh(call: Call, world: World): Reply {
  const parameters = formParameters(call);
  const credentials = parameters && bodyCredentials(parameters);
  const token = parameters?.get('refresh_token');
  // The documentation insists: in the body, not in the query.
  if (call.query.size > 0 || credentials === undefined || !token)
    return oauthError(400, 'invalid_request', 'A required parameter is missing.');
  if (parameters?.get('grant_type') !== 'refresh_token') return oauthError(400, 'unsupported_grant_type');
  if (world.client(credentials) !== 'accepted')
    return oauthError(401, 'invalid_client', 'Client authentication failed.');
  const { presentation } = world;
  if (presentation === undefined)
    return { status: 400, body: { code: 'INVALID_TOKEN', message: 'The token is not valid.' } };
  if (presentation.grant.place !== call.place.name) return wrongShard();
  if (presentation.grant.clientId !== credentials.clientId) return oauthError(400, 'invalid_grant');
  const used = world.ledger.use(token, presentation);
  if (!used.ok)
    return used.why === 'expired_idle'
      ? oauthError(400, 'invalid_request', 'The refresh token has expired.')
      : oauthError(400, 'invalid_grant');
  return { status: 200, body: { access_token: used.accessToken, token_type: 'Bearer', expires_in: 3_600 } };
}

function wrongShard(): Reply {
  const message = 'Request must be made to the API access point of the account.';
  return { status: 401, body: { code: 'INVALID_API_ACCESS_POINT', message } };
}

function revoke(call: Call, world: World): Reply {
  const refused = (code: string, message: string) => ({ status: 400, body: { code, message } });
  const token = formParameters(call)?.get('token');
  if (!token) return refused('INVALID_REQUEST', 'Empty or missing token');
  const grant = world.ledger.find(token)?.grant ?? world.ledger.grantOfAccessToken(token);
  if (grant === undefined || grant.provider !== 'adobe-acrobat-sign') {
    return refused('INVALID_TOKEN', 'This is not a valid OAuth access or refresh token');
  }
  if (grant.place !== call.place.name) return wrongShard();
  if (world.ledger.deathOf(grant, world.now) !== undefined)
    return refused('EXPIRED_TOKEN', 'The token is expired or already revoked');
  world.ledger.end(grant, 'revoked');
  return { status: 200 };
}

/** Any shard tells where an account lives. */
function baseUris(call: Call, world: World): Reply {
  const token = /^Bearer (\S+)$/.exec(String(call.headers.authorization ?? ''))?.[1] ?? '';
  const grant = world.ledger.grantOfAccessToken(token);
  if (grant === undefined)
    return {
      status: 401,
      body: { code: 'INVALID_ACCESS_TOKEN', message: 'Access token provided is invalid or has expired' },
    };
  const at = (part: string) => `https://${part}.${grant.place}.adobesign.com/`;
  return { status: 200, body: { apiAccessPoint: at('api'), webAccessPoint: at('secure') } };
}
