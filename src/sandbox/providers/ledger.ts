/**
 * What the sandbox's providers know: every consent, every token ever issued, and every time one was presented. It is the
 * judge of the demo and the fault suite, so it decides by the provider's rules alone and never by what a client believes.
 * Time is the calendar passed in.
 */
import type { Clock } from '../../runtime/clock.ts';
import type { Random } from '../../runtime/random.ts';
import { mintToken, type TokenShape } from './mint.ts';

export type DeathCause = 'expired_idle' | 'expired_absolute' | 'revoked' | 'family_revoked';

export interface GrantRules {
  /** A refresh token unused for this long is dead. */
  readonly idleMs?: number;
  /** The grant is dead this long after consent, whatever happens. */
  readonly absoluteMs?: number;
  /** Whether a refresh replaces the refresh token. */
  readonly rotates: boolean;
  /** A replaced token brings the pair that replaced it for this long. */
  readonly graceMs: number;
  /** What a replaced token brings after that. */
  readonly reuse: 'reject' | 'revoke_family';
  readonly accessTokenLifeMs: number;
}

export interface IssuedToken {
  readonly value: string;
  readonly generation: number;
  readonly issuedAt: number;
  /** When its idle clock last started. */
  usedAt: number;
  supersededAt?: number;
}

export interface Grant {
  readonly connection: string;
  readonly provider: string;
  readonly environment: string;
  readonly clientId: string;
  readonly scope: string;
  readonly consentedAt: number;
  readonly rules: GrantRules;
  readonly shape: TokenShape;
  readonly tokens: IssuedToken[];
  /** Every time one of its tokens was presented, in order. */
  readonly presentations: Presentation[];
  /** Shard or data centre where it lives now. */
  place: string;
  ended?: { readonly why: DeathCause; readonly at: number };
}

/** One refresh token shown to a token endpoint. */
export interface Presentation {
  readonly connection: string;
  readonly provider: string;
  readonly generation: number;
  /** Calendar instant. */
  readonly at: number;
  /** Position among everything that happened. */
  readonly order: number;
  readonly by: 'service' | 'application';
  /** The provider did what a refresh does. */
  committed: boolean;
  /** Position at which the last byte of the answer was handed to the network; undefined while or where that never was. */
  deliveredOrder?: number;
  /** HTTP status of the answer; 0 where there was none. */
  status: number;
  readonly grant: Grant;
}

export type Use =
  | { readonly ok: true; readonly refreshToken: string; readonly accessToken: string }
  | { readonly ok: false; readonly why: DeathCause | 'superseded' | 'unknown' };

export interface Ledger {
  readonly presentations: readonly Presentation[];
  readonly grants: ReadonlyMap<string, Grant>;
  add(grant: Omit<Grant, 'tokens' | 'presentations'>, firstUsedAt: number): Grant;
  grantOf(connection: string): Grant;
  find(refreshToken: string): { readonly grant: Grant; readonly token: IssuedToken } | undefined;
  grantOfAccessToken(accessToken: string): Grant | undefined;
  newAccessToken(grant: Grant): string;
  /** An access token without a consent behind it. */
  looseAccessToken(shape: TokenShape): string;
  present(refreshToken: string, by: Presentation['by']): Presentation | undefined;
  delivered(presentation: Presentation): void;
  /** A refresh with this token; the presentation notes whether it took effect. */
  use(refreshToken: string, presentation: Presentation): Use;
  deathOf(grant: Grant, now: number): { readonly why: DeathCause; readonly at: number } | undefined;
  end(grant: Grant, why: 'revoked' | 'family_revoked'): void;
}

export function createLedger(options: { readonly clock: Clock; readonly random: Random }): Ledger {
  const { clock, random } = options;
  const grants = new Map<string, Grant>();
  const byRefreshToken = new Map<string, { grant: Grant; token: IssuedToken }>();
  const byAccessToken = new Map<string, Grant>();
  const presentations: Presentation[] = [];
  let order = 0;

  function issue(grant: Grant, usedAt: number): IssuedToken {
    const value = mintToken(grant.shape, 'refresh', random);
    const token: IssuedToken = { value, generation: grant.tokens.length, issuedAt: usedAt, usedAt };
    grant.tokens.push(token);
    byRefreshToken.set(value, { grant, token });
    return token;
  }

  function newAccessToken(grant: Grant): string {
    const value = mintToken(grant.shape, 'access', random);
    byAccessToken.set(value, grant);
    return value;
  }

  function end(grant: Grant, why: 'revoked' | 'family_revoked'): void {
    grant.ended ??= deathOf(grant, clock.now()) ?? { why, at: clock.now() };
  }

  function use(refreshToken: string, presentation: Presentation): Use {
    const found = byRefreshToken.get(refreshToken);
    if (found === undefined) return { ok: false, why: 'unknown' };
    const { grant, token } = found;
    const now = clock.now();
    const death = deathOf(grant, now);
    if (death !== undefined) return { ok: false, why: death.why };
    if (token.supersededAt !== undefined && now - token.supersededAt >= grant.rules.graceMs) {
      if (grant.rules.reuse === 'revoke_family') end(grant, 'family_revoked');
      return { ok: false, why: 'superseded' };
    }
    presentation.committed = true;
    const current = grant.tokens.at(-1) ?? token;
    if (token === current && grant.rules.rotates) {
      token.supersededAt = now;
      return { ok: true, refreshToken: issue(grant, now).value, accessToken: newAccessToken(grant) };
    }
    current.usedAt = now;
    return { ok: true, refreshToken: current.value, accessToken: newAccessToken(grant) };
  }

  return {
    presentations,
    grants,
    add(input, firstUsedAt) {
      const grant: Grant = { ...input, tokens: [], presentations: [] };
      grants.set(grant.connection, grant);
      issue(grant, firstUsedAt);
      return grant;
    },
    grantOf(connection) {
      const grant = grants.get(connection);
      if (grant === undefined) throw new Error(`the sandbox knows no connection ${connection}`);
      return grant;
    },
    find: (refreshToken) => byRefreshToken.get(refreshToken),
    grantOfAccessToken: (accessToken) => byAccessToken.get(accessToken),
    newAccessToken,
    looseAccessToken: (shape) => mintToken(shape, 'access', random),
    present(refreshToken, by) {
      const found = byRefreshToken.get(refreshToken);
      if (found === undefined) return undefined;
      const { grant, token } = found;
      const about = { connection: grant.connection, provider: grant.provider, generation: token.generation, grant };
      const presentation = { ...about, at: clock.now(), order: order++, by, committed: false, status: 0 };
      presentations.push(presentation);
      grant.presentations.push(presentation);
      return presentation;
    },
    delivered(presentation) {
      presentation.deliveredOrder = order++;
    },
    use,
    deathOf,
    end,
  };
}

/** When and of what a grant died, by its own rules; undefined while its newest token lives. */
function deathOf(grant: Grant, now: number): { why: DeathCause; at: number } | undefined {
  if (grant.ended !== undefined) return grant.ended;
  const { idleMs = Number.POSITIVE_INFINITY, absoluteMs = Number.POSITIVE_INFINITY } = grant.rules;
  const idleEnd = (grant.tokens.at(-1)?.usedAt ?? grant.consentedAt) + idleMs;
  const absoluteEnd = grant.consentedAt + absoluteMs;
  const at = Math.min(idleEnd, absoluteEnd);
  if (now < at) return undefined;
  return { why: absoluteEnd <= idleEnd ? 'expired_absolute' : 'expired_idle', at };
}
