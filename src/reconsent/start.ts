/** From a link to the provider's consent page: what the link is about now, and what is kept when the button is pressed. */
import { createHash } from 'node:crypto';
import { ownerTag } from '../connection/flag.ts';
import { errorLabel } from '../runtime/errors.ts';
import { isOurForm, type SentForm } from './browser.ts';
import type { ConsentEnd } from './end.ts';
import { type ConsentLink, readLink } from './link.ts';
import { type ConsentSubject, type Ended, redirectUriOf, type Settled } from './options.ts';
import type { StartedConsent } from './ports.ts';
import { makeState, nonceBytes, stateLifeMs } from './state.ts';
import { hasConsentSince, placeOf, readTarget, type Target } from './target.ts';

export interface OpenLink {
  readonly kind: 'open';
  /** A connection is made, not brought back. */
  readonly isNew: boolean;
  readonly subject: ConsentSubject;
}

export interface BegunConsent {
  readonly kind: 'begun';
  /** The provider's consent page. Bears the state: never logged. */
  readonly to: URL;
}

/** What a consent is begun with. */
interface Opened extends OpenLink {
  readonly link: ConsentLink;
  readonly provider: string;
  readonly client: string;
  /** The connection as it is; undefined where it is to be made. */
  readonly target: Target | undefined;
}

/** 43 characters of S256's alphabet (RFC 7636 4.1). */
const verifierBytes = 32;

/** What a link is about now. Starts nothing. Never throws. */
export async function lookAt(token: string, options: Settled): Promise<Opened | Ended> {
  const read = readLink(token, options.keys, options.clock.now());
  if (read.kind !== 'valid') return ended(read.kind === 'forged' ? 'link_forged' : 'link_expired');
  const { link } = read;
  try {
    const found = await readTarget(options.nameOf(link.connection), options);
    return link.kind === 'connect' ? lookAtNew(link, found.kind, options) : lookAtOld(link, found);
  } catch (error) {
    options.log.warn('reconsent.unreadable', { connection: link.connection, error: errorLabel(error) });
    return ended('not_now');
  }
}

function lookAtOld(link: ConsentLink & { kind: 'reconsent' }, target: Awaited<ReturnType<typeof readTarget>>) {
  if (target.kind !== 'there') return ended(target.kind);
  const { provider, environment, tags, document } = target;
  const owner = tags[ownerTag];
  const subject: ConsentSubject = {
    connection: link.connection,
    provider: provider.title,
    environment,
    ...(owner === undefined ? {} : { owner }),
  };
  if (hasConsentSince(target, link.version, link.issuedAt)) return { ...ended('already_done'), subject };
  const { client } = document;
  return { kind: 'open', isNew: false, subject, link, provider: provider.name, client, target } as const;
}

function lookAtNew(
  link: ConsentLink & { kind: 'connect' },
  found: Awaited<ReturnType<typeof readTarget>>['kind'],
  { rules, store }: Settled,
) {
  const place = placeOf(link, rules);
  if (typeof place === 'string' || store.create === undefined) return ended('not_offered');
  const { provider, environment } = place;
  const { connection, client } = link;
  const subject: ConsentSubject = { connection, provider: provider.title, environment };
  if (found !== 'gone') return { ...ended('already_done'), subject };
  return { kind: 'open', isNew: true, subject, link, provider: provider.name, client, target: undefined } as const;
}

/** The button was pressed: keeps what the callback will need and gives the provider's page. Never throws. */
export async function begin(token: string, form: SentForm, options: Settled): Promise<BegunConsent | Ended> {
  const { audit, log, keys, publicUrl } = options;
  const opened = await lookAt(token, options);
  const about = opened.kind === 'open' ? { connection: opened.link.connection, provider: opened.provider } : {};
  const end = (kind: ConsentEnd): Ended => {
    audit({ ...about, outcome: kind });
    return { ...ended(kind), ...(opened.subject === undefined ? {} : { subject: opened.subject }) };
  };
  if (opened.kind === 'end') return end(opened.end);
  if (form.browser === undefined || !isOurForm(keys, publicUrl, token, form)) return end('form_refused');
  try {
    const to = await consentPageOf(opened, form.browser, options);
    if (!(to instanceof URL)) return end(to);
    audit({ ...about, outcome: 'started' });
    return { kind: 'begun', to };
  } catch (error) {
    log.error('reconsent.start_failed', { ...about, error: errorLabel(error) });
    return end('internal_error');
  }
}

async function consentPageOf(opened: Opened, browser: string, options: Settled): Promise<URL | ConsentEnd> {
  const { authorization, registry, random, clock, keys, states, publicUrl } = options;
  const { link, provider, client, target, subject } = opened;
  const { connection } = link;
  const credentials = await registry.credentials(client).catch(() => undefined);
  if (credentials === undefined) return 'client_missing';
  const nonce = random.bytes(nonceBytes).toString('base64url');
  const codeVerifier = random.bytes(verifierBytes).toString('base64url');
  const startedAt = clock.now();
  const scope = target?.document.scope;
  const apiAccessPoint = target?.document.apiAccessPoint;
  const dataCenter = target?.document.dataCenter ?? (link.kind === 'connect' ? link.dataCenter : undefined);
  const place = dataCenter === undefined ? {} : { dataCenter };
  const to = authorization.consentPage({
    provider,
    environment: subject.environment,
    clientId: credentials.clientId,
    redirectUri: redirectUriOf(publicUrl, provider),
    state: makeState({ nonce, issuedAt: startedAt, connection, provider, browser }, keys),
    codeChallenge: createHash('sha256').update(codeVerifier).digest('base64url'),
    ...(scope === undefined ? {} : { scope }),
    ...(apiAccessPoint === undefined ? {} : { apiAccessPoint }),
    ...place,
  });
  if (to === undefined) return 'not_offered';
  const started: StartedConsent = {
    kind: link.kind,
    connection,
    provider,
    environment: subject.environment,
    client,
    ...place,
    scope: authorization.scopeAsked(provider, scope),
    version: target?.version.versionId ?? '',
    codeVerifier,
    startedAt,
  };
  const kept = await states.keep(nonce, started, stateLifeMs).then(
    () => true,
    () => false,
  );
  return kept ? to : 'not_now';
}

function ended(end: ConsentEnd): Ended {
  return { kind: 'end', end };
}
