/**
 * When what happens: every instant of the demo's story, as shares of its length, so that a short run lives through the same
 * story as a long one. Instants are epoch ms.
 */
import { dayMs } from './calendar.ts';

export interface Plan {
  readonly startAt: number;
  readonly endAt: number;
  /** Ends of lives that nobody can extend. */
  readonly ends: {
    readonly notExtended: readonly [number, number];
    readonly unclear: number;
    readonly authorization: number;
  };
  readonly revokeAt: number;
  readonly revokeReturningAt: number;
  readonly reconsentAt: number;
  readonly outage: { readonly from: number; readonly until: number };
  readonly wrongSecret: { readonly from: number; readonly until: number };
  readonly throttleFrom: number;
  readonly storeFailsAt: number;
  readonly deleteAt: number;
  readonly flushAt: number;
  /** When the application that refreshes by itself does so. */
  readonly ownRefreshesAt: readonly number[];
  /** When connections with a part in the story first fall due. */
  readonly firstDue: {
    readonly revoked: number;
    readonly returning: number;
    readonly ownRefresh: number;
    readonly savesField: number;
    /** Latest for a connection without a part. */
    readonly latest: number;
  };
}

/** Below this the story does not fit. */
export const daysMin = 20;
/** A fixed first morning: the same seed gives the same dates, whenever it is run. */
const firstMorning = Date.parse('2027-01-04T06:00:00Z');
/** However long the run: the story is told in its first 60 days. */
const storyDaysMax = 60;
/** A life of 30 days that began at the start or before ends within 30 days of it. */
const lifeDays = 30;

export function makePlan(days: number): Plan {
  if (!Number.isFinite(days) || days < daysMin) throw new RangeError(`the demo needs ${daysMin} days at least`);
  const story = Math.min(days, storyDaysMax);
  const at = (share: number) => firstMorning + Math.round(share * story * dayMs);
  const endingAt = (share: number) => Math.min(at(share), firstMorning + lifeDays * dayMs);
  const window = (share: number, length: number) => ({ from: at(share), until: at(share) + length * dayMs });
  return {
    startAt: firstMorning,
    endAt: firstMorning + days * dayMs,
    ends: { notExtended: [endingAt(0.5), endingAt(0.17)], unclear: endingAt(0.42), authorization: at(0.58) },
    revokeAt: at(0.07),
    revokeReturningAt: at(0.09),
    reconsentAt: at(0.4),
    outage: window(0.12, 2),
    wrongSecret: window(0.14, 4),
    throttleFrom: at(0.2),
    storeFailsAt: at(0.35),
    deleteAt: at(0.25),
    flushAt: at(0.5),
    ownRefreshesAt: [at(0.2), at(0.3), at(0.4)],
    firstDue: {
      revoked: at(0.1),
      returning: at(0.13),
      ownRefresh: at(0.05),
      savesField: at(0.1),
      latest: at(0.35),
    },
  };
}
