/**
 * The grants of a simulated provider: which token is live, what a presentation of one does, and why a grant is dead. It
 * knows nothing of requests on their way; provider.ts does.
 */
import type { GrantMode } from './provider-modes.ts';

/** Who presents a token, or was given one. */
export interface Requester {
  readonly actor: string;
  /** One of our workers; otherwise an application or a person. */
  readonly ours: boolean;
}

/** Why a grant is dead at the provider. `reuse`: a spent token was presented where that revokes everything. */
export type End = 'reuse' | 'idle' | 'absolute' | 'revoked';

export interface GivenToken {
  readonly value: string;
  /** When it was given out, over all grants of its connection: those of a later consent come after all of an earlier one. */
  readonly order: number;
  /** Undefined: it came with the consent. */
  readonly givenTo: Requester | undefined;
  readonly issuedAt: number;
  /** The use that brought its successor. */
  spent: { readonly at: number; readonly by: Requester } | undefined;
}

export interface Grant {
  readonly connection: string;
  readonly mode: GrantMode;
  readonly consentedAt: number;
  /** Oldest first. */
  readonly tokens: GivenToken[];
  usedAt: number;
  end: End | undefined;
}

/** What a presentation came to. */
export type Decision =
  | { readonly kind: 'given'; readonly token: GivenToken; readonly fresh: boolean }
  | { readonly kind: 'same'; readonly token: GivenToken }
  /** `revoked`: this very presentation ended the grant. */
  | { readonly kind: 'refused'; readonly why: 'unknown' | 'dead' | 'spent'; readonly revoked: boolean };

export interface Grants {
  /** A customer consents: a new grant, with its first token. */
  consent(connection: string, mode: GrantMode): GivenToken;
  /** A token is presented; commits whatever follows from it. */
  present(value: string, by: Requester): Decision;
  /** The customer withdraws the consent, or an administrator does. */
  revoke(connection: string): void;
  tokenOf(value: string): { readonly grant: Grant; readonly token: GivenToken } | undefined;
  /** The newest grant of a connection, with its end where a clock has ended it by now. */
  newest(connection: string): Grant | undefined;
  /** Tokens the newest grant would take now, the newest first. */
  accepted(connection: string): readonly GivenToken[];
  digest(): unknown;
}

const grantOrders = 1_000_000;
const dailyMs = 86_400_000;

export function createGrants(now: () => number): Grants {
  const grants = new Map<string, Grant[]>();
  const known = new Map<string, { readonly grant: Grant; readonly token: GivenToken }>();

  function give(grant: Grant, place: number, givenTo: Requester | undefined): GivenToken {
    const order = place * grantOrders + grant.tokens.length;
    const value = `refresh-${grant.connection}-${place}-${grant.tokens.length}-${'0123456789abcdef'.repeat(2)}`;
    const token: GivenToken = { value, order, givenTo, issuedAt: now(), spent: undefined };
    grant.tokens.push(token);
    known.set(value, { grant, token });
    return token;
  }

  /** A clock that has run out ends the grant. */
  function ended(grant: Grant): End | undefined {
    const { absoluteMs, idleMs } = grant.mode;
    if (grant.end !== undefined) return grant.end;
    if (absoluteMs !== undefined && now() >= grant.consentedAt + absoluteMs) grant.end = 'absolute';
    else if (now() >= grant.usedAt + idleMs) grant.end = 'idle';
    return grant.end;
  }

  function inGrace(grant: Grant, { spent }: GivenToken): boolean {
    const { reuse } = grant.mode;
    return spent !== undefined && typeof reuse === 'object' && now() < spent.at + reuse.graceMs;
  }

  /** What a token brought, where nothing that came of it has been used yet. */
  function unusedSuccessor(grant: Grant, token: GivenToken): GivenToken | undefined {
    const later = grant.tokens.filter(({ order }) => order > token.order);
    return later.some(({ spent }) => spent !== undefined) ? undefined : later.at(-1);
  }

  function again(grant: Grant, token: GivenToken, by: Requester): Decision {
    const { reuse } = grant.mode;
    const successor = unusedSuccessor(grant, token);
    if (typeof reuse === 'object' && inGrace(grant, token) && successor !== undefined) {
      grant.usedAt = now();
      if (reuse.gives === 'same') return { kind: 'given', token: successor, fresh: false };
      return { kind: 'given', token: give(grant, placeOf(grant), by), fresh: true };
    }
    if (reuse === 'family') grant.end = 'reuse';
    return { kind: 'refused', why: 'spent', revoked: reuse === 'family' };
  }

  const placeOf = (grant: Grant) => grants.get(grant.connection)?.indexOf(grant) ?? 0;

  return {
    consent(connection, mode) {
      const all = grants.get(connection) ?? [];
      grants.set(connection, all);
      const grant: Grant = { connection, mode, consentedAt: now(), tokens: [], usedAt: now(), end: undefined };
      all.push(grant);
      return give(grant, all.length - 1, undefined);
    },
    present(value, by) {
      const found = known.get(value);
      if (found === undefined) return { kind: 'refused', why: 'unknown', revoked: false };
      const { grant, token } = found;
      if (ended(grant) !== undefined) return { kind: 'refused', why: 'dead', revoked: false };
      if (token.spent !== undefined) return again(grant, token, by);
      const { rotates } = grant.mode;
      grant.usedAt = now();
      if (rotates === 'never' || (rotates === 'daily' && now() < token.issuedAt + dailyMs))
        return { kind: 'same', token };
      // Of several that one token brought, the first to be used is the one that lives on.
      for (const other of grant.tokens) other.spent ??= { at: now(), by };
      return { kind: 'given', token: give(grant, placeOf(grant), by), fresh: true };
    },
    revoke(connection) {
      for (const grant of grants.get(connection) ?? []) grant.end ??= 'revoked';
    },
    tokenOf: (value) => known.get(value),
    newest(connection) {
      const grant = grants.get(connection)?.at(-1);
      if (grant !== undefined) ended(grant);
      return grant;
    },
    accepted(connection) {
      const grant = grants.get(connection)?.at(-1);
      if (grant === undefined || ended(grant) !== undefined) return [];
      const takes = (token: GivenToken) =>
        token.spent === undefined || (inGrace(grant, token) && unusedSuccessor(grant, token) !== undefined);
      return grant.tokens.filter(takes).reverse();
    },
    digest: () =>
      [...grants].map(([connection, all]) => [
        connection,
        all.map(({ end, tokens }) => [end ?? '', tokens.map(({ spent }) => spent?.by.actor ?? '')]),
      ]),
  };
}
