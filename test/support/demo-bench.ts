/** The demo's world under a clock that is turned by hand, and the service's own rules to hold its assumptions against. */
import { assessLife } from '../../src/connection/lifetime.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import { createClosers } from '../../src/runtime/closers.ts';
import { seededRandom } from '../../src/runtime/random.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { createCalendar } from '../../src/sandbox/demo/calendar.ts';
import { type Member, makeCast } from '../../src/sandbox/demo/cast.ts';
import { makePlan, type Plan } from '../../src/sandbox/demo/plan.ts';
import { openWorld, type World } from '../../src/sandbox/demo/world.ts';
import { type ProviderName, providerFile } from './provider-files.ts';

export interface HandClock extends Clock {
  pass(ms: number): void;
}

/** Monotonic time that passes when it is told to. */
export function handClock(): HandClock {
  let atMs = 1_000;
  return {
    now: () => atMs,
    monotonic: () => atMs,
    sleep: () => Promise.resolve(),
    pass(ms) {
      atMs += ms;
    },
  };
}

export interface DemoBench {
  readonly world: World;
  readonly plan: Plan;
  /** Turns the calendar. */
  turn(ms: number): void;
  close(): Promise<void>;
}

export async function openDemoBench(seed = 7): Promise<DemoBench> {
  const clock = handClock();
  const plan = makePlan(60);
  const calendar = createCalendar(clock, plan.startAt);
  const closers = createClosers();
  const random = seededRandom(seed);
  const world = await openWorld(calendar, makeCast(plan, random), random, closers);
  return {
    world,
    plan,
    turn(ms) {
      calendar.setSpeed(ms);
      clock.pass(1);
      calendar.setSpeed(0);
    },
    close: () => closers.closeAll(),
  };
}

/** What the service's own rules make of a member at `now`. */
export function lifeOf(member: Member, now: number) {
  const { id, provider, client, environment = 'production', scope, scopeKnown, consentedAt, refreshedAt } = member;
  return assessLife({
    id,
    document: {
      provider,
      environment,
      client,
      refreshToken: new Secret('token'),
      ...(scopeKnown && scope !== undefined ? { scope } : {}),
      consentedAt,
      refreshedAt,
      own: { spent: [] },
      source: new Secret('{}'),
    },
    provider: providerFile(provider as ProviderName),
    fingerprint: 'abc',
    versionCreatedAt: refreshedAt,
    overrides: {},
    now,
    keepAccessToken: false,
  });
}
