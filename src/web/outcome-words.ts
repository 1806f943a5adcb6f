/** Outcomes of attempts, and who asked for them, in the few words that fit a timeline. Exhaustive, which the types check. */
import type { Tone } from '../connection/words.ts';
import type { Outcome } from '../rotation/outcome.ts';
import type { Attempt, DeliveryState } from './operator-ports.ts';

export interface ShortWords {
  readonly title: string;
  readonly tone: Tone;
}

const outcomes: Readonly<Record<Outcome, ShortWords>> = {
  rotated: { title: 'Refreshed', tone: 'good' },
  notDue: { title: 'Not due', tone: 'info' },
  busy: { title: 'Busy', tone: 'info' },
  retryLater: { title: 'Failed, tried again', tone: 'warn' },
  throttled: { title: 'Throttled', tone: 'warn' },
  unknown: { title: 'No answer', tone: 'warn' },
  suspect: { title: 'Refused, not confirmed', tone: 'warn' },
  needsConsent: { title: 'Dead, needs consent', tone: 'bad' },
  misconfigured: { title: 'Client rejected', tone: 'bad' },
  quarantined: { title: 'Not understood', tone: 'bad' },
  sealed: { title: 'Sealed, not in the store', tone: 'warn' },
  orphaned: { title: 'Another write came first', tone: 'warn' },
  gone: { title: 'Secret gone', tone: 'info' },
};

const askers: Readonly<Record<Attempt['asked'], string>> = {
  due: 'schedule',
  probe: 'probe of the client',
  canary: 'canary of the client',
  manual: 'a person',
  recover: 'recovery',
};

const deliveries: Readonly<Record<DeliveryState, ShortWords>> = {
  waiting: { title: 'not sent yet', tone: 'warn' },
  accepted: { title: 'told', tone: 'good' },
  retry: { title: 'tried again', tone: 'warn' },
  refused: { title: 'refused', tone: 'bad' },
  disabled: { title: 'channel is off', tone: 'bad' },
};

export function outcomeTitle(outcome: Outcome): ShortWords {
  return outcomes[outcome];
}

export function askerTitle(asked: Attempt['asked']): string {
  return askers[asked];
}

export function deliveryTitle(state: DeliveryState): ShortWords {
  return deliveries[state];
}
