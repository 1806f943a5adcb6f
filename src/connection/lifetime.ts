/**
 * When a connection dies and when it is refreshed: pure functions of (document, provider, now). The provider file states
 * the rules, config may override them, the connection's facts select and anchor them. Where an anchor is unknown the
 * worst is estimated and said to be; an estimate is refreshed upon and warned about but never proves death.
 */
import type { LifetimeRule, Provider } from '../../config/provider.ts';
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

/** What an operator may say of one connection with tags. */
export interface ConnectionOverrides {
  /** `pilotlight:refresh-every`, ms. */
  readonly refreshEveryMs?: number;
  /** `pilotlight:idle-lifetime`, ms. */
  readonly idleMs?: number;
  /** `pilotlight:absolute-lifetime`, ms. */
  readonly absoluteMs?: number;
}

/** What deadlines are computed from, beside the document. */
export interface LifeFacts {
  readonly id: string;
  readonly document: ConnectionDocument;
  readonly provider: Provider;
  /** Fingerprint of the document's refresh token. */
  readonly fingerprint: string;
  /** When the current version was made (epoch ms). */
  readonly versionCreatedAt: number;
  /** What the index knew before, where it did: an anchor for a token it has seen. */
  readonly known?: { readonly fingerprint: string; readonly extendedAt: number | null };
  readonly overrides: ConnectionOverrides;
  /** Refresh also before the access token ends, for applications that only read. */
  readonly keepAccessToken: boolean;
}

export interface Life {
  readonly lifetime: Lifetime;
  /** When it is to be refreshed; null where no refresh can extend it. */
  readonly dueAt: number | null;
  readonly deadlineAt: number | null;
  readonly clock: DeadlineClock | null;
  /** The deadline rests on an estimate. */
  readonly estimated: boolean;
  /** The absolute end, where consent and rule are known: once past, death is proven. */
  readonly provenEndAt: number | null;
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
/** An access token is refreshed this early: the larger of 10 % of its life and five minutes. */
const accessMarginShare = 0.1;
const accessMarginMsMin = 300_000;

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
  const foreignSpender = spendsElsewhere(facts);
  const anchor = idleAnchor(facts);
  const ends = [...idleEnd(lifetime, anchor, document), ...absoluteEnd(lifetime, facts, anchor)];
  ends.sort((a, b) => a.at - b.at);
  const first = ends[0];
  const absolute = ends.find((end) => end.clock === 'absolute');
  const provenEndAt = absolute !== undefined && lifetime.clear && !absolute.estimated ? absolute.at : null;
  const extendable =
    lifetime.idleMs !== undefined && !(first?.clock === 'absolute' && lifetime.clear && !first.estimated);
  const due = [...(extendable ? [idleDue(facts, lifetime, anchor, foreignSpender)] : []), ...accessDue(facts)];
  return {
    lifetime,
    dueAt: due.length === 0 ? null : Math.min(...due),
    deadlineAt: first?.at ?? null,
    clock: first?.clock ?? null,
    estimated: first?.estimated === true || !lifetime.clear,
    provenEndAt,
    extendedAt: anchor.known ? anchor.at : null,
    spanMs: (first?.clock === 'absolute' ? lifetime.absoluteMs : lifetime.idleMs) ?? null,
    foreignSpender,
  };
}

interface Anchor {
  readonly at: number;
  readonly known: boolean;
}

interface End {
  readonly at: number;
  readonly clock: DeadlineClock;
  readonly estimated: boolean;
}

/** When the idle clock last started. A changed token moves it, a mere new version does not. */
function idleAnchor({ document, fingerprint, versionCreatedAt, known }: LifeFacts): Anchor {
  const { own, refreshedAt, consentedAt } = document;
  if (own.token === fingerprint && own.extendedAt !== undefined) return latest(own.extendedAt, consentedAt);
  if (known !== undefined && known.fingerprint === fingerprint && known.extendedAt !== null)
    return { at: known.extendedAt, known: true };
  // A token we did not write: its own writer's word first; a version can be newer than the token in it, never older.
  if (refreshedAt !== undefined && refreshedAt <= versionCreatedAt + 60_000) return latest(refreshedAt, consentedAt);
  if (own.token !== undefined && own.token !== fingerprint) return { at: versionCreatedAt, known: true };
  return { at: Math.min(consentedAt ?? versionCreatedAt, versionCreatedAt), known: false };
}

/** A re-consent is newer than any refresh before it. */
function latest(at: number, consentedAt: number | undefined): Anchor {
  return { at: Math.max(at, consentedAt ?? 0), known: true };
}

function idleEnd(lifetime: Lifetime, anchor: Anchor, document: ConnectionDocument): End[] {
  const said = document.own.refreshExpiresAt;
  const ends: End[] = [];
  if (lifetime.idleMs !== undefined)
    ends.push({ at: anchor.at + lifetime.idleMs, clock: 'idle', estimated: !anchor.known });
  if (said !== undefined && said > anchor.at) ends.push({ at: said, clock: 'idle', estimated: false });
  return ends;
}

function absoluteEnd(lifetime: Lifetime, { document, versionCreatedAt }: LifeFacts, anchor: Anchor): End[] {
  if (lifetime.absoluteMs === undefined) return [];
  if (document.consentedAt !== undefined) {
    return [{ at: document.consentedAt + lifetime.absoluteMs, clock: 'absolute', estimated: false }];
  }
  // Consent lies before every other sign of life: the earliest one known is the latest it can have been.
  const signs = [anchor.at, versionCreatedAt, document.refreshedAt ?? Number.POSITIVE_INFINITY];
  return [{ at: Math.min(...signs) + lifetime.absoluteMs, clock: 'absolute', estimated: true }];
}

function idleDue(facts: LifeFacts, lifetime: Lifetime, anchor: Anchor, foreignSpender: boolean): number {
  if (!anchor.known) return anchor.at;
  const every = facts.overrides.refreshEveryMs ?? facts.provider.refreshEvery;
  const interval = every ?? (lifetime.idleMs ?? 0) * (foreignSpender ? dueShareForeign : dueShare);
  const spread = 1 + (steadyFraction(facts.id) * 2 - 1) * jitterShare;
  // A set interval is a promise: spread it to the early side only.
  return anchor.at + interval * (every === undefined ? spread : Math.min(spread, 1));
}

function accessDue({ document, keepAccessToken, provider, versionCreatedAt }: LifeFacts): number[] {
  if (!keepAccessToken) return [];
  const startedAt = document.refreshedAt ?? versionCreatedAt;
  const endsAt = Math.min(
    document.expiresAt ?? startedAt + provider.accessToken.life,
    startedAt + provider.accessToken.lifeMax,
  );
  const lifeMs = Math.max(endsAt - startedAt, 0);
  // Never later than the margin before the end, and never a loop for tokens shorter than the margin.
  return [Math.max(endsAt - Math.max(lifeMs * accessMarginShare, accessMarginMsMin), startedAt + lifeMs / 2)];
}

/** Somebody else's refresh counts for two idle windows: an application that stopped is soon served as an idle one. */
function spendsElsewhere({ document, fingerprint, provider, versionCreatedAt }: LifeFacts): boolean {
  const { own } = document;
  if (own.token !== undefined && own.token !== fingerprint) return true;
  const idleMs = provider.lifetimes.find((rule) => rule.idle !== undefined)?.idle ?? 0;
  return own.foreignAt !== undefined && own.foreignAt + 2 * idleMs > versionCreatedAt;
}
