/**
 * The latest events in words: what the world did to the service and what the service made of it. Refreshes that simply
 * worked are counted and not told one by one; a trouble that repeats itself is told once.
 */
import { spanInWords } from '../../connection/time-words.ts';
import { describeReason } from '../../connection/words.ts';
import type { ServiceReport, ShownIncident } from './ports.ts';

export interface Told {
  readonly at: number;
  /** `world`: something was done to it. `trouble`: the service met something. `good`: it came to a good end. */
  readonly kind: 'world' | 'trouble' | 'good';
  readonly words: string;
}

export interface Chronicle {
  world(at: number, words: string): void;
  hear(at: number, report: ServiceReport): void;
  /** What on-call hears of now: openings and ends are told, what stays open is not. */
  incidents(at: number, open: readonly ShownIncident[]): void;
  /** Incidents that began and that ended so far. */
  counts(): { readonly opened: number; readonly ended: number };
  /** The newest, oldest first. */
  latest(): readonly Told[];
  /** The last refresh that worked, in words. */
  lastRefresh(): string;
  refreshed(): number;
}

/** More than a screen shows. */
const keptMax = 50;

export function createChronicle(tell: (told: Told) => void): Chronicle {
  const all: Told[] = [];
  const troubles = new Map<string, string>();
  let open: ReadonlyMap<string, ShownIncident> = new Map();
  const counted = { opened: 0, ended: 0 };
  let lastRefresh = '';
  let refreshed = 0;

  function add(told: Told): void {
    all.push(told);
    if (all.length > keptMax) all.shift();
    tell(told);
  }

  function hearRefresh(at: number, { connection, foreign, marginMs }: ServiceReport): void {
    refreshed += 1;
    lastRefresh = `${connection}${marginMs === undefined ? '' : `, with ${spanInWords(marginMs)} to spare`}`;
    if (foreign === 'saved_other_field')
      add({ at, kind: 'good', words: `${connection} refreshed; the field its application saved meanwhile is kept` });
    else if (troubles.has(connection)) add({ at, kind: 'good', words: `${connection} refreshed after all` });
    troubles.delete(connection);
  }

  return {
    world: (at, words) => add({ at, kind: 'world', words }),
    hear(at, report) {
      const { connection, outcome, reason, breakerOpened } = report;
      if (outcome === 'rotated') return hearRefresh(at, report);
      // Nothing was due, or Redis is too young to be trusted with a lease: no news.
      if (outcome === 'notDue' || outcome === 'busy') return;
      const words = sentence(report);
      if (troubles.get(connection) !== words) add({ at, kind: 'trouble', words });
      troubles.set(connection, words);
      if (breakerOpened === true && reason !== 'none')
        add({ at, kind: 'trouble', words: 'the client itself is the suspect now: its connections wait untouched' });
    },
    incidents(at, now) {
      const next = new Map(now.map((one) => [one.key, one]));
      for (const { key, title, severity } of now) {
        if (open.has(key)) continue;
        counted.opened += 1;
        add({ at, kind: 'trouble', words: `on-call hears (${severity}): ${title}` });
      }
      for (const { key, title } of open.values()) {
        if (next.has(key)) continue;
        counted.ended += 1;
        add({ at, kind: 'good', words: `on-call hears that it is over: ${title}` });
      }
      open = next;
    },
    counts: () => counted,
    latest: () => all,
    lastRefresh: () => lastRefresh,
    refreshed: () => refreshed,
  };
}

/** A trouble, the connection first. */
function sentence({ connection, outcome, reason }: ServiceReport): string {
  const { meaning } = describeReason(reason);
  switch (outcome) {
    case 'suspect':
      return `${connection} is refused: a suspicion until it is confirmed`;
    case 'needsConsent':
      return `${connection} needs a new consent. ${meaning}`;
    case 'gone':
      return `${connection} is gone: its secret is deleted`;
    case 'sealed':
      return `${connection}: the store does not take its new token, which waits sealed on disk`;
    case 'orphaned':
      return `${connection} was refreshed by its application too; theirs stays`;
    default:
      return `${connection} ${meaning === '' ? `met ${outcome}` : `waits. ${meaning}`}`;
  }
}
