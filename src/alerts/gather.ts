/**
 * All conditions of one look, from one pass over the index and what else is known. Pure and page by page: what is kept is
 * a count per provider and client, and the conditions themselves.
 */
import { type ClientAtHost, clientKey, type IndexEntry, type Reason } from '../connection/entry.ts';
import type { ClientHealth } from '../rotation/ports.ts';
import { type Condition, clientIncidentKey, sharedKey } from './condition.ts';
import { conditionOf, type EntryRules } from './from-entry.ts';
import { belongsTo, type MassState, massOf, type Refusals, refusalsOf } from './mass.ts';

export interface Facts {
  readonly clients: readonly { readonly at: ClientAtHost; readonly health: ClientHealth }[];
  /** `unchangedMs`: for how long this process has seen no newer one. By its own clock: calendars of two machines differ. */
  readonly lamps: readonly {
    readonly name: string;
    readonly lastAt: number | null;
    readonly everyMs: number;
    readonly unchangedMs: number;
  }[];
  readonly channels: readonly { readonly name: string; readonly failingSince: number; readonly why: string }[];
  readonly foreign: readonly { readonly connection: string; readonly provider: string; readonly at: number }[];
  readonly mass: ReadonlyMap<string, MassState>;
}

export interface Gathered {
  readonly conditions: readonly Condition[];
  /** The state of every provider with a mass of refusals, to be remembered and asked for before a flag is set. */
  readonly mass: ReadonlyMap<string, MassState>;
  /** Clients with an open breaker that no connection uses. */
  readonly unusedClients: readonly ClientAtHost[];
}

interface Tally {
  total: number;
  refusals: Refusals;
  readonly reasons: Map<Reason, { count: number; since: number }>;
}

const storeReasons = {
  store_denied: ['store_denied', 'page'],
  store_throttled: ['store_throttled', 'warn'],
  store_unavailable: ['store_down', 'page'],
} as const satisfies Partial<Record<Reason, readonly [Condition['kind'], Condition['severity']]>>;

const minuteMs = 60_000;
/** A write that takes longer than this has a store that does not take it. */
const sealedWarnMs = 5 * minuteMs;
const sealedPageMs = 30 * minuteMs;
/** Fewer connections than this say nothing of their provider. */
const downMin = 3;
const downForMs = 10 * minuteMs;
const foreignForMs = 24 * 60 * minuteMs;
/** Runs that may be missed before the scheduler counts as stale. */
const staleRuns = 3;

export function createGatherer(now: number, rules: EntryRules, facts: Facts) {
  const providers = new Map<string, Tally>();
  const clients = new Map<string, { total: number; blocked: number }>();
  const own: { condition: Condition; entry: IndexEntry }[] = [];
  let sealed: { count: number; since: number } | undefined;
  let total = 0;

  return {
    add(entries: readonly IndexEntry[]): void {
      for (const entry of entries) {
        total += 1;
        const tally = providers.get(entry.at.provider) ?? emptyTally();
        providers.set(entry.at.provider, tally);
        tally.total += 1;
        tally.refusals = refusalsOf(tally.refusals, entry, now, facts.mass.get(entry.at.provider));
        if (entry.state === 'retrying' || entry.state === 'sealed') count(tally.reasons, entry);
        const client = clients.get(clientKey(entry.at)) ?? { total: 0, blocked: 0 };
        clients.set(clientKey(entry.at), client);
        client.total += 1;
        if (entry.state === 'blocked' || entry.state === 'suspect') client.blocked += 1;
        if (entry.state === 'sealed')
          sealed = { count: (sealed?.count ?? 0) + 1, since: Math.min(sealed?.since ?? now, entry.since) };
        const condition = conditionOf(entry, now, rules);
        if (condition !== undefined) own.push({ condition, entry });
      }
    },
    result(): Gathered {
      const mass = new Map<string, MassState>();
      for (const [provider, { refusals, total: of }] of providers) {
        const state = massOf(facts.mass.get(provider), refusals, of, now);
        if (state !== undefined) mass.set(provider, state);
      }
      const open = facts.clients.filter(({ health }) => health.breaker === 'open').map(({ at }) => at);
      const unusedClients = open.filter((at) => !clients.has(clientKey(at)));
      return { conditions: [...single(mass), ...shared(mass)], mass, unusedClients };
    },
  };

  /** Those of one connection, but for the ones a mass of refusals stands for. */
  function* single(mass: ReadonlyMap<string, MassState>): Iterable<Condition> {
    for (const { condition, entry } of own) {
      const state = mass.get(entry.at.provider);
      const folded = condition.kind === 'reauth_required' && state !== undefined && belongsTo(state, entry);
      if (!folded) yield condition;
    }
    for (const { connection, provider, at } of facts.foreign) {
      if (now - at >= foreignForMs) continue;
      const key = `${rules.install}/connection/${connection}/writer`;
      yield { key, kind: 'foreign_writer', severity: 'warn', about: { connection, provider }, since: at };
    }
  }

  function* shared(mass: ReadonlyMap<string, MassState>): Iterable<Condition> {
    const { install } = rules;
    for (const { at, health } of facts.clients) {
      if (health.breaker !== 'open') continue;
      const { total: of, blocked } = clients.get(clientKey(at)) ?? { total: 0, blocked: 0 };
      // Nobody waits for it, and nothing would ever succeed with it.
      if (of === 0) continue;
      yield {
        key: clientIncidentKey(install, at),
        kind: 'client_rejected',
        severity: 'page',
        about: { provider: at.provider, environment: at.environment, client: at.client, host: at.host },
        since: health.openedAt ?? now,
        hits: { count: blocked, of },
        ...(health.breakerReason === '' ? {} : { detail: health.breakerReason }),
      };
    }
    for (const [provider, state] of mass) {
      const { refusals, total: of = 0 } = providers.get(provider) ?? emptyTally();
      yield {
        key: sharedKey(install, 'mass_revocation', provider),
        kind: 'mass_revocation',
        severity: 'page',
        about: { provider },
        since: state.since,
        hits: { count: refusals.sinceStart, of },
        detail: state.confirmedAt === undefined ? 'held: nobody is flagged' : 'confirmed: connections are flagged',
      };
    }
    yield* troubles();
    for (const { name, lastAt, everyMs, unchangedMs } of facts.lamps) {
      if (unchangedMs < staleRuns * everyMs + minuteMs) continue;
      const since = lastAt ?? now - unchangedMs;
      yield {
        key: sharedKey(install, 'scheduler_stale', name),
        kind: 'scheduler_stale',
        severity: 'page',
        about: {},
        since,
        detail: name,
      };
    }
    for (const { name, failingSince, why } of facts.channels)
      yield {
        key: sharedKey(install, 'channel_failing', name),
        kind: 'channel_failing',
        severity: 'page',
        about: { channel: name },
        since: failingSince,
        detail: why,
      };
  }

  /** What connections that wait say of the store and of their provider. */
  function* troubles(): Iterable<Condition> {
    const { install } = rules;
    const store = new Map<keyof typeof storeReasons, { count: number; since: number }>();
    for (const [provider, { reasons, total: of }] of providers) {
      const away = ['network', 'provider_unavailable'] as const;
      const hit = away.map((reason) => reasons.get(reason)).filter((one) => one !== undefined);
      const down = hit.reduce((sum, one) => sum + one.count, 0);
      const since = Math.min(...hit.map((one) => one.since));
      if (down >= downMin && now - since >= downForMs && !succeededSince(provider, now - downForMs))
        yield {
          key: sharedKey(install, 'provider_down', provider),
          kind: 'provider_down',
          severity: 'warn',
          about: { provider },
          since,
          hits: { count: down, of },
        };
      for (const reason of Object.keys(storeReasons) as (keyof typeof storeReasons)[]) {
        const one = reasons.get(reason);
        const before = store.get(reason);
        if (one !== undefined)
          store.set(reason, {
            count: (before?.count ?? 0) + one.count,
            since: Math.min(before?.since ?? now, one.since),
          });
      }
    }
    for (const [reason, { count: hit, since }] of store) {
      const [kind, severity] = storeReasons[reason];
      yield { key: sharedKey(install, kind), kind, severity, about: {}, since, hits: { count: hit, of: total } };
    }
    if (sealed !== undefined && now - sealed.since >= sealedWarnMs)
      yield {
        key: sharedKey(install, 'spool_not_empty'),
        kind: 'spool_not_empty',
        severity: now - sealed.since >= sealedPageMs ? 'page' : 'warn',
        about: {},
        since: sealed.since,
        hits: { count: sealed.count, of: total },
      };
  }

  function succeededSince(provider: string, since: number): boolean {
    return facts.clients.some(({ at, health }) => at.provider === provider && (health.lastSuccessAt ?? 0) > since);
  }
}

function count(reasons: Tally['reasons'], { reason, since }: IndexEntry): void {
  const before = reasons.get(reason);
  reasons.set(reason, { count: (before?.count ?? 0) + 1, since: Math.min(before?.since ?? since, since) });
}

function emptyTally(): Tally {
  return { total: 0, refusals: { recent: 0, sinceStart: 0 }, reasons: new Map() };
}
