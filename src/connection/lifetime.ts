/**
 * When a connection dies and when it is refreshed: pure functions of (document, provider, now). The provider file states
 * the rules, config may override them, the connection's facts select and anchor them. Where an anchor is unknown the
 * worst is estimated and said to be; an estimate is refreshed upon and warned about but never proves death.
 */
import type { LifetimeRule, Provider } from '../../config/provider.ts';
import {
  type Anchor,
  type ConnectionOverrides,
  holdsForeignToken,
  idleAnchor,
  isReconsented,
  type LifeFacts,
  spendsElsewhere,
} from './anchor.ts';
import type { ConnectionDocument } from './document.ts';
import type { DeadlineClock } from './entry.ts';
import { steadyFraction } from './fingerprint.ts';

/** The rule by which a refresh token dies. */
export interface Lifetime {
  /** Idle window in ms: each refresh starts it anew. */
  readonly idleMs?: number;
  /** Life from consent in ms, whatever we do. */
  readonly absoluteMs?: number;
  /** False where the facts do not say which rule holds: refreshed as if it helped, warned about as if it did not. */
  readonly clear: boolean;
  readonly advice?: string;
}

export interface Life {
  readonly lifetime: Lifetime;
  /** When it is to be refreshed; null where that helps nothing. */
  readonly dueAt: number | null;
  readonly deadlineAt: number | null;
  readonly clock: DeadlineClock | null;
  /** The deadline rests on an estimate. */
  readonly estimated: boolean;
  /** The absolute end, where consent and rule are known: once past, death is proven. */
  readonly provenEndAt: number | null;
  /** No refresh can extend it, and none is wanted for its access token. */
  readonly unkeepable: boolean;
  readonly extendedAt: number | null;
  /** Length of the life the deadline belongs to, ms: thresholds are shares of it. */
  readonly spanMs: number | null;
  /** Somebody else refreshes this connection too. */
  readonly foreignSpender: boolean;
}

/** Share of the idle window after which we refresh: leaves two thirds of it to ride out an outage. */
const dueShare = 1 / 3;
/** Where an application refreshes by itself we only serve its idle connections. */
const dueShareForeign = 2 / 3;
/** Spread of due instants, so that connections made on one day do not fall due in one minute. */
const jitterShare = 0.1;
/** However seldom somebody wants it refreshed: never later in the idle window than this, or one failure would be its end. */
const latestShare = 0.9;
/** A provider that gives a refresh token less than this is not believed: it would be refreshed without end. */
const saidMsMin = 60_000;
/** An access token is refreshed this early: the larger of 10 % of its life and five minutes. */
const accessMarginShare = 0.1;
const accessMarginMsMin = 300_000;
/**
 * Nothing is refreshed more often for its access token than this, whatever life a provider gives it: 96 times a day.
 * Secrets Manager keeps each version for 24 hours and about a hundred of them; then it takes no more, spent token or not.
 */
const accessEveryMsMin = 900_000;

/** The rule that holds for a connection: the first of the provider's whose condition does. */
export function selectLifetime(
  document: ConnectionDocument,
  provider: Provider,
  overrides: ConnectionOverrides,
): Lifetime {
  const rule = provider.lifetimes.find((candidate) => holds(candidate, document.scope)) ?? {
    idle: undefined,
    absolute: undefined,
  };
  const idleMs = overrides.idleMs ?? rule.idle;
  const absoluteMs = overrides.absoluteMs ?? rule.absolute;
  const advice = 'advice' in rule ? rule.advice : undefined;
  return {
    ...(idleMs === undefined ? {} : { idleMs }),
    ...(absoluteMs === undefined ? {} : { absoluteMs }),
    ...(advice === undefined ? {} : { advice }),
    clear: !('when' in rule && rule.when?.scopeUnknown === true),
  };
}

function holds(rule: LifetimeRule, scope: string | undefined): boolean {
  const when = rule.when;
  if (when === undefined) return true;
  const words = scope?.split(/[\s,+]+/);
  if (when.scopeUnknown === true && words !== undefined) return false;
  if (when.scopeIncludes !== undefined && words?.includes(when.scopeIncludes) !== true) return false;
  return when.scopeLacks === undefined || (words !== undefined && !words.includes(when.scopeLacks));
}

/** Deadline, due instant and what they rest on. */
export function assessLife(facts: LifeFacts): Life {
  const { document, provider, overrides } = facts;
  const lifetime = selectLifetime(document, provider, overrides);
  const anchor = idleAnchor(facts);
  const idle = idleEnds(lifetime, anchor, facts);
  const absolute = absoluteEnd(lifetime, facts, anchor);
  const [first] = [...idle, ...(absolute === undefined ? [] : [absolute])].sort((a, b) => a.at - b.at);
  const extendable = lifetime.idleMs !== undefined && !(first?.clock === 'absolute' && !first.estimated);
  const access = accessDue(facts);
  const due = [...access];
  if (extendable) due.push(idleDue(facts, anchor, idle, first));
  // Whether it died at an estimated end only an answer can say.
  else if (absolute?.estimated === true && absolute.at <= facts.now) due.push(absolute.at);
  return {
    lifetime,
    // Down, so that no fraction of a millisecond makes it later than its deadline.
    dueAt: due.length === 0 ? null : Math.floor(Math.min(...due)),
    deadlineAt: first?.at ?? null,
    clock: first?.clock ?? null,
    estimated: first?.estimated === true || !lifetime.clear,
    provenEndAt: absolute?.estimated === false ? absolute.at : null,
    unkeepable: !extendable && access.length === 0,
    extendedAt: anchor.known ? anchor.at : null,
    spanMs: first?.spanMs ?? null,
    foreignSpender: spendsElsewhere(facts),
  };
}

interface End {
  readonly at: number;
  readonly clock: DeadlineClock;
  readonly estimated: boolean;
  readonly spanMs: number;
}

function idleEnds(lifetime: Lifetime, anchor: Anchor, facts: LifeFacts): End[] {
  // What the provider said of our token says nothing of another one.
  const said = holdsForeignToken(facts) ? undefined : facts.document.own.refreshExpiresAt;
  const ends: End[] = [];
  const add = (at: number, estimated: boolean) => ends.push({ at, clock: 'idle', estimated, spanMs: at - anchor.at });
  if (lifetime.idleMs !== undefined) add(anchor.at + lifetime.idleMs, !anchor.known);
  if (said !== undefined && said >= anchor.at + saidMsMin) add(said, false);
  return ends;
}

function absoluteEnd(lifetime: Lifetime, facts: LifeFacts, anchor: Anchor): End | undefined {
  const { absoluteMs, clear } = lifetime;
  if (absoluteMs === undefined) return undefined;
  const { document, versionCreatedAt } = facts;
  const { own, consentedAt, refreshedAt } = document;
  // Where somebody else brings tokens, one of them may come from a consent that nobody wrote down.
  const othersMay =
    (own.foreignAt !== undefined && own.foreignAt >= (consentedAt ?? 0)) ||
    (holdsForeignToken(facts) && !isReconsented(facts));
  const estimated = !clear || consentedAt === undefined || othersMay;
  const never = Number.POSITIVE_INFINITY;
  // Consent lies before every other sign of life: the earliest one known is the latest it can have been.
  const signs = [own.firstSeenAt ?? never, own.extendedAt ?? never, refreshedAt ?? never, anchor.at, versionCreatedAt];
  const at = (consentedAt ?? Math.min(...signs)) + absoluteMs;
  const end = { at, clock: 'absolute', estimated, spanMs: absoluteMs } as const;
  if (!anchor.known || anchor.at < at) return end;
  // It was extended after its supposed end. An unclear rule is thereby disproved; a clear one began anew with a consent
  // that nobody wrote down.
  const lives = Math.floor((anchor.at - at) / absoluteMs) + 1;
  return clear ? { ...end, at: at + lives * absoluteMs, estimated: true } : undefined;
}

function idleDue(facts: LifeFacts, anchor: Anchor, idle: readonly End[], first: End | undefined): number {
  const latestAt = first?.at ?? anchor.at;
  if (!anchor.known && !anchor.certain) return Math.min(anchor.at, latestAt);
  const windowMs = Math.min(...idle.map(({ spanMs }) => spanMs));
  const every = facts.overrides.refreshEveryMs ?? facts.provider.refreshEvery;
  const interval = every ?? windowMs * (spendsElsewhere(facts) ? dueShareForeign : dueShare);
  const spread = 1 + (steadyFraction(facts.id) * 2 - 1) * jitterShare;
  // A set interval is a promise: spread it to the early side only.
  const waitMs = interval * (every === undefined ? spread : Math.min(spread, 1));
  return Math.min(anchor.at + Math.min(waitMs, windowMs * latestShare), latestAt);
}

function accessDue(facts: LifeFacts): number[] {
  if (!facts.keepAccessToken) return [];
  const { document, provider, versionCreatedAt } = facts;
  const { refreshedAt = versionCreatedAt, expiresAt } = document;
  // An application that refreshes may leave our note of the last refresh as it was.
  const startedAt = holdsForeignToken(facts) ? Math.max(refreshedAt, versionCreatedAt) : refreshedAt;
  const endsAt = Math.min(expiresAt ?? startedAt + provider.accessToken.life, startedAt + provider.accessToken.lifeMax);
  const lifeMs = Math.max(endsAt - startedAt, 0);
  // Never later than the margin before the end, but never a loop for tokens shorter than that: those are out of date for a while.
  const marginMs = Math.max(lifeMs * accessMarginShare, accessMarginMsMin);
  return [Math.max(endsAt - marginMs, startedAt + Math.max(lifeMs / 2, accessEveryMsMin))];
}
