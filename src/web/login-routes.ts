/** Signing in and out of the operator's pages: the form, what it is answered with, and the way back to what was asked for. */

import { type Login, pathWithin } from './login.ts';
import { type LoginPage, loginPage, loginPath } from './login-view.ts';
import { signOutPath } from './nav.ts';
import type { Route, WebAnswer, WebRequest } from './ports.ts';
import { htmlAnswer } from './status-routes.ts';

export interface LoginRoutesOptions {
  readonly login: Login;
  /** Name of the install, shown on the page. */
  readonly environment: string;
  /** Told of a wrong try and of one refused unread, never of what was typed. */
  readonly onRefused: (why: 'wrong' | 'tooMany' | 'foreign') => void;
  /** Single sign-on beside the token. */
  readonly door?: LoginPage['door'];
}

/** To be served beside guarded routes, and not guarded themselves. */
export function loginRoutes(options: LoginRoutesOptions): readonly Route[] {
  const { login, environment } = options;
  const door = options.door === undefined ? {} : { door: options.door };
  return [
    {
      path: loginPath,
      takesForm: true,
      handle(request) {
        if (request.method === 'POST') return enter(options, request);
        const next = request.query.get('next');
        // Who is signed in already came by an old link.
        if (login.check(request.cookies)) return leadTo(pathWithin(next));
        return htmlAnswer(200, loginPage({ environment, next, ...door }));
      },
    },
    {
      path: signOutPath,
      takesForm: true,
      handle: ({ method, fetchSite }) =>
        method === 'POST' && !isForeign(fetchSite) ? leadTo(loginPath, { 'set-cookie': login.leave() }) : leadTo('/'),
    },
  ];
}

function enter({ login, environment, onRefused }: LoginRoutesOptions, request: WebRequest): WebAnswer {
  const next = request.form?.get('next');
  // Another site cannot know the token, but could use up the tries of everybody.
  if (isForeign(request.fetchSite)) {
    onRefused('foreign');
    return htmlAnswer(403, loginPage({ environment, next }));
  }
  const entered = login.enter(request.form?.get('token') ?? '');
  if (entered.kind === 'entered') return leadTo(pathWithin(next), { 'set-cookie': entered.setCookie });
  onRefused(entered.why);
  const page = loginPage({ environment, next, refused: entered });
  if (entered.why === 'wrong') return htmlAnswer(403, page);
  return { ...htmlAnswer(429, page), headers: { 'retry-after': String(Math.ceil(entered.retryAfterMs / 1_000)) } };
}

/** Browsers say it over HTTPS and on loopback; over plain HTTP elsewhere nothing is known. */
function isForeign(fetchSite: string | undefined): boolean {
  return fetchSite !== undefined && fetchSite !== 'same-origin';
}

/** On to another page, as a GET. */
export function leadTo(location: string, headers: Readonly<Record<string, string>> = {}): WebAnswer {
  return { status: 303, contentType: 'text/plain; charset=utf-8', body: '', headers: { location, ...headers } };
}
