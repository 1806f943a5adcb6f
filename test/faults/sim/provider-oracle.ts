/**
 * Who presented which token when, and what is to be said of it: the simulated provider's memory, and the judge of every
 * second spend. Our workers see none of it.
 */
import type { Fingerprint } from '../../../src/connection/fingerprint.ts';
import { Secret } from '../../../src/runtime/secret.ts';
import type { Decision, GivenToken, Grants, Requester } from './provider-grants.ts';
import { forgives } from './provider-modes.ts';

/** Whose doing a dead grant is. `window`: a second try the provider's file allows, after an answer that never came. */
export type Blame = 'ours' | 'window' | 'application' | 'idle' | 'absolute' | 'revoked';

/** One arrival of a token at the provider. */
export interface Presentation {
  readonly connection: string;
  readonly token: string;
  readonly by: Requester;
  /** Monotonic. */
  readonly at: number;
  /** The provider took it. */
  readonly committed: boolean;
  /** Its answer came to whoever asked, every byte of it. */
  delivered: boolean;
}

export interface ProviderOracle {
  /** Tokens the provider would take now, the newest first; none where the grant is dead. */
  accepted(connection: string): readonly string[];
  /** The newest of those. */
  liveToken(connection: string): string | undefined;
  /** Undefined while the grant is alive. */
  deadBecause(connection: string): Blame | undefined;
  /** Undefined: it came with a consent. */
  givenTo(connection: string, token: string): Requester | undefined;
  /** Over all grants of a connection: a later consent's tokens come after all of an earlier one's. */
  orderOf(connection: string, token: string): number | undefined;
  /** The same token may be sent again at any time: an answer lost on its way costs nothing. */
  forgiving(connection: string): boolean;
  /** Tokens in the hands of, or on their way to, somebody who lives. */
  held(connection: string): Iterable<Requester & { readonly token: string }>;
  /** Somebody has no more in mind of a connection: their attempt is over. */
  letGo(actor: string, connection: string): void;
  /** The last request of a worker that arrived. */
  lastPost(actor: string): { readonly connection: string; readonly fingerprint: string } | undefined;
  presentations(connection: string): readonly Presentation[];
  /** A token presented again by us although its successor was in our hands, or sooner than the provider's file allows. */
  doubleSpends(connection: string): number;
  /** Grants that ended because we presented a spent token outside the rule for requests without an answer. */
  revokedByUs(connection: string): number;
  /** Tokens presented again whose first use we never had an answer of: what the provider's file allows. */
  readonly policySecondTries: number;
  /** Those of them that brought a token. */
  readonly secondTriesWon: number;
}

export interface OracleOptions {
  readonly monotonic: () => number;
  readonly isAlive: (actor: string) => boolean;
  readonly fingerprint: Fingerprint;
  /** Whether a token is in our hands: durable where a worker that lives can find it, or in a living worker's memory. */
  readonly inOurHands: (connection: string, token: string) => boolean;
  /** Whether the disk of whoever asked is gone, and Redis has lost what it held since: nothing remembers the request. */
  readonly forgotten: (actor: string, since: number) => boolean;
  /** How long after the first request the same token may be sent again; undefined: not judged. */
  readonly secondTryAfterMs: (connection: string) => number | undefined;
}

/** What provider.ts tells the oracle. */
export interface OracleNotes {
  /** To be asked before the grants know of the presentation. */
  presented(value: string, by: Requester): (decision: Decision) => Presentation | undefined;
  /** A request with this token has arrived, whatever is to become of it; undefined: it never left. */
  posted(value: string | undefined, by: Requester): void;
  /** A token is on its way to, or with, somebody. */
  holds(connection: string, token: string, by: Requester): void;
}

/** Requests may take this much longer on their way than another: no second try is called early for less. */
const travelMs = 60_000;

interface Verdicts {
  doubleSpends: number;
  revokedByUs: number;
  blame: Blame | undefined;
}

export function createOracle(grants: Grants, options: OracleOptions): ProviderOracle & OracleNotes {
  const { monotonic, isAlive, fingerprint, inOurHands, forgotten, secondTryAfterMs } = options;
  const presentations = new Map<string, Presentation[]>();
  const verdicts = new Map<string, Verdicts>();
  const hands = new Map<string, (Requester & { readonly token: string })[]>();
  const posts = new Map<string, { readonly connection: string; readonly token: string }>();
  const triedAgain = new Set<string>();
  let won = 0;

  const of = <T>(map: Map<string, T>, key: string, empty: T): T => {
    const found = map.get(key) ?? empty;
    map.set(key, found);
    return found;
  };
  const verdictOf = (connection: string) =>
    of<Verdicts>(verdicts, connection, { doubleSpends: 0, revokedByUs: 0, blame: undefined });

  /** What is wrong with presenting a spent token once more. */
  function judge(connection: string, token: GivenToken, by: Requester): Blame {
    if (!by.ours || token.spent?.by.ours !== true) return 'application';
    const successors = grants.tokenOf(token.value)?.grant.tokens.filter(({ order }) => order > token.order) ?? [];
    if (successors.some(({ value }) => inOurHands(connection, value))) return 'ours';
    // A refusal is an answer: what was refused before may be seen again at any time.
    const last = of(presentations, connection, []).findLast(
      (other) => other.token === token.value && other.by.ours && other.committed,
    );
    if (last !== undefined && forgotten(last.by.actor, last.at)) return 'window';
    const lastAt = last?.at;
    const after = secondTryAfterMs(connection);
    const early = after !== undefined && lastAt !== undefined && monotonic() - lastAt + travelMs < after;
    return early ? 'ours' : 'window';
  }

  return {
    presented(value, by) {
      const found = grants.tokenOf(value);
      if (found === undefined) return () => undefined;
      const { connection } = found.grant;
      const wasSpent = found.token.spent !== undefined;
      const blame = wasSpent ? judge(connection, found.token, by) : undefined;
      return (decision) => {
        const verdict = verdictOf(connection);
        if (blame === 'ours') verdict.doubleSpends += 1;
        if (blame === 'window') {
          triedAgain.add(value);
          if (decision.kind !== 'refused') won += 1;
        }
        if (decision.kind === 'refused' && decision.revoked) {
          verdict.blame = blame;
          if (blame === 'ours') verdict.revokedByUs += 1;
        }
        const made: Presentation = {
          connection,
          token: value,
          by,
          at: monotonic(),
          committed: decision.kind !== 'refused',
          delivered: false,
        };
        of(presentations, connection, []).push(made);
        return made;
      };
    },
    posted(value, by) {
      if (!by.ours) return;
      const connection = value === undefined ? undefined : grants.tokenOf(value)?.grant.connection;
      if (value === undefined || connection === undefined) posts.delete(by.actor);
      else posts.set(by.actor, { connection, token: value });
    },
    holds: (connection, token, { actor, ours }) => void of(hands, connection, []).push({ token, actor, ours }),
    accepted: (connection) => grants.accepted(connection).map(({ value }) => value),
    liveToken: (connection) => grants.accepted(connection)[0]?.value,
    deadBecause(connection) {
      const end = grants.newest(connection)?.end;
      return end === 'reuse' ? (verdictOf(connection).blame ?? 'ours') : end;
    },
    givenTo: (_, token) => grants.tokenOf(token)?.token.givenTo,
    orderOf: (_, token) => grants.tokenOf(token)?.token.order,
    forgiving(connection) {
      const grant = grants.newest(connection);
      return grant !== undefined && forgives(grant.mode);
    },
    held(connection) {
      const all = hands.get(connection) ?? [];
      const alive = all.filter(({ actor }) => isAlive(actor));
      if (alive.length < all.length) hands.set(connection, alive);
      return alive;
    },
    letGo(actor, connection) {
      const all = hands.get(connection);
      if (all !== undefined && all.length > 0)
        hands.set(
          connection,
          all.filter((hand) => hand.actor !== actor),
        );
    },
    lastPost(actor) {
      const post = posts.get(actor);
      return post && { connection: post.connection, fingerprint: fingerprint(new Secret(post.token)) };
    },
    presentations: (connection) => presentations.get(connection) ?? [],
    doubleSpends: (connection) => verdicts.get(connection)?.doubleSpends ?? 0,
    revokedByUs: (connection) => verdicts.get(connection)?.revokedByUs ?? 0,
    get policySecondTries() {
      return triedAgain.size;
    },
    get secondTriesWon() {
      return won;
    },
  };
}
