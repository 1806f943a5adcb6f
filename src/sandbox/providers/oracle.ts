/**
 * The judge's answers: which token of a connection is live, of what and when it died, and what the service did with tokens
 * it should not have touched. Read-only but for the customer's application, which may refresh by itself.
 */
import type { DeathCause, Grant, Ledger, Presentation } from './ledger.ts';

export interface TokenHistory {
  readonly value: string;
  readonly generation: number;
  readonly issuedAt: number;
  readonly supersededAt?: number;
}

export interface Oracle {
  /** The refresh token that works now; undefined where the connection is dead. */
  liveToken(connection: string): string | undefined;
  /** True when this very token would be taken now, grace windows included. */
  isLive(refreshToken: string): boolean;
  death(connection: string): { readonly why: DeathCause; readonly at: number } | undefined;
  /** When the connection died (epoch ms); undefined while it lives. */
  diedAt(connection: string): number | undefined;
  /** When it dies if nobody refreshes it (epoch ms); Infinity where it never does. */
  diesAt(connection: string): number;
  connections(): readonly string[];
  tokens(connection: string): readonly TokenHistory[];
  presentations(connection?: string): readonly Presentation[];
  /** Tokens the service showed again after a use of theirs had taken effect and been answered to the last byte. */
  doubleSpends(connection?: string): readonly Presentation[];
  /** The same, where that use was the customer's application: nobody's fault if the two crossed. */
  crossedSpends(connection?: string): readonly Presentation[];
  /** Tokens the service showed again after an earlier showing of theirs that was never answered completely. */
  secondTries(connection?: string): readonly Presentation[];
  /** Refreshes of the service that took effect. */
  refreshes(provider?: string): number;
  /** The customer's application refreshes by itself. Throws when the connection is dead. */
  applicationRefresh(connection: string): { readonly refreshToken: string; readonly accessToken: string };
}

export function createOracle(ledger: Ledger, now: () => number): Oracle {
  const shown = (connection: string | undefined) =>
    ledger.presentations.filter((one) => connection === undefined || one.connection === connection);
  const death = (connection: string) => ledger.deathOf(ledger.grantOf(connection), now());
  return {
    liveToken: (connection) =>
      death(connection) === undefined ? ledger.grantOf(connection).tokens.at(-1)?.value : undefined,
    isLive(refreshToken) {
      const found = ledger.find(refreshToken);
      if (found === undefined || ledger.deathOf(found.grant, now()) !== undefined) return false;
      const { supersededAt } = found.token;
      return supersededAt === undefined || now() - supersededAt < found.grant.rules.graceMs;
    },
    death,
    diedAt: (connection) => death(connection)?.at,
    diesAt: (connection) => diesAt(ledger.grantOf(connection)),
    connections: () => [...ledger.grants.keys()],
    tokens: (connection) => ledger.grantOf(connection).tokens.map(({ usedAt: _, ...token }) => ({ ...token })),
    presentations: (connection) => shown(connection).map((one) => ({ ...one })),
    doubleSpends: (connection) => shown(connection).filter((one) => isRepeat(one, 'service')),
    crossedSpends: (connection) => shown(connection).filter((one) => isRepeat(one, 'application')),
    secondTries: (connection) => shown(connection).filter((one) => isSecondTry(one)),
    refreshes: (provider) =>
      ledger.presentations.filter(
        (one) => one.by === 'service' && one.committed && (provider ?? one.provider) === one.provider,
      ).length,
    applicationRefresh(connection) {
      const token = ledger.grantOf(connection).tokens.at(-1);
      const presentation = token && ledger.present(token.value, 'application');
      if (token === undefined || presentation === undefined)
        throw new Error(`the connection ${connection} never had a token`);
      const used = ledger.use(token.value, presentation);
      ledger.delivered(presentation);
      if (!used.ok) throw new Error(`the connection ${connection} is dead: ${used.why}`);
      return { refreshToken: used.refreshToken, accessToken: used.accessToken };
    },
  };
}

function diesAt(grant: Grant): number {
  if (grant.ended !== undefined) return grant.ended.at;
  const idleEnd = (grant.tokens.at(-1)?.usedAt ?? grant.consentedAt) + (grant.rules.idleMs ?? Number.POSITIVE_INFINITY);
  return Math.min(idleEnd, grant.consentedAt + (grant.rules.absoluteMs ?? Number.POSITIVE_INFINITY));
}

function earlier(one: Presentation): Presentation[] {
  return one.grant.presentations.filter((other) => other.generation === one.generation && other.order < one.order);
}

/** A token that stays the same is shown again and again by design. */
function isRepeat(one: Presentation, by: Presentation['by']): boolean {
  if (one.by !== 'service' || !one.grant.rules.rotates) return false;
  return earlier(one).some((other) => other.by === by && other.committed && deliveredBefore(other, one));
}

function isSecondTry(one: Presentation): boolean {
  if (one.by !== 'service') return false;
  const before = earlier(one).filter((other) => other.by === 'service');
  return before.some((other) => !deliveredBefore(other, one)) && !isRepeat(one, 'service');
}

function deliveredBefore(other: Presentation, one: Presentation): boolean {
  return other.deliveredOrder !== undefined && other.deliveredOrder < one.order;
}
