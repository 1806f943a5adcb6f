/** How simulated providers treat refresh tokens, and what their provider files then say. */
import type { ProviderChanges } from './install.ts';

/** What becomes of a token that is used, and of one that is used again. */
export interface GrantMode {
  /** When a use brings a new refresh token: each time, never, or once the old one is a day old. */
  readonly rotates: 'always' | 'never' | 'daily';
  /** What an answer carries that brings no new token: nothing, or the same one. */
  readonly unchanged: 'omitted' | 'same';
  /** A spent token presented again: taken for a while, refused, or refused with the whole grant revoked. */
  readonly reuse: { readonly graceMs: number; readonly gives: 'same' | 'another' } | 'refused' | 'family';
  /** Lifetime from the last use, ms. */
  readonly idleMs: number;
  /** Lifetime from the consent, ms; undefined: none. */
  readonly absoluteMs?: number;
}

const day = 86_400_000;
const idleMs = 30 * day;

/** Longer than any outage of the simulation: an answer lost on its way costs nothing. */
export const forgivingMs = 45 * day;

export const grantModes = {
  nonRotating: { rotates: 'never', unchanged: 'omitted', reuse: 'refused', idleMs },
  sameAgain: { rotates: 'never', unchanged: 'same', reuse: 'refused', idleMs },
  /** A grace window longer than lease, recovery and every outage together. */
  forgiving: { rotates: 'always', unchanged: 'same', reuse: { graceMs: forgivingMs, gives: 'same' }, idleMs },
  grace: { rotates: 'always', unchanged: 'same', reuse: { graceMs: 1_800_000, gives: 'same' }, idleMs },
  graceAnother: { rotates: 'always', unchanged: 'same', reuse: { graceMs: 1_800_000, gives: 'another' }, idleMs },
  strict: { rotates: 'always', unchanged: 'same', reuse: 'refused', idleMs },
  strictFamily: { rotates: 'always', unchanged: 'same', reuse: 'family', idleMs },
  daily: { rotates: 'daily', unchanged: 'same', reuse: 'refused', idleMs },
  absolute: { rotates: 'always', unchanged: 'same', reuse: 'refused', idleMs, absoluteMs: 90 * day },
} as const satisfies Readonly<Record<string, GrantMode>>;

export type ModeName = keyof typeof grantModes;

/** True where the same token may be sent again at any time without harm: answers lost on the way cost nothing. */
export function forgives({ rotates, reuse }: GrantMode): boolean {
  return rotates === 'never' || (typeof reuse === 'object' && reuse.graceMs >= forgivingMs);
}

/** What the provider's file says of a provider of this mode, in milliseconds. */
export function changesFor({ rotates, reuse, idleMs: idle, absoluteMs }: GrantMode) {
  const graceMs = typeof reuse === 'object' ? reuse.graceMs : undefined;
  const newRefreshToken = { always: 'always', never: 'never', daily: 'sometimes' } as const;
  return {
    answer: { newRefreshToken: newRefreshToken[rotates], scopeReliable: false },
    // Inside a grace window at once; elsewhere after the first request must have ended; where reuse revokes all, never.
    secondTry: reuse === 'family' ? 'never' : { after: graceMs === undefined ? '2m' : '0s' },
    lifetimes: [{ idle: `${idle}ms`, ...(absoluteMs === undefined ? {} : { absolute: `${absoluteMs}ms` }) }],
  } as const satisfies Readonly<Record<keyof Omit<ProviderChanges, 'limits'>, unknown>>;
}
