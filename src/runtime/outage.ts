/**
 * Which of the services we stand on is away, since when and how: told apart from a single call that failed. Whoever asks them
 * notes what came of it; readiness and the log say it. Calendar instants, not ages, so that nothing here need be refreshed.
 */
import type { Clock } from './clock.ts';

export interface Outage {
  /** A stable word: how it is away. */
  readonly why: string;
  /** When it first failed with no success since (epoch ms). */
  readonly since: number;
}

export interface Outages {
  /** A call failed; `why` is a stable word. */
  failed(name: string, why: string): void;
  worked(name: string): void;
  /** What is away now, by name. */
  read(): ReadonlyMap<string, Outage>;
  of(name: string): Outage | undefined;
}

/** Told when something goes away, comes to be away in another way, or is back (`now` undefined). Must not throw. */
export type OutageChanged = (name: string, now: Outage | undefined, before: Outage | undefined) => void;

/** One call that failed among many that worked is none; before the first that worked, one is enough. */
const inARow = 3;

export function createOutages(clock: Pick<Clock, 'now'>, changed: OutageChanged): Outages {
  const away = new Map<string, Outage>();
  const known = new Map<string, { failures: number; since: number; everWorked: boolean }>();
  return {
    failed(name, why) {
      const before = known.get(name) ?? { failures: 0, since: 0, everWorked: false };
      const since = before.failures === 0 ? clock.now() : before.since;
      const failures = before.failures + 1;
      known.set(name, { ...before, failures, since });
      const outage = away.get(name);
      if (outage?.why === why || (before.everWorked && failures < inARow)) return;
      const now = { why, since: outage?.since ?? since };
      away.set(name, now);
      changed(name, now, outage);
    },
    worked(name) {
      known.set(name, { failures: 0, since: 0, everWorked: true });
      const before = away.get(name);
      if (!away.delete(name)) return;
      changed(name, undefined, before);
    },
    read: () => away,
    of: (name) => away.get(name),
  };
}
