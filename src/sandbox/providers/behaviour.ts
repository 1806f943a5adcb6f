/** What a provider in the sandbox is: hosts, token rules, and how it answers a call. One file per provider implements it. */
import type { Call, Credentials, Place, Reply } from './call.ts';
import type { GrantRules, Ledger, Presentation } from './ledger.ts';
import type { TokenShape } from './mint.ts';

export interface World {
  readonly ledger: Ledger;
  /** Calendar instant of the call. */
  readonly now: number;
  /** Whether this provider takes these credentials. */
  client(credentials: Credentials): 'accepted' | 'unknown' | 'wrong';
  /** Set where the call shows a refresh token the provider once issued. */
  readonly presentation?: Presentation;
}

export interface Behaviour {
  readonly provider: string;
  readonly shape: TokenShape;
  /** The environment and shard a host name stands for; undefined where it is not this provider's. */
  placeOf(host: string): Place | undefined;
  /** The rules of a consent. Throws where the scope would bring no refresh token. */
  rulesFor(scope: string): GrantRules;
  /** Environment and place of a consent that names none. */
  readonly home: Place;
  /** What a consent brings besides tokens. */
  extras(place: string): { readonly apiAccessPoint?: string; readonly dataCenter?: string };
  /** The refresh token and the client a call shows, whether or not the call is right. */
  shownBy(call: Call): { readonly refreshToken?: string; readonly client?: string };
  answer(call: Call, world: World): Reply;
  throttled(retryAfterMs: number): Reply;
}

const dayMs = 86_400_000;

export function days(count: number): number {
  return count * dayMs;
}

/** 429 with the standard header alone. */
export function plainThrottle(retryAfterMs: number): Reply {
  return { status: 429, headers: { 'retry-after': String(Math.ceil(retryAfterMs / 1_000)) } };
}
