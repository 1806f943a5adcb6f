/** The one sentence that says what happens next to a connection and who is asked to do something. Pure. */
import { isInDoubt } from '../connection/entry.ts';
import { relativeInWords, utcInWords } from '../connection/time-words.ts';
import { describeCause, describeReason } from '../connection/words.ts';
import type { Shown } from './show.ts';

export function nextStep({ entry, holder, health, advice, now }: Shown): string {
  const { state, nextAt, deadlineAt } = entry;
  const { action } = describeCause(entry);
  const again =
    nextAt === null ? 'when its secret changes' : nextAt <= now ? 'with the next sweep' : relativeInWords(nextAt, now);
  if (holder !== undefined) return describeReason('duplicate_token').action;
  switch (state) {
    case 'active':
      return health?.breaker === 'open'
        ? `${describeReason('client_rejected').action} It is refreshed once its client is accepted again.`
        : `Nothing to do: it is refreshed ${again}.`;
    case 'retrying':
    case 'sealed':
      return action === '' ? `Nothing to do: it is tried again ${again}.` : `${action} It is tried again ${again}.`;
    case 'suspect':
      if (isInDoubt(entry)) return action;
      return `Nothing to do yet: the refusal is confirmed ${again}. ${action}`.trim();
    case 'unkeepable':
      return deadlineAt === null
        ? (advice ?? action)
        : `Ask the customer to authorise again before ${utcInWords(deadlineAt)}. ${advice ?? ''}`.trim();
    case 'blocked':
    case 'quarantined':
    case 'invalid':
    case 'reauth_required':
      return `${action} It is looked at again ${again}.`.trim();
    default:
      return state satisfies never;
  }
}
