/** The port behind which PagerDuty, Slack and the others stand. */
import type { Notice } from './notice.ts';

export const channelKinds = ['pagerduty', 'slack', 'alertmanager', 'webhook', 'email'] as const;
export type ChannelKind = (typeof channelKinds)[number];

export type Delivery =
  /** The receiver has it. `reference` is what a later notice of the same incident is given back (a Slack message's `ts`). */
  | { readonly kind: 'accepted'; readonly reference?: string }
  /** It may pass: network, 429, 5xx. Tried again, not before `afterMs`. */
  | { readonly kind: 'retry'; readonly why: string; readonly afterMs?: number }
  /** The receiver will never take this as it is: wrong credentials, wrong address, a payload it refuses. Somebody must look. */
  | { readonly kind: 'refused'; readonly why: string }
  /** The receiver asks for no more (410): the channel is off until it is configured anew. */
  | { readonly kind: 'disabled'; readonly why: string };

export interface Channel {
  /** As configured; unique. */
  readonly name: string;
  readonly kind: ChannelKind;
  /**
   * Tries once, within its own time limit. Never throws; `why` holds no secret of the channel (its URL may be one).
   * `reference` is that of the last notice of this incident the channel accepted.
   */
  deliver(notice: Notice, reference: string | undefined, signal: AbortSignal): Promise<Delivery>;
  /**
   * For receivers that forget what is not repeated (Alertmanager): every open incident again. At least as often as
   * `repeatEveryMs` says.
   */
  readonly repeat?: {
    readonly everyMs: number;
    deliver(open: readonly Notice[], signal: AbortSignal): Promise<Delivery>;
  };
}
