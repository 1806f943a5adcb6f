/** The page that asks for the token, and the guard that sends people there. A form that posts; no script. */
import { spanInWords } from '../connection/time-words.ts';
import { html } from './html.ts';
import { type Entered, pathWithin } from './login.ts';
import { pageOf } from './page.ts';
import type { Route, WebRequest } from './ports.ts';
import { json } from './probes.ts';

export const loginPath = '/login';
/** Single sign-on, where it is offered. */
export const oidcPath = '/login/oidc';

export interface LoginPage {
  readonly environment: string;
  /** Where the form leads back to; checked again when it comes back. */
  readonly next?: string | null;
  /** What the last try came to. */
  readonly refused?: Extract<Entered, { kind: 'refused' }>;
  /** Another door: where it is, and what it is called. */
  readonly door?: { readonly path: string; readonly name: string };
  /** What another door refused. */
  readonly turnedAway?: string;
  /** Further fields of the form, as the server's check of forms wants them. */
  readonly hidden?: Readonly<Record<string, string>>;
}

/** The form posts `token` and `next` to /login. What was typed is never shown again. `user` is for password managers only. */
export function loginPage({ environment, next, refused, door, turnedAway, hidden = {} }: LoginPage): string {
  const problem =
    refused !== undefined &&
    html`<p class="notice" id="problem" role="alert">${
      refused.why === 'wrong'
        ? 'That is not the token.'
        : `Too many wrong tries. Try again in ${spanInWords(Math.max(1_000, refused.retryAfterMs))}.`
    }</p>`;
  const fields = Object.entries({ ...hidden, next: pathWithin(next) });
  return pageOf(
    { title: 'Sign in · Pilotlight', environment, refresh: false, heading: html`Sign in` },
    html`${problem}${turnedAway !== undefined && html`<p class="notice" role="alert">${turnedAway}</p>`}${door !== undefined && html`<p><a href="${door.path}?${String(new URLSearchParams({ next: pathWithin(next) }))}">Sign in with ${door.name}</a></p>`}<form class="login" method="post" action="${loginPath}">
${fields.map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)}
<input type="text" name="user" value="operator" autocomplete="username" hidden>
<label>Access token<input type="password" name="token" required maxlength="1024" autocomplete="current-password" spellcheck="false" autocapitalize="none"${refused !== undefined && html` aria-invalid="true" aria-describedby="problem"`}></label>
<button type="submit">Sign in</button></form>
<p class="small">The token is the one configured for these pages. Nothing can be changed here, and no token of a connection is shown.</p>`,
  );
}

/** What anybody may have before signing in: it tells nothing of the install. */
const open = ['/style.css', '/favicon.svg'];

/**
 * The same routes behind a check. Who does not pass is sent to sign in and comes back to what was asked for; what is read by
 * programs (`.json`) is refused instead. `allows` is usually `(request) => login.check(<its Cookie header>)`.
 */
export function guardRoutes(routes: readonly Route[], allows: (request: WebRequest) => boolean): readonly Route[] {
  return routes.map((route) => {
    if (open.includes(route.path)) return route;
    return {
      ...route,
      handle(request) {
        if (allows(request)) return route.handle(request);
        if (request.path.endsWith('.json')) return json(401, { error: 'not_signed_in' });
        const text = request.query.toString();
        const next = pathWithin(text === '' ? request.path : `${request.path}?${text}`);
        const location = `${loginPath}?${new URLSearchParams({ next })}`;
        return {
          status: 303,
          contentType: 'text/plain; charset=utf-8',
          body: 'Sign in first.\n',
          headers: { location },
        };
      },
    };
  });
}
