/** The pages of one process: the operator's, behind a login or on loopback, and the customer's where re-consent is offered. */
import { readFile } from 'node:fs/promises';
import { heldSecret } from './alert-channels.ts';
import type { AlertParts } from './alert-parts.ts';
import { operatorReader } from './operator-reader.ts';
import type { Reconsent } from './reconsent/reconsent.ts';
import { Secret } from './runtime/secret.ts';
import type { Services } from './services.ts';
import { isLoopback } from './web/host.ts';
import { createLogin, type Login } from './web/login.ts';
import { loginRoutes } from './web/login-routes.ts';
import { guardRoutes, oidcPath } from './web/login-view.ts';
import { operatorRoutes } from './web/operator-routes.ts';
import type { Route, StatusReader } from './web/ports.ts';
import { reconsentRoutes } from './web/reconsent-routes.ts';

/** Throws config_invalid where the login's token is not where it is said to be, or too short. */
export async function webRoutes(
  services: Services,
  alerts: AlertParts,
  status: StatusReader,
  reconsent: Reconsent | undefined,
): Promise<readonly Route[]> {
  const { config } = services;
  const { publicUrl, name, support, writeLimit } = config.reconsent;
  const customer =
    reconsent === undefined || publicUrl === undefined
      ? []
      : reconsentRoutes({
          reconsent,
          publicUrl,
          ...(name === undefined ? {} : { name }),
          ...(support === undefined ? {} : { support }),
          callbackMsMax: writeLimit + exchangeMsMax,
        });
  return [...(await operatorPages(services, alerts, status)), ...customer];
}

/** Connecting, the exchange and the question whose account it is. */
const exchangeMsMax = 60_000;

async function operatorPages(services: Services, alerts: AlertParts, status: StatusReader): Promise<readonly Route[]> {
  const { config, deps } = services;
  const { log, clock } = deps;
  const login = await openLogin(services);
  if (login === undefined && !config.web.statusPage) return [];
  const pages = operatorRoutes({
    reader: operatorReader(services, alerts),
    status,
    environment: config.environment,
    clock,
    onFailure: (label) => log.warn('web.page_unreadable', { error: label }),
    signedIn: login !== undefined,
  });
  if (login === undefined) return pages;
  const sso = config.web.login?.oidc;
  const doors = sso === undefined ? [] : await ssoRoutes(services, sso, login);
  return [
    ...doors,
    ...guardRoutes(pages, ({ cookies }) => login.check(cookies)),
    ...loginRoutes({
      login,
      environment: config.environment,
      onRefused: (why) => log.warn('web.sign_in_refused', { why }),
      ...(sso === undefined ? {} : { door: { path: oidcPath, name: sso.name } }),
    }),
  ];
}

type Sso = NonNullable<NonNullable<Services['config']['web']['login']>['oidc']>;

async function ssoRoutes({ config, deps }: Services, sso: Sso, login: Login): Promise<readonly Route[]> {
  const { clientSecretEnv: variable, clientSecretFile: file } = sso;
  const keyFile = config.web.login?.keyFile;
  // Loaded where it is used: few have it, and everybody would pay for it with memory and a slower start.
  const { oidcRoutes } = await import('./web/oidc.ts');
  return oidcRoutes({
    ...sso,
    issuer: new URL(sso.issuer),
    clientSecret: await heldSecret('web.login.oidc.clientSecret', { variable, file }, deps.machine.env),
    environment: config.environment,
    clock: deps.clock,
    random: deps.random,
    ...(keyFile === undefined ? {} : { key: new Secret(await readFile(keyFile, 'utf8')) }),
    session: () => login.session(),
    onRefused: (why) => deps.log.warn('web.sign_in_refused', { why }),
  });
}

async function openLogin({ config, deps }: Services): Promise<Login | undefined> {
  const { web } = config;
  if (web.login === undefined) return undefined;
  const { tokenEnv, tokenFile, keyFile, session } = web.login;
  return createLogin({
    token: await heldSecret('web.login.token', { variable: tokenEnv, file: tokenFile }, deps.machine.env),
    clock: deps.clock,
    random: deps.random,
    ...(keyFile === undefined ? {} : { key: new Secret(await readFile(keyFile, 'utf8')) }),
    sessionMs: session,
    secure: !isLoopback(web.host),
  });
}
