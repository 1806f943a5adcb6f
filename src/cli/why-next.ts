/** Why a connection is looked at when it is: one sentence a state, from facts of its index entry. Pure. */
import type { ConfiguredProvider } from '../../config/resolve-providers.ts';
import { type IndexEntry, isInDoubt } from '../connection/entry.ts';
import { spanInWords } from '../connection/time-words.ts';
import { describeCause } from '../connection/words.ts';
import { counted } from './counted.ts';

type Rules = Pick<ConfiguredProvider, 'keep' | 'refreshEvery'> | undefined;

/** `provider` is undefined where it is no longer configured. */
export function whyNext(entry: IndexEntry, provider: Rules, now: number): string {
  const { state, failures } = entry;
  const { meaning } = describeCause(entry);
  const because = meaning === '' ? '' : `: ${meaning}`;
  switch (state) {
    case 'active':
      return whyRefreshed(entry, provider, now);
    case 'retrying':
      return `tried again after ${counted(failures, 'failure')}${because}`;
    case 'blocked':
      return `waits for its client${because}`;
    case 'suspect':
      return isInDoubt(entry) ? `nothing is planned${because}` : 'the refusal is confirmed before it is believed';
    case 'reauth_required':
      return `its customer has to authorise again${because}`;
    case 'unkeepable':
      return provider?.keep === 'access-token'
        ? 'its access token is renewed; its own end cannot be moved'
        : 'looked at again when it ends: no refresh extends it';
    case 'quarantined':
      return `its kept answer is read again${because}`;
    case 'sealed':
      return 'its new token is on its way from disk to the store';
    case 'invalid':
      return `its secret is looked at again${because}`;
    default:
      return state satisfies never;
  }
}

function whyRefreshed({ nextAt, extendedAt, deadlineAt, estimated }: IndexEntry, provider: Rules, now: number): string {
  if (nextAt === null) return 'nothing is planned';
  const left =
    deadlineAt === null
      ? ''
      : `, ${spanInWords(deadlineAt - nextAt)} before its ${estimated ? 'estimated ' : ''}deadline`;
  if (provider?.keep === 'access-token') return `before its access token ends${left}`;
  if (extendedAt === null) return `nobody knows when it was last extended${nextAt <= now ? ', so at once' : left}`;
  const rule = provider?.refreshEvery === undefined ? '' : ' (set interval)';
  return `${spanInWords(nextAt - extendedAt)} after it was last extended${rule}${left}`;
}
