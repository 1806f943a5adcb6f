/** A notice as channels are given it, and a clock whose time limits end when a test says so. */
import { kindWords } from '../../src/alerts/kinds.ts';
import type { Message, Notice } from '../../src/alerts/notice.ts';
import { type Clock, systemClock } from '../../src/runtime/clock.ts';

export const at = Date.parse('2026-11-20T08:00:00Z');

export function message(over: Partial<Message> = {}): Message {
  const { actor, action, ends } = kindWords('reauth_required');
  return {
    kind: 'reauth_required',
    title: 'Connection needs a new consent: acme/esign (oauth2, production)',
    environment: 'production',
    provider: 'oauth2',
    client: 'oauth2-main',
    connection: 'acme/esign',
    owner: 'team-contracts',
    actor,
    action,
    ends,
    facts: [
      { label: 'Deadline', value: '2026-11-23T08:00:00Z, in 3 days' },
      { label: 'Why', value: 'invalid_grant (HTTP 400)' },
    ],
    links: [
      { label: 'Re-consent', url: 'https://pilotlight.example/reconsent/acme%2Fesign' },
      { label: 'Runbook', url: 'https://pilotlight.example/runbook#reauth_required' },
      { label: 'Details', url: 'https://pilotlight.example/?connection=acme' },
    ],
    command: 'pilotlight show acme/esign',
    hits: { count: 3, of: 40 },
    ...over,
  };
}

export function notice(over: Partial<Notice> = {}): Notice {
  return {
    id: 'notice-1',
    key: 'pilotlight:production:conn:acme/esign:reauth_required',
    event: 'opened',
    severity: 'page',
    openedAt: at,
    at,
    message: message(),
    ...over,
  };
}

/** Never aborted. */
export const going = new AbortController().signal;

export interface TurnedClock extends Clock {
  turn(ms: number): void;
  /** The limits asked for, in ms. */
  readonly limits: readonly number[];
  /** Ends them all at once. */
  endLimits(): void;
}

/** The machine's clock, with a calendar that can be turned and limits that end only when told to. */
export function turnedClock(): TurnedClock {
  const real = systemClock();
  let offset = 0;
  const limits: number[] = [];
  const waking: (() => void)[] = [];
  return {
    ...real,
    now: () => real.now() + offset,
    sleep(ms) {
      limits.push(ms);
      return new Promise((wake) => void waking.push(wake));
    },
    turn(ms) {
      offset += ms;
    },
    limits,
    endLimits() {
      for (const wake of waking.splice(0)) wake();
    },
  };
}
