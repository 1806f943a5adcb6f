/**
 * A simulated OAuth provider behind the TokenEndpoint port. Requests are made and answers read by the real code, so that
 * real bytes travel; in between a request is two calls: it arrives (the provider decides and commits), and its answer
 * does. What may go wrong of itself is drawn by the kernel; what a provider does wrong is a trouble, set from outside.
 */
import type { Fingerprint } from '../../../src/connection/fingerprint.ts';
import { createTokenEndpoint } from '../../../src/oauth/token-endpoint.ts';
import type { Exchange, PreparedRequest, RawAnswer, TokenEndpoint } from '../../../src/rotation/ports.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import type { Random } from '../../../src/runtime/random.ts';
import type { Calls } from './call.ts';
import { createGrants, type Decision, type GivenToken, type Requester } from './provider-grants.ts';
import type { GrantMode } from './provider-modes.ts';
import { createOracle, type OracleOptions, type Presentation, type ProviderOracle } from './provider-oracle.ts';
import { clientIn, refreshTokenIn } from './provider-request.ts';

/** What a provider does wrong with one request. */
export type Trouble =
  /** No byte of the request leaves us. */
  | { readonly kind: 'notSent' }
  /** Refused before anything is committed: 500, 503, 429 with `retryAfterS`, a 400 of its own. */
  | { readonly kind: 'refuse'; readonly status: number; readonly error?: string; readonly retryAfterS?: number }
  /** Committed, and then an error all the same. */
  | { readonly kind: 'commitThenFail'; readonly status: 500 | 502 | 504 }
  /** Committed, and the connection is reset before the answer. */
  | { readonly kind: 'commitThenReset' }
  /** Committed, and the answer breaks off after this share of its bytes: [0, 1). */
  | { readonly kind: 'commitThenTruncate'; readonly at: number }
  /** Committed, and the answer is a 200 that nobody understands. */
  | { readonly kind: 'commitThenGarble' };

/** Our registration, as the provider has it. */
export interface SimClient {
  secret: string;
  /** What a request with another secret is told. */
  wrongSecret: 'invalid_client' | 'invalid_grant';
}

export interface SimProviderOptions extends OracleOptions {
  /** The provider's calendar. */
  readonly now: () => number;
  readonly random: Random;
  readonly fingerprint: Fingerprint;
  readonly clients: Readonly<Record<string, SimClient>>;
  /** The adapter's limit for one request (monotonic ms). */
  readonly requestLimitMs?: number;
}

/** Who asks; `now` is their own calendar. */
export interface Asker extends Requester {
  readonly now?: () => number;
}

export interface SimProvider {
  bind(calls: Calls, by: Asker): TokenEndpoint;
  /** A customer consents; `by` has the token in hand until they let go of it. */
  consent(
    connection: string,
    mode: GrantMode,
    by: Requester,
  ): { readonly refreshToken: string; readonly consentedAt: number };
  revoke(connection: string): void;
  readonly clients: Readonly<Record<string, SimClient>>;
  /** Asked once for each request that arrives. */
  trouble: ((connection: string, by: Requester) => Trouble | undefined) | undefined;
  /** How often each trouble was met. */
  readonly troubles: Readonly<Record<Trouble['kind'], number>>;
  readonly oracle: ProviderOracle;
  digest(): unknown;
}

/** What arrived, and what is to be answered. */
interface Arrived {
  readonly answer: Omit<RawAnswer, 'receivedAt'> | undefined;
  readonly presentation: Presentation | undefined;
  /** The token in the answer. */
  readonly gave: GivenToken | undefined;
}

const jsonHeaders = { 'content-type': 'application/json;charset=UTF-8' };
const accessTokenLifeS = 28_800;

function jsonAnswer(status: number, members: Record<string, unknown>, more: Record<string, string> = {}) {
  return {
    status,
    headers: { ...jsonHeaders, ...more },
    body: Buffer.from(JSON.stringify(members), 'utf8'),
    complete: true,
  };
}

const refusals = {
  invalid_client: jsonAnswer(401, { error: 'invalid_client' }),
  invalid_grant: jsonAnswer(400, { error: 'invalid_grant', error_description: 'expired_client_token' }),
} as const;

/** A provider without a grant. */
export function createSimProvider(options: SimProviderOptions): SimProvider {
  const { now, random, clients, requestLimitMs = 90_000 } = options;
  const grants = createGrants(now);
  const oracle = createOracle(grants, options);
  // Its clock is read while something is sent only, and nothing is sent with it.
  const real = createTokenEndpoint({ clock: systemClock(), random });
  const troubles: Record<Trouble['kind'], number> = {
    notSent: 0,
    refuse: 0,
    commitThenFail: 0,
    commitThenReset: 0,
    commitThenTruncate: 0,
    commitThenGarble: 0,
  };
  let accessTokens = 0;

  function granted({ mode, token, told }: { mode: GrantMode; token: GivenToken; told: boolean }) {
    return jsonAnswer(200, {
      access_token: `access-${++accessTokens}-fedcba9876543210`,
      token_type: 'Bearer',
      ...(told || mode.unchanged === 'same' ? { refresh_token: token.value } : {}),
      expires_in: accessTokenLifeS,
    });
  }

  /** The answer to a decision, before anything goes wrong with it. */
  function answerTo(decision: Decision): Omit<RawAnswer, 'receivedAt'> {
    if (decision.kind === 'refused') return refusals.invalid_grant;
    const { token } = decision;
    const mode = grants.tokenOf(token.value)?.grant.mode;
    if (mode === undefined) throw new Error('a token of no grant');
    return granted({ mode, token, told: decision.kind === 'given' });
  }

  function spoilt(answer: Omit<RawAnswer, 'receivedAt'>, trouble: Trouble | undefined): Arrived['answer'] {
    switch (trouble?.kind) {
      case 'commitThenReset':
        return undefined;
      case 'commitThenFail':
        return jsonAnswer(trouble.status, { error: 'internal_server_error' });
      case 'commitThenTruncate':
        return {
          ...answer,
          body: answer.body.subarray(0, Math.floor(trouble.at * answer.body.length)),
          complete: false,
        };
      case 'commitThenGarble':
        return { ...answer, body: Buffer.from(`<!-- gateway -->${answer.body.toString('utf8')}`, 'utf8') };
      default:
        return answer;
    }
  }

  /** A request reaches the provider. */
  function arrive(request: PreparedRequest, by: Requester): Arrived | 'notSent' {
    const value = refreshTokenIn(request);
    const connection = grants.tokenOf(value)?.grant.connection ?? '';
    const trouble = refusing(request, connection, by);
    oracle.posted(trouble === 'notSent' ? undefined : value, by);
    if (trouble === 'notSent') return trouble;
    if (trouble !== undefined && 'status' in trouble)
      return { answer: trouble, presentation: undefined, gave: undefined };
    const note = oracle.presented(value, by);
    const decision = grants.present(value, by);
    const presentation = note(decision);
    const answer = spoilt(answerTo(decision), decision.kind === 'refused' ? undefined : trouble?.later);
    const gave = decision.kind === 'refused' ? undefined : decision.token;
    if (gave !== undefined && answer !== undefined) oracle.holds(connection, gave.value, by);
    return { answer, presentation, gave };
  }

  /** What keeps a request from being decided upon; or what is to go wrong after that. */
  function refusing(request: PreparedRequest, connection: string, by: Requester) {
    const trouble = troubling.trouble?.(connection, by);
    if (trouble !== undefined) troubles[trouble.kind] += 1;
    if (trouble?.kind === 'notSent') return 'notSent' as const;
    if (trouble?.kind === 'refuse') {
      const { status, error, retryAfterS } = trouble;
      const after: Record<string, string> = retryAfterS === undefined ? {} : { 'retry-after': `${retryAfterS}` };
      return jsonAnswer(status, error === undefined ? {} : { error }, after);
    }
    const { clientId, clientSecret } = clientIn(request);
    const client = clients[clientId];
    if (client === undefined || client.secret !== clientSecret)
      return refusals[client?.wrongSecret ?? 'invalid_client'];
    return trouble === undefined ? undefined : { later: trouble };
  }

  /** Whether what has come of an answer holds a token whole. */
  const holdsToken = (body: Buffer, { value }: GivenToken) => body.includes(`"${value}"`);

  async function send(request: PreparedRequest, calls: Calls, by: Asker): Promise<Exchange> {
    const unanswered = (): Exchange => ({ kind: 'unanswered', label: 'ECONNRESET' });
    const connection = grants.tokenOf(refreshTokenIn(request))?.grant.connection ?? '';
    let arrived: Arrived | 'notSent' | undefined;
    const lost = () => {
      if (typeof arrived === 'object') oracle.letGo(by.actor, connection);
      return unanswered();
    };
    const first = await calls<Exchange | undefined>({
      name: 'provider.request',
      about: connection,
      limitMs: requestLimitMs,
      // A network that sends it twice over delivers it once: it is one request of one connection.
      effect: () => {
        arrived ??= arrive(request, by);
        if (arrived === 'notSent') return { kind: 'notSent', label: 'ECONNREFUSED' };
        return arrived.answer === undefined ? lost() : undefined;
      },
      failed: lost,
    });
    if (first !== undefined || typeof arrived !== 'object') return first ?? unanswered();
    const { answer, presentation, gave } = arrived;
    if (answer === undefined) return unanswered();
    return calls<Exchange>({
      name: 'provider.answer',
      about: connection,
      limitMs: requestLimitMs,
      effect: () => {
        if (presentation !== undefined) presentation.delivered = answer.complete;
        if (gave !== undefined && !holdsToken(answer.body, gave)) oracle.letGo(by.actor, connection);
        return { kind: 'answered', answer: { ...answer, receivedAt: (by.now ?? now)() } };
      },
      failed: lost,
    });
  }

  const troubling: Pick<SimProvider, 'trouble'> = { trouble: undefined };
  return {
    clients,
    troubles,
    oracle,
    get trouble() {
      return troubling.trouble;
    },
    set trouble(trouble) {
      troubling.trouble = trouble;
    },
    bind: (calls, by) => ({
      prepare: real.prepare,
      read: real.read,
      send: (request) => send(request, calls, by),
    }),
    consent(connection, mode, by) {
      const token = grants.consent(connection, mode);
      oracle.holds(connection, token.value, by);
      return { refreshToken: token.value, consentedAt: now() };
    },
    revoke: (connection) => grants.revoke(connection),
    digest: () => [grants.digest(), Object.entries(clients)],
  };
}
