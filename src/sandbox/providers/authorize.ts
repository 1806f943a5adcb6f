/**
 * The authorization-code side of the sandbox's providers: consent pages, codes, and their exchange for a grant in the
 * ledger. A code lives as long as documented, belongs to its client, address and proof key, and works once; shown again,
 * it costs the grant it brought (RFC 6749, 4.1.2).
 */
import { createHash } from 'node:crypto';
import type { Random } from '../../runtime/random.ts';
import { consentHtml, refusedHtml } from './authorize-page.ts';
import { type ConsentRules, consentRules } from './authorize-rules.ts';
import type { World } from './behaviour.ts';
import { type Call, oauthError, page, type Reply } from './call.ts';
import type { Grant, Ledger } from './ledger.ts';
import { mintToken } from './mint.ts';

/** Who will be signed in when the next consent page of the provider opens. */
export interface ExpectedCustomer {
  readonly provider: string;
  readonly connection: string;
  /** The provider's own name of the account; another one than before is another customer. */
  readonly account?: string;
  /** Adobe's shard or eSignGlobal's data centre; where the connection was, or the provider's home, unless given. */
  readonly place?: string;
}

/** A code that was handed out. */
export interface IssuedCode {
  readonly code: string;
  readonly provider: string;
  readonly environment: string;
  readonly connection: string;
  readonly account: string;
  readonly place: string;
  readonly clientId: string;
  readonly redirectUri: string;
  readonly scope: string;
  readonly challenge?: string;
  /** Of the time codes live by; so is the next. */
  readonly issuedAt: number;
  /** First instant at which it is dead. */
  readonly expiresAt: number;
}

export interface ConsentSettings {
  /** The time codes live by, in ms. */
  now(): number;
  readonly random: Random;
  readonly ledger: Ledger;
  /** Whether the provider knows the client and this address of it. */
  registered(provider: string, clientId: string, redirectUri: string): 'yes' | 'no client' | 'no address';
  /** Where a customer lives who has no place yet. */
  homeOf(provider: string, environment: string): string;
  /** Writes the consent into the ledger; undefined where the scope brings no refresh token. */
  grant(code: IssuedCode): Grant | undefined;
}

export interface Consents {
  /** The answer of a consent page; undefined where the address is none. A path `/authorize-at/<host>/...` stands for a host. */
  browse(host: string, url: URL, method: string, body: () => Promise<Buffer>): Promise<Reply> | undefined;
  /** The answer to an exchange or a question who consented; undefined where the call is neither. */
  answer(provider: string, call: Call, world: World): Reply | undefined;
  /** The connection an exchange is for. */
  connectionOf(provider: string, call: Call): string | undefined;
  expect(customer: ExpectedCustomer): void;
  /** The account a connection's customer has at the provider. */
  accountOf(connection: string): string;
  /** Codes that would still be taken, oldest first. */
  pending(connection?: string): readonly IssuedCode[];
}

interface Customer {
  readonly connection: string;
  readonly account: string;
  readonly place: string;
}

const customersShownMax = 50;
const prefix = /^\/authorize-at\/([^/]+)(\/.*)$/;

export function createConsents(settings: ConsentSettings): Consents {
  const { ledger, random, now } = settings;
  const codes = new Map<string, IssuedCode & { spentFor?: Grant | 'nothing' }>();
  const accounts = new Map<string, string>();
  let expected: ExpectedCustomer[] = [];
  const accountOf = (connection: string) => accounts.get(connection) ?? `account-of-${connection}`;

  function customersOf(rules: ConsentRules, environment: string, clientId: string): Customer[] {
    const known = [...ledger.grants.values()].filter(
      (one) => one.provider === rules.provider && one.environment === environment && one.clientId === clientId,
    );
    const waiting = expected.filter(({ provider }) => provider === rules.provider);
    const customers = new Map<string, Customer>();
    // The first of a connection counts: what is expected goes before what was.
    for (const one of [...waiting, ...known]) {
      const { connection } = one;
      if (customers.has(connection)) continue;
      const account = 'account' in one && one.account !== undefined ? one.account : accountOf(connection);
      const place = one.place ?? ledger.grants.get(connection)?.place ?? settings.homeOf(rules.provider, environment);
      customers.set(connection, { connection, account, place });
    }
    return [...customers.values()].slice(0, customersShownMax);
  }

  function consent(rules: ConsentRules, environment: string, query: URLSearchParams, form?: URLSearchParams): Reply {
    const asked = new Map(query);
    const refused = (why: string) => refusedHtml(rules.title, why);
    if (asked.size !== query.size) return refused('A parameter came twice.');
    const clientId = asked.get(rules.names.clientId) ?? '';
    const redirectUri = asked.get(rules.names.redirectUri) ?? '';
    const registered = settings.registered(rules.provider, clientId, redirectUri);
    if (registered !== 'yes')
      return refused(
        registered === 'no client'
          ? 'There is no such application.'
          : 'The application did not register the redirect URI.',
      );
    const state = asked.get('state');
    const back = (parameters: Readonly<Record<string, string>>) => redirect(redirectUri, state, parameters);
    const error = whatIsWrong(rules, asked);
    if (error !== undefined) return back({ error: rules.errorName(error) });
    const customers = customersOf(rules, environment, clientId);
    const scope = asked.get('scope') ?? '';
    if (customers.length === 0) return refused('Nobody has an account here.');
    if (form === undefined) return consentHtml({ title: rules.title, clientId, scope, customers });
    const decision = form.get('decision');
    if (decision === 'deny') return back({ error: rules.errorName('access_denied') });
    const as = form.get('as');
    const customer = as === null ? customers[0] : customers.find(({ connection }) => connection === as);
    if (decision !== 'allow' || customer === undefined) return refused('The form was not understood.');
    const challenge = rules.pkce ? asked.get('code_challenge') : undefined;
    const issuedAt = now();
    const code: IssuedCode = {
      ...customer,
      code: mintToken('plain', 'access', random),
      provider: rules.provider,
      environment,
      clientId,
      redirectUri,
      scope,
      ...(challenge === undefined ? {} : { challenge }),
      issuedAt,
      expiresAt: issuedAt + rules.codeLifeMs,
    };
    codes.set(code.code, { ...code });
    expected = expected.filter((one) => one.provider !== rules.provider || one.connection !== customer.connection);
    return back({ code: code.code, ...rules.callback(customer.place) });
  }

  function exchange(rules: ConsentRules, call: Call, world: World): Reply | undefined {
    const parameters = rules.parameters(call);
    if (call.method !== 'POST' || parameters?.get('grant_type') !== 'authorization_code') return undefined;
    const credentials = rules.credentials(call, parameters);
    const client = credentials === undefined ? 'unknown' : world.client(credentials);
    if (credentials === undefined || client !== 'accepted')
      return rules.refusals.client(client === 'wrong' ? 'wrong' : 'unknown');
    const code = codes.get(parameters.get('code') ?? '');
    const mine = code?.provider === rules.provider && code.clientId === credentials.clientId;
    if (code === undefined || !mine || code.environment !== call.place.environment) return rules.refusals.code('other');
    if (code.spentFor !== undefined) {
      if (code.spentFor !== 'nothing') ledger.end(code.spentFor, 'revoked');
      return rules.refusals.code('dead');
    }
    if (now() >= code.expiresAt) return rules.refusals.code('dead');
    if (code.place !== call.place.name) return rules.refusals.place();
    if (rules.repeatsRedirectUri && parameters.get('redirect_uri') !== code.redirectUri)
      return rules.refusals.code('other');
    if (rules.pkce && !provenBy(code.challenge, parameters.get('code_verifier'))) return rules.refusals.code('other');
    accounts.set(code.connection, code.account);
    const grant = settings.grant(code);
    code.spentFor = grant ?? 'nothing';
    const tokens =
      grant === undefined
        ? { access_token: ledger.looseAccessToken('plain') }
        : { access_token: ledger.newAccessToken(grant), refresh_token: grant.tokens[0]?.value };
    const life = { token_type: 'Bearer', expires_in: rules.accessTokenLifeSeconds };
    return { status: 200, body: { ...tokens, ...life, ...rules.more(code.scope, code.place) } };
  }

  function userinfo(rules: ConsentRules, call: Call): Reply {
    if (call.method !== 'GET') return page(405, 'Method Not Allowed');
    const token = /^Bearer (\S+)$/.exec(String(call.headers.authorization ?? ''))?.[1] ?? '';
    const grant = ledger.grantOfAccessToken(token);
    if (grant?.provider !== rules.provider) return oauthError(401, 'invalid_token');
    const account = accountOf(grant.connection);
    const accounts = [
      { account_id: account, is_default: true, account_name: account, base_uri: 'https://na4.invalid' },
    ];
    return { status: 200, body: { sub: account, ...(rules.provider === 'docusign' ? { accounts } : {}) } };
  }

  return {
    browse(host, url, method, body) {
      const [, named, path] = prefix.exec(url.pathname) ?? [undefined, host, url.pathname];
      const rules = consentRules.find((one) => one.path === path && one.environmentOf(named) !== undefined);
      const environment = rules?.environmentOf(named);
      if (rules === undefined || environment === undefined)
        return prefix.test(url.pathname) ? Promise.resolve(page(404, 'Not Found')) : undefined;
      if (method === 'GET') return Promise.resolve(consent(rules, environment, url.searchParams));
      if (method !== 'POST') return Promise.resolve(page(405, 'Method Not Allowed'));
      return body().then((bytes) =>
        consent(rules, environment, url.searchParams, new URLSearchParams(bytes.toString('utf8'))),
      );
    },
    answer(provider, call, world) {
      const rules = consentRules.find((one) => one.provider === provider);
      if (rules === undefined) return undefined;
      if (call.path === rules.userinfoPath) return userinfo(rules, call);
      return call.path === rules.tokenPath ? exchange(rules, call, world) : undefined;
    },
    connectionOf(provider, call) {
      const rules = consentRules.find((one) => one.provider === provider && one.tokenPath === call.path);
      return codes.get(rules?.parameters(call)?.get('code') ?? '')?.connection;
    },
    expect: (customer) => void expected.push(customer),
    accountOf,
    pending: (connection) =>
      [...codes.values()].flatMap(({ spentFor, ...code }) =>
        spentFor === undefined && now() < code.expiresAt && (connection ?? code.connection) === code.connection
          ? [code]
          : [],
      ),
  };
}

/** An error the callback can tell (RFC 6749, 4.1.2.1; RFC 7636, 4.4.1). */
function whatIsWrong(rules: ConsentRules, asked: ReadonlyMap<string, string>): string | undefined {
  if (asked.get('response_type') !== 'code') return 'unsupported_response_type';
  if (rules.needsScope && !asked.get('scope')) return 'invalid_request';
  const challenge = asked.get('code_challenge');
  if (!rules.pkce || challenge === undefined) return undefined;
  const whole = /^[A-Za-z0-9_-]{43}$/.test(challenge) && asked.get('code_challenge_method') === 'S256';
  return whole ? undefined : 'invalid_request';
}

/** RFC 7636, 4.6; and RFC 9700, 4.8.2: a verifier without a challenge is a sign that the challenge was taken out. */
function provenBy(challenge: string | undefined, verifier: string | undefined): boolean {
  if (challenge === undefined || verifier === undefined) return challenge === verifier;
  return createHash('sha256').update(verifier, 'ascii').digest('base64url') === challenge;
}

function redirect(uri: string, state: string | undefined, parameters: Readonly<Record<string, string>>): Reply {
  const url = new URL(uri);
  for (const [name, value] of Object.entries(parameters)) url.searchParams.append(name, value);
  if (state !== undefined) url.searchParams.append('state', state);
  return { status: 302, headers: { location: url.href } };
}
