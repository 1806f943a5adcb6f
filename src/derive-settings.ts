/** What parts need to know, derived from the configuration: pure. */
import { createHash } from 'node:crypto';
import type { Config } from '../config/derive.ts';
import type { IndexEntry } from './connection/entry.ts';
import { type Alarms, alarmsOf, type Life, type Thresholds, type Urgency, urgencyOf } from './connection/urgency.ts';
import type { RotationSettings } from './rotation/settings.ts';
import type { SweepSettings } from './schedule/sweep.ts';

export function rotationSettings({ rotation, spool }: Config): RotationSettings {
  return {
    leaseMs: rotation.lease,
    requestLimitMs: rotation.requestLimit,
    writeLimitMs: rotation.writeLimit,
    coolDownMs: rotation.coolDown,
    confirmAfterMs: rotation.confirmAfter,
    probeEveryMs: rotation.probeEvery,
    breakerThreshold: rotation.breakerThreshold,
    retryFirstMs: rotation.retry.first,
    retryMaxMs: rotation.retry.max,
    unwrittenMax: spool.unwrittenMax,
    urgentMs: rotation.urgentWithin,
  };
}

/** Connections moved from due to ready in one go: a second's work for Redis at most. */
const promoteMax = 5_000;

export function sweepSettings({ rotation }: Config): SweepSettings {
  return {
    queueDepth: rotation.queueDepth,
    promoteMax,
    // A job that is lost comes back once its lease can no longer be held.
    lookAgainMs: 2 * rotation.lease,
    probeEveryMs: rotation.probeEvery,
    urgentMs: rotation.urgentWithin,
  };
}

/** A provider's own thresholds, where they are set, in place of everybody's. */
export function thresholdsOf({ thresholds }: Config, provider: string): Thresholds {
  const { warn, page, absolute } = { ...thresholds, ...defined(thresholds.providers[provider]) };
  return {
    warnMsMax: warn.left,
    warnShare: warn.share,
    pageMsMax: page.left,
    pageShare: page.share,
    absoluteMarksMs: absolute,
  };
}

function defined<T extends object>(some: T | undefined): { [K in keyof T]?: NonNullable<T[K]> } {
  const given = Object.entries(some ?? {}).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as { [K in keyof T]?: NonNullable<T[K]> };
}

/** What a connection's own tags say comes before both; it counts whatever the length of its life. */
function withOwn(thresholds: Thresholds, { warnMs, pageMs }: IndexEntry): Thresholds {
  if (warnMs === undefined && pageMs === undefined) return thresholds;
  const marks = [warnMs ?? Math.max(...thresholds.absoluteMarksMs), pageMs ?? Math.min(...thresholds.absoluteMarksMs)];
  return {
    ...thresholds,
    ...(warnMs === undefined ? {} : { warnMsMax: warnMs, warnShare: 1 }),
    ...(pageMs === undefined ? {} : { pageMsMax: pageMs, pageShare: 1 }),
    absoluteMarksMs: marks,
  };
}

/** The urgency of an index entry. */
export function entryUrgency(config: Config): (entry: IndexEntry, now: number) => Urgency {
  return (entry, now) => urgencyOf(lifeOf(config, entry), now, withOwn(thresholdsOf(config, entry.at.provider), entry));
}

/** When an index entry becomes urgent if nothing happens. */
export function entryAlarms(config: Config): (entry: IndexEntry) => Alarms | undefined {
  return (entry) => alarmsOf(lifeOf(config, entry), withOwn(thresholdsOf(config, entry.at.provider), entry));
}

/**
 * Its life's length is the provider's rule for the clock its deadline comes from, or what the provider said of this token
 * where that is less. A limit that no rule has (a tag of the secret) is taken for long: the caps count then.
 */
function lifeOf(config: Config, { at, clock, deadlineAt, extendedAt }: IndexEntry): Life {
  const rules = config.providers[at.provider]?.lifetimes ?? [];
  const spans = rules.map((rule) => (clock === 'absolute' ? rule.absolute : rule.idle));
  const ruled = spans.find((span) => span !== undefined) ?? Number.POSITIVE_INFINITY;
  const isIdle = clock === 'idle' && deadlineAt !== null && extendedAt !== null && deadlineAt > extendedAt;
  return { deadlineAt, clock, spanMs: isIdle ? Math.min(ruled, deadlineAt - extendedAt) : ruled };
}

/**
 * Digest of what a connection is judged by: with another one, what is indexed is judged anew, once. The pace towards a
 * provider is no part of it, so that tuning it costs nothing. 8 characters, of names and rules only.
 */
export function rulesDigest({ providers, clients, fields, environment }: Config): string {
  const judging = {
    providers: Object.entries(providers).map(([name, { limits: _, ...rules }]) => [name, rules]),
    clients: Object.entries(clients).map(([name, { provider }]) => [name, provider]),
    fields,
    environment,
  };
  return createHash('sha256').update(JSON.stringify(judging)).digest('base64url').slice(0, 8);
}
