/**
 * Single sign-on for the operator's pages: OpenID Connect with code, PKCE, state and nonce, by openid-client. Who the
 * provider vouches for is let in only where a claim of theirs is on the list; nothing of the provider's is kept but that.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import * as openid from 'openid-client';
import type { Clock } from '../runtime/clock.ts';
import { errorLabel } from '../runtime/errors.ts';
import type { Random } from '../runtime/random.ts';
import type { Secret } from '../runtime/secret.ts';
import { pathWithin } from './login.ts';
import { leadTo } from './login-routes.ts';
import { loginPage, oidcPath } from './login-view.ts';
import type { Route, WebAnswer, WebRequest } from './ports.ts';
import { htmlAnswer } from './status-routes.ts';

export interface OidcOptions {
  readonly issuer: URL;
  readonly clientId: string;
  readonly clientSecret: Secret;
  /** Address of these pages as browsers see it; `<url>/login/oidc/callback` is registered at the provider. */
  readonly url: string;
  /** Name of the claim that is looked at, and its values that are let in. */
  readonly claim: string;
  readonly allowed: readonly string[];
  readonly environment: string;
  readonly clock: Pick<Clock, 'now'>;
  readonly random: Pick<Random, 'bytes'>;
  /** Signs what a browser keeps on its way; the same in every pod. Absent: made at start. */
  readonly key?: Secret;
  /** The Set-Cookie of a session. */
  readonly session: () => string;
  /** Told why somebody was not let in: a stable word, never what was sent. */
  readonly onRefused: (why: string) => void;
}

const callbackPath = `${oidcPath}/callback`;
const onTheWayMs = 600_000;
const cookieName = 'pilotlight-oidc';

interface OnTheWay {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  readonly next: string;
  readonly until: number;
}

/** The way there and the way back. Answers 503 while the provider cannot be asked. */
export function oidcRoutes(options: OidcOptions): readonly Route[] {
  const key = options.key?.reveal() ?? options.random.bytes(32);
  const secure = options.url.startsWith('https:') ? '; Secure' : '';
  const redirectUri = `${options.url.replace(/\/+$/, '')}${callbackPath}`;
  const cookie = (value: string, seconds: number) =>
    `${cookieName}=${value}; Max-Age=${seconds}; Path=${oidcPath}; HttpOnly; SameSite=Lax${secure}`;
  let discovered: Promise<openid.Configuration> | undefined;

  /** Asked once; a failure is asked again by the next browser. */
  function discover(): Promise<openid.Configuration> {
    const insecure = options.issuer.protocol === 'http:';
    discovered ??= openid
      .discovery(options.issuer, options.clientId, options.clientSecret.reveal(), undefined, {
        ...(insecure ? { execute: [openid.allowInsecureRequests] } : {}),
        timeout: 8,
      })
      .catch((error: unknown) => {
        discovered = undefined;
        throw error;
      });
    return discovered;
  }

  async function leave({ query }: WebRequest): Promise<WebAnswer> {
    const word = () => options.random.bytes(32).toString('base64url');
    const way: OnTheWay = {
      state: word(),
      nonce: word(),
      verifier: word(),
      next: pathWithin(query.get('next')),
      until: options.clock.now() + onTheWayMs,
    };
    try {
      const page = openid.buildAuthorizationUrl(await discover(), {
        redirect_uri: redirectUri,
        scope: 'openid email profile',
        state: way.state,
        nonce: way.nonce,
        code_challenge: await openid.calculatePKCECodeChallenge(way.verifier),
        code_challenge_method: 'S256',
      });
      return leadTo(page.href, { 'set-cookie': cookie(sealed(way, key), onTheWayMs / 1_000) });
    } catch (error) {
      return turnAway(
        503,
        `provider ${errorLabel(error)}`,
        'The sign-in service does not answer. Try again, or use the token.',
      );
    }
  }

  async function comeBack({ query, cookies }: WebRequest): Promise<WebAnswer> {
    const way = opened(cookies, key);
    if (way === undefined || way.until <= options.clock.now())
      return turnAway(400, 'expired', 'That sign-in took too long, or began in another browser. Begin again.');
    try {
      const back = new URL(`${redirectUri}?${query}`);
      const tokens = await openid.authorizationCodeGrant(await discover(), back, {
        pkceCodeVerifier: way.verifier,
        expectedState: way.state,
        expectedNonce: way.nonce,
        idTokenExpected: true,
      });
      if (!isAllowed(tokens.claims() ?? {}, options))
        return turnAway(
          403,
          'not_allowed',
          'You are signed in there, but not on the list of those who may see these pages.',
        );
      return leadTo(way.next, { 'set-cookie': options.session() });
    } catch (error) {
      return turnAway(403, `answer ${errorLabel(error)}`, 'The sign-in service did not let you in. Begin again.');
    }
  }

  function turnAway(status: number, why: string, turnedAway: string): WebAnswer {
    options.onRefused(why);
    return htmlAnswer(status, loginPage({ environment: options.environment, turnedAway }));
  }

  return [
    { path: oidcPath, handle: leave },
    { path: callbackPath, handle: comeBack },
  ];
}

function isAllowed(claims: Readonly<Record<string, unknown>>, { claim, allowed }: OidcOptions): boolean {
  // An address nobody has proven to be theirs is anybody's.
  if (claim === 'email' && claims.email_verified === false) return false;
  const value = claims[claim];
  const values = Array.isArray(value) ? value : [value];
  return values.some((one) => typeof one === 'string' && allowed.includes(one));
}

function sealed(way: OnTheWay, key: string | Buffer): string {
  const payload = Buffer.from(JSON.stringify(way)).toString('base64url');
  return `${payload}.${mac(payload, key).toString('base64url')}`;
}

function opened(header: string | undefined, key: string | Buffer): OnTheWay | undefined {
  const pair = (header ?? '').split(';').find((one) => one.trim().startsWith(`${cookieName}=`));
  const [payload = '', signature = ''] = (pair?.trim().slice(cookieName.length + 1) ?? '').split('.');
  const given = Buffer.from(signature, 'base64url');
  const wanted = mac(payload, key);
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return undefined;
  return JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as OnTheWay;
}

function mac(text: string, key: string | Buffer): Buffer {
  return createHmac('sha256', key).update(`oidc\n${text}`).digest();
}
