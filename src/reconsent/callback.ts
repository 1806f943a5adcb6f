/**
 * The provider sent the browser back: whether this is ours to believe, the exchange of the code, and the new grant on its
 * way to the store. What came is believed in nothing until its state has been read.
 */

import { flagTag, ownerTag, readFlag } from '../connection/flag.ts';
import { errorLabel } from '../runtime/errors.ts';
import { Secret } from '../runtime/secret.ts';
import type { ConsentEnd } from './end.ts';
import { type ConsentSubject, type Ended, redirectUriOf, type Settled } from './options.ts';
import type { CodeAnswer, ConsentEvent, StartedConsent } from './ports.ts';
import { readState } from './state.ts';
import { hasConsentSince, readTarget, type Target } from './target.ts';
import { accountChangeTag, writeGrant } from './write-grant.ts';

export interface Callback {
  /** As the path names it. */
  readonly provider: string;
  readonly query: URLSearchParams;
  /** What the browser's cookie says. */
  readonly browser: string | undefined;
}

/** An end and what is known of it, on its way to page, log and audit. */
interface Finding {
  readonly end: ConsentEnd;
  readonly event?: Omit<ConsentEvent, 'outcome'>;
  readonly subject?: ConsentSubject;
  readonly told?: string;
  /** Class and code of an error of ours, for the log. */
  readonly label?: string;
}

/** No provider's code is longer; what is, is somebody's attempt. */
const codeCharsMax = 4_096;
const toldCharsMax = 300;

/**
 * Never throws: every end has a page, and one line of the audit log. Where this process is about to end, the state is left
 * for another to take: the same address, asked for once more, is finished there.
 */
export async function finishConsent(callback: Callback, options: Settled, isLeaving: () => boolean): Promise<Ended> {
  const found = await concluded(callback, options, isLeaving).catch(
    (error: unknown): Finding => ({ end: 'internal_error', label: errorLabel(error) }),
  );
  const { end, event = {}, subject, told, label } = found;
  const { connection, provider, error } = event;
  options.log[levelOf(end)](`reconsent.${end}`, { connection, provider, error, label });
  options.audit({ ...event, outcome: end });
  return {
    kind: 'end',
    end,
    ...(subject === undefined ? {} : { subject }),
    ...(told === undefined ? {} : { told }),
  };
}

function levelOf(end: ConsentEnd): 'info' | 'warn' | 'error' {
  if (end === 'store_failed' || end === 'internal_error') return 'error';
  return /^(?:client_|host_|answer_|unusable|unanswered|provider_error|not_now|wrong_account)/.test(end)
    ? 'warn'
    : 'info';
}

async function concluded(callback: Callback, options: Settled, isLeaving: () => boolean): Promise<Finding> {
  const { query, provider, browser } = callback;
  const { states, keys, clock } = options;
  const state = readState(only(query, 'state') ?? '', { provider, browser, now: clock.now() }, keys);
  if (state.kind !== 'valid') return { end: state.kind };
  if (isLeaving()) return { end: 'not_now', label: 'stopping' };
  const taken = await states.take(state.nonce).then(
    (started) => ({ started }),
    (error: unknown) => ({ label: errorLabel(error) }),
  );
  if (!('started' in taken)) return { end: 'not_now', ...taken };
  const { started } = taken;
  if (started === undefined) return { end: 'state_used' };
  if (started.provider !== provider || !state.isFor(started.connection)) return { end: 'state_forged' };
  const about = { connection: started.connection, provider };
  const finding = await withState(started, query, options).catch(
    (error: unknown): Finding => ({ end: 'internal_error', label: errorLabel(error) }),
  );
  return { ...finding, event: { ...about, ...finding.event } };
}

async function withState(started: StartedConsent, query: URLSearchParams, options: Settled): Promise<Finding> {
  const { connection, provider, environment } = started;
  const title = options.rules.providers.get(provider)?.title ?? provider;
  let subject: ConsentSubject = { connection, provider: title, environment };
  if (query.has('error')) {
    const error = codeWord(query.get('error') ?? '');
    const told = cut(query.get('error_description') ?? '');
    const end = error === 'access_denied' ? 'denied' : 'provider_error';
    return { end, subject, event: { error }, ...(told === '' ? {} : { told }) };
  }
  const code = only(query, 'code') ?? '';
  if (code === '' || code.length > codeCharsMax) return { end: 'provider_error', subject };
  let target: Target | undefined;
  if (started.kind === 'reconsent') {
    const found = await readTarget(options.nameOf(connection), options).catch((error: unknown) => errorLabel(error));
    if (typeof found === 'string') return { end: 'not_now', subject, label: found };
    if (found.kind !== 'there') return { end: found.kind, subject };
    target = found;
    const owner = found.tags[ownerTag];
    if (owner !== undefined) subject = { ...subject, owner };
    // Another tab was faster: its grant lives, and this code is left to end by itself.
    if (hasConsentSince(found, started.version, started.startedAt)) return { end: 'already_done', subject };
  }
  return { subject, ...(await exchanged(started, new Secret(code), target, query, options)) };
}

async function exchanged(
  started: StartedConsent,
  code: Secret,
  target: Target | undefined,
  query: URLSearchParams,
  options: Settled,
): Promise<Finding> {
  const { authorization, registry, publicUrl, clock } = options;
  const { provider, environment, dataCenter } = started;
  const client = await registry.credentials(started.client).catch(() => undefined);
  if (client === undefined) return { end: 'client_missing' };
  const apiAccessPoint = only(query, 'api_access_point') ?? target?.document.apiAccessPoint;
  const answer = await authorization.exchange({
    provider,
    environment,
    client: { clientId: client.clientId, clientSecret: client.clientSecret ?? new Secret('') },
    code,
    redirectUri: redirectUriOf(publicUrl, provider),
    codeVerifier: new Secret(started.codeVerifier),
    ...(apiAccessPoint === undefined ? {} : { apiAccessPoint }),
    ...(dataCenter === undefined ? {} : { dataCenter }),
    ...(target?.account === undefined ? {} : { account: target.account }),
  });
  if (answer.kind !== 'granted') return refusal(answer);
  const facts = { grant: answer.grant, grantedAt: clock.now() };
  return stored(started, facts, target, options);
}

function refusal(answer: Exclude<CodeAnswer, { kind: 'granted' }>): Finding {
  if (answer.kind === 'unanswered') return { end: 'unanswered', label: codeWord(answer.why) };
  return {
    end: `${answer.whose}_refused`,
    ...(answer.error === undefined ? {} : { event: { error: codeWord(answer.error) } }),
  };
}

async function stored(
  started: StartedConsent,
  granted: Pick<Parameters<typeof writeGrant>[2], 'grant' | 'grantedAt'>,
  target: Target | undefined,
  options: Settled,
): Promise<Finding> {
  const { connection } = started;
  const { nameOf, rules, accountField, writeLimitMs, changed, log } = options;
  const provider = target?.provider ?? rules.providers.get(started.provider);
  if (provider === undefined) return { end: 'unusable' };
  const name = nameOf(connection);
  const facts = { ...granted, provider, scope: started.scope, accountField };
  const written = await writeGrant(name, started, facts, options, writeLimitMs);
  if (written.kind === 'store_failed') return { end: 'store_failed', label: errorLabel(written.error) };
  if (written.kind === 'wrong_account') return { end: 'wrong_account', event: { account: 'changed' } };
  if (written.kind !== 'done') return { end: written.kind };
  const { kind: _, ...event } = written;
  // The grant is safe. The flag is void already, since it names another version; inventory clears what we cannot.
  const clean = written.versionNew === undefined ? Promise.resolve() : clearTags(name, written.versionNew, options);
  for (const done of await Promise.allSettled([clean, changed(connection)]))
    if (done.status === 'rejected')
      log.warn('reconsent.tidying_failed', { connection, error: errorLabel(done.reason) });
  return { end: 'done', event };
}

/** Takes the flag off, where it does not judge the version we wrote, and an allowance that has been used. */
async function clearTags(name: string, versionNew: string, { store }: Settled): Promise<void> {
  const { tags } = await store.describe(name);
  const stale = readFlag(tags)?.version === versionNew ? [] : Object.values(flagTag);
  const keys = [...stale, accountChangeTag].filter((key) => tags[key] !== undefined);
  if (keys.length > 0) await store.untag(name, keys);
}

/** A parameter that came once: of two, which one is meant is not ours to guess (RFC 6749 3.1). */
function only(query: URLSearchParams, name: string): string | undefined {
  const [value, ...more] = query.getAll(name);
  return more.length === 0 ? value : undefined;
}

function codeWord(text: string): string {
  return /^[A-Za-z0-9_.-]{1,64}$/.test(text) ? text : 'unreadable';
}

/** Shown to the one who sees it in the address anyway, and kept nowhere. */
function cut(text: string): string {
  const plain = text.toWellFormed().trim();
  return plain.length <= toldCharsMax ? plain : `${plain.slice(0, toldCharsMax).toWellFormed()} ...`;
}
