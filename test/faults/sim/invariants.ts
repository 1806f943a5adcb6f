/**
 * What must hold after every event of the simulated world. A violation is said once, with the event it came with. What
 * the design says cannot be saved is no violation: it is counted, window by window.
 */
import { readFlag } from '../../../src/connection/flag.ts';
import { stage } from '../../../src/rotation/ports.ts';
import { createIntentRule, type IntentSources } from './invariant-intent.ts';
import { createLossRule, type LossSources, type Window } from './invariant-loss.ts';
import type { Place, PlaceSources, Places } from './places.ts';

export type Property =
  | 'lostTokens'
  | 'doubleSpends'
  | 'familiesRevoked'
  | 'newerOverwritten'
  | 'falseReconsents'
  | 'recordDeletedEarly'
  | 'postWithoutIntent';

export interface Violation {
  readonly property: Property;
  readonly connection: string;
  readonly what: string;
}

/** Something that happened: the effect of a call, or a thing done to the world (`world.kill`, `world.flush`). */
export interface Happened {
  readonly actor: string;
  readonly name: string;
  readonly ours: boolean;
}

export interface InvariantSources extends LossSources, IntentSources {
  readonly places: Places;
  readonly labelled: PlaceSources['labelled'];
  readonly tags: (connection: string) => Readonly<Record<string, string>>;
  /** When a token was given out, over all grants of a connection; undefined: by nobody we know. */
  readonly orderOf: (connection: string, token: string) => number | undefined;
  /** Spends of a spent token by us outside the rule for unanswered requests, so far. */
  readonly doubleSpends: (connection: string) => number;
  /** Grants that died because we presented a spent token, so far. */
  readonly revokedByUs: (connection: string) => number;
}

export interface Invariants {
  /** Looks at everything an event of this name can have changed. */
  check(event: Happened): readonly Violation[];
  /** Losses nobody can prevent, by window. */
  readonly windowLosses: Readonly<Record<Window, number>>;
}

/** Events after which every token, flag and record is where it was. */
const harmless =
  /^(?:lease|clients|index|due|permits)\.|^disk\.(?:names|read|reopen)$|^store\.(?:read|readMany|describe|versions|list)$|^mirror\.(?:of|connections)$/;

export function createInvariants(sources: InvariantSources): Invariants {
  const { places, connections } = sources;
  const loss = createLossRule(sources);
  const intents = createIntentRule(sources);
  const current = new Map<string, { versionId: string; order: number | undefined }>();
  const answered = new Map<string, ReadonlyMap<string, string | undefined>>();
  const counted = new Map<string, number>();
  const flagged = new Set<string>();

  /** How much a count has grown since it was last looked at. */
  function grown(key: string, count: number): boolean {
    const before = counted.get(key) ?? 0;
    counted.set(key, count);
    return count > before;
  }

  function overwritten(connection: string, event: Happened): string | undefined {
    const version = [...sources.labelled(connection)].find(({ stages }) => stages.includes(stage.current));
    const before = current.get(connection);
    if (version === undefined || version.versionId === before?.versionId) return undefined;
    const token = sources.sealed.inValue(version.value);
    const order = token === undefined ? undefined : sources.orderOf(connection, token);
    current.set(connection, { versionId: version.versionId, order });
    const older = event.ours && before?.order !== undefined && order !== undefined && order < before.order;
    return older ? `AWSCURRENT went from token ${before.order} back to token ${order}` : undefined;
  }

  function deletedEarly(connection: string, found: readonly Place[], event: Happened): string | undefined {
    const before = answered.get(connection);
    const now = new Map(places.answered(connection).map(({ kind, attempt, token }) => [`${kind} ${attempt}`, token]));
    answered.set(connection, now);
    if (before === undefined || !event.ours) return undefined;
    const accepted = sources.accepted(connection);
    const stored = (token: string) =>
      found.some((place) => place.token === token && !['disk', 'mirror', 'worker', 'foreign'].includes(place.kind));
    for (const [record, token] of before) {
      const gone = token !== undefined && !now.has(record);
      if (!gone || !accepted.includes(token)) continue;
      // Within a grace window older ones are accepted as well: what came later is as good.
      const order = sources.orderOf(connection, token) ?? 0;
      const asGood = (other: string) => (sources.orderOf(connection, other) ?? 0) >= order && stored(other);
      if (!accepted.some(asGood)) return `record ${record} went before its token was stored`;
    }
    return undefined;
  }

  function falseFlag(connection: string, found: readonly Place[]): string | undefined {
    const flag = readFlag(sources.tags(connection));
    const version = [...sources.labelled(connection)].find(({ stages }) => stages.includes(stage.current));
    if (flag?.state !== 'reauth_required' || flag.version !== version?.versionId) return undefined;
    const key = `${connection} ${flag.version}`;
    if (flagged.has(key)) return undefined;
    flagged.add(key);
    const accepted = sources.accepted(connection);
    const alive = found.find(({ kind, token }) => kind !== 'foreign' && accepted.includes(token));
    return alive === undefined
      ? undefined
      : `asked for consent (${flag.reason}) while ${alive.kind} holds the live token`;
  }

  function* checkOne(connection: string, event: Happened): Iterable<Violation> {
    const found = places.of(connection);
    const say = (property: Property, what: string | undefined): Violation[] =>
      what === undefined ? [] : [{ property, connection, what: `${what} (${event.actor} ${event.name})` }];
    yield* say('lostTokens', loss.lost(connection, found));
    yield* say('newerOverwritten', overwritten(connection, event));
    yield* say('recordDeletedEarly', deletedEarly(connection, found, event));
    yield* say('falseReconsents', falseFlag(connection, found));
    const again = grown(`spent ${connection}`, sources.doubleSpends(connection));
    yield* say('doubleSpends', again ? 'a spent token was presented again' : undefined);
    const revoked = grown(`revoked ${connection}`, sources.revokedByUs(connection));
    yield* say('familiesRevoked', revoked ? 'a grant was revoked for what we presented' : undefined);
  }

  return {
    windowLosses: loss.windowLosses,
    check(event) {
      if (harmless.test(event.name)) return [];
      intents.look();
      const violations = connections.flatMap((connection) => [...checkOne(connection, event)]);
      const post = event.ours && event.name === 'provider.request' ? intents.objection(event.actor) : undefined;
      if (post !== undefined) violations.push({ property: 'postWithoutIntent', ...post });
      return violations;
    },
  };
}
