/**
 * A server that follows RFC 6749, 7009 and 9700 to the letter: rotation, and revocation of the whole family when a
 * replaced token is shown again. The strictest peer of the five.
 */
import { type Behaviour, days, plainThrottle, type World } from './behaviour.ts';
import {
  basicCredentials,
  bodyCredentials,
  type Call,
  type Credentials,
  formParameters,
  oauthError,
  page,
  type Reply,
} from './call.ts';

export const oauth2: Behaviour = {
  provider: 'oauth2',
  shape: 'plain',
  home: { environment: 'production', name: '' },
  placeOf: (host) => (host === 'authorization-server.invalid' ? { environment: 'production', name: '' } : undefined),
  rulesFor: () => ({
    idleMs: days(30),
    rotates: true,
    graceMs: 0,
    reuse: 'revoke_family',
    accessTokenLifeMs: 3_600_000,
  }),
  extras: () => ({}),
  shownBy(call) {
    const refreshToken = call.path === '/oauth/token' ? formParameters(call)?.get('refresh_token') : undefined;
    const client = credentialsOf(call)?.clientId;
    return { ...(refreshToken === undefined ? {} : { refreshToken }), ...(client === undefined ? {} : { client }) };
  },
  answer(call, world) {
    if (call.method !== 'POST') return page(405, 'Method Not Allowed');
    const parameters = formParameters(call);
    if (parameters === undefined) return oauthError(400, 'invalid_request');
    const credentials = credentialsOf(call);
    if (credentials === undefined || world.client(credentials) !== 'accepted') {
      return { ...oauthError(401, 'invalid_client'), headers: { 'www-authenticate': 'Basic realm="token"' } };
    }
    if (call.path === '/oauth/token') return refresh(parameters, credentials, world);
    if (call.path === '/oauth/revoke') return revoke(parameters, credentials, world);
    return page(404, 'Not Found');
  },
  throttled: plainThrottle,
};

/** RFC 6749, 2.3: one way of authentication at a time. */
function credentialsOf(call: Call): Credentials | undefined {
  const basic = basicCredentials(call);
  const body = bodyCredentials(formParameters(call) ?? new Map());
  return basic !== undefined && body !== undefined ? undefined : (basic ?? body);
}

function refresh(parameters: ReadonlyMap<string, string>, credentials: Credentials, world: World): Reply {
  const token = parameters.get('refresh_token');
  if (parameters.get('grant_type') === undefined || !token) return oauthError(400, 'invalid_request');
  if (parameters.get('grant_type') !== 'refresh_token') return oauthError(400, 'unsupported_grant_type');
  const { presentation } = world;
  const mine = presentation !== undefined && presentation.grant.clientId === credentials.clientId;
  const used = mine ? world.ledger.use(token, presentation) : undefined;
  if (!mine || used?.ok !== true) return oauthError(400, 'invalid_grant');
  const tokens = { access_token: used.accessToken, refresh_token: used.refreshToken };
  return { status: 200, body: { ...tokens, token_type: 'Bearer', expires_in: 3_600, scope: presentation.grant.scope } };
}

/** RFC 7009, 2.2: 200 for a token that is unknown, too. */
function revoke(parameters: ReadonlyMap<string, string>, credentials: Credentials, world: World): Reply {
  const token = parameters.get('token');
  if (!token) return oauthError(400, 'invalid_request');
  const grant = world.ledger.find(token)?.grant ?? world.ledger.grantOfAccessToken(token);
  if (grant?.provider === 'oauth2' && grant.clientId === credentials.clientId) world.ledger.end(grant, 'revoked');
  return { status: 200 };
}
