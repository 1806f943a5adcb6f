/** What a refresh by hand came to, in words. One exhaustive table; whether it counts as success is said beside it. */
import { describeReason, type Tone } from '../connection/words.ts';
import type { Outcome, RotationReport } from '../rotation/outcome.ts';

interface OutcomeWords {
  readonly text: string;
  readonly tone: Tone;
  /** The command succeeded for this connection: its life is as long as it can be. */
  readonly success: boolean;
}

const words: Readonly<Record<Outcome, OutcomeWords>> = {
  rotated: { text: 'refreshed', tone: 'good', success: true },
  notDue: { text: 'not refreshed: it needs none now', tone: 'info', success: true },
  busy: { text: 'not refreshed now', tone: 'warn', success: false },
  retryLater: { text: 'not refreshed, tried again by itself', tone: 'warn', success: false },
  throttled: { text: 'not refreshed: the provider asked us to wait', tone: 'warn', success: false },
  unknown: { text: 'sent, but no answer came; the service finds out', tone: 'warn', success: false },
  suspect: { text: 'refused; not believed until confirmed', tone: 'warn', success: false },
  needsConsent: { text: 'dead: the customer has to authorise again', tone: 'bad', success: false },
  misconfigured: { text: 'not refreshed: the client is rejected', tone: 'bad', success: false },
  quarantined: {
    text: 'answered with something we do not understand; the answer is kept',
    tone: 'bad',
    success: false,
  },
  sealed: { text: 'refreshed; the new token is safe on disk and not yet in the store', tone: 'warn', success: false },
  orphaned: { text: 'refreshed, but somebody else wrote first; both tokens are kept', tone: 'warn', success: false },
  gone: { text: 'not refreshed: its secret is gone', tone: 'bad', success: false },
};

export function describeOutcome({ outcome, reason, error, status }: RotationReport): OutcomeWords {
  const said = words[outcome];
  const { meaning } = describeReason(reason);
  const answer = [status === undefined ? '' : `HTTP ${status}`, error ?? ''].filter((part) => part !== '').join(' ');
  const details = [meaning, answer].filter((part) => part !== '').join(' ');
  return said.success || details === '' ? said : { ...said, text: `${said.text} (${details})` };
}
