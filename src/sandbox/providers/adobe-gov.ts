/**
 * Adobe Acrobat Sign for Government: its own host and paths, a refresh token only with offline_access, 30 days without use,
 * and the documented table of errors.
 */
import { type Behaviour, days, plainThrottle, type World } from './behaviour.ts';
import { bodyCredentials, formParameters, oauthError, page, type Reply } from './call.ts';

const base = '/api/gateway/adobesignauthservice/api/v1';

export const adobeGov: Behaviour = {
  provider: 'adobe-acrobat-sign-gov',
  shape: 'plain',
  home: { environment: 'production', name: '' },
  placeOf: (host) => (host === 'secure.na1.adobesign.us' ? { environment: 'production', name: '' } : undefined),
  rulesFor(scope) {
    if (!scope.split(' ').includes('offline_access'))
      throw new Error('without offline_access there is no refresh token');
    return { idleMs: days(30), rotates: false, graceMs: 0, reuse: 'reject', accessTokenLifeMs: 300_000 };
  },
  extras: () => ({}),
  shownBy(call) {
    const parameters = call.path === `${base}/token` ? formParameters(call) : undefined;
    const refreshToken = parameters?.get('refresh_token');
    const client = parameters?.get('client_id');
    return { ...(refreshToken === undefined ? {} : { refreshToken }), ...(client === undefined ? {} : { client }) };
  },
  answer(call, world) {
    if (call.method !== 'POST') return page(405, 'Method Not Allowed');
    const parameters = formParameters(call) ?? new Map<string, string>();
    switch (call.path) {
      case `${base}/token`:
        return refresh(parameters, world);
      case `${base}/validate_token`:
        return authenticated(parameters, world, () => validate(parameters, world));
      case `${base}/invalidate_token`:
        return authenticated(parameters, world, () => invalidate(parameters, world));
      default:
        return page(404, 'Not Found');
    }
  },
  throttled: plainThrottle,
};

function missing(name: string): Reply {
  return oauthError(400, 'invalid_request', `${name} is missing or empty or invalid.`);
}

function authenticated(parameters: ReadonlyMap<string, string>, world: World, then: () => Reply): Reply {
  const credentials = bodyCredentials(parameters);
  if (credentials === undefined) return missing(parameters.has('client_id') ? 'client_secret' : 'client_id');
  if (world.client(credentials) === 'accepted') return then();
  return oauthError(400, 'invalid_client', 'The client credentials are invalid or expired.');
}

function refresh(parameters: ReadonlyMap<string, string>, world: World): Reply {
  const grantType = parameters.get('grant_type');
  if (!grantType) return missing('grant_type');
  if (grantType !== 'refresh_token') {
    return oauthError(
      400,
      'unsupported_grant_type',
      "The grant_type isn't authorization_code, refresh_token or token_exchange.",
    );
  }
  const token = parameters.get('refresh_token');
  if (!token) return missing('refresh_token');
  return authenticated(parameters, world, () => {
    const { presentation } = world;
    const mine = presentation !== undefined && presentation.grant.clientId === parameters.get('client_id');
    const used = mine ? world.ledger.use(token, presentation) : undefined;
    if (!mine || used?.ok !== true) {
      return oauthError(
        400,
        'invalid_grant',
        'The code or refresh_token or redirect_uri in combination with grant_type is invalid.',
      );
    }
    const { scope } = presentation.grant;
    const tokens = { access_token: used.accessToken, refresh_token: used.refreshToken };
    return { status: 200, body: { ...tokens, token_type: 'Bearer', expires_in: 300, scope } };
  });
}

/** Looks without touching: the only provider of the five that can be asked whether a token lives. */
function validate(parameters: ReadonlyMap<string, string>, world: World): Reply {
  const token = parameters.get('token');
  if (!token || !parameters.get('type')) return missing(token ? 'type' : 'token');
  const found = world.ledger.find(token);
  const valid = found !== undefined && world.ledger.deathOf(found.grant, world.now) === undefined;
  return { status: 200, body: { valid } };
}

/** 200 whatever happened: "accepted", not "done". */
function invalidate(parameters: ReadonlyMap<string, string>, world: World): Reply {
  const token = parameters.get('token');
  if (!token) return missing('token');
  if (!parameters.get('token_type')) return missing('token_type');
  const found = world.ledger.find(token);
  if (found?.grant.provider === 'adobe-acrobat-sign-gov') world.ledger.end(found.grant, 'revoked');
  return { status: 200 };
}
