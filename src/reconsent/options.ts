/** What the customer's way needs, and what its steps answer. */
import type { JudgeRules } from '../connection/standing.ts';
import type { ClientRegistry } from '../rotation/ports.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Random } from '../runtime/random.ts';
import type { ConsentEnd } from './end.ts';
import type { ConsentKeys } from './keys.ts';
import type { Authorization, ConsentStates, ConsentStore, RecordConsent } from './ports.ts';

export interface ReconsentOptions {
  /** Where customers reach us: https, or http on loopback. */
  readonly publicUrl: string;
  readonly keys: ConsentKeys;
  readonly authorization: Authorization;
  readonly states: ConsentStates;
  readonly store: ConsentStore;
  readonly registry: Pick<ClientRegistry, 'credentials'>;
  readonly rules: JudgeRules;
  readonly nameOf: (connection: string) => string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly audit: RecordConsent;
  /** Asks for a look at a connection that has just been written. May fail: inventory comes round by itself. */
  readonly changed: (connection: string) => Promise<void>;
  /** How long a link may be opened, ms. Default 7 days. */
  readonly linkLifeMs?: number;
  /** How long the store is asked again to take a new grant, ms. Default 30 s. */
  readonly writeLimitMs?: number;
  /** Another account may take any connection over, not only one whose tag says so. Default false. */
  readonly allowAccountChange?: boolean;
  /** The document's member that names the provider's account. Default `account_id`. */
  readonly accountField?: string;
  /** Tags of a connection that is made. Default none: a store that finds by name needs none. */
  readonly newTags?: Readonly<Record<string, string>>;
}

/** The same with every default in its place. */
export type Settled = Required<Omit<ReconsentOptions, 'linkLifeMs'>>;

/** What a page may say of a connection. */
export interface ConsentSubject {
  readonly connection: string;
  /** The provider's title. */
  readonly provider: string;
  readonly environment: string;
  readonly owner?: string;
}

export interface Ended {
  readonly kind: 'end';
  readonly end: ConsentEnd;
  readonly subject?: ConsentSubject;
  /** The provider's own words to the customer, cut to length; text of others, to be escaped. */
  readonly told?: string;
}

/** Address the provider sends the browser back to; registered there character by character. */
export function redirectUriOf(publicUrl: string, provider: string): string {
  return `${publicUrl.replace(/\/+$/, '')}/oauth/callback/${provider}`;
}
