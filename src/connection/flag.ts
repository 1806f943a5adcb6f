/**
 * The flag: tags on the secret that say what only a human can do. It names the version it judged and is void once
 * AWSCURRENT is another, so that a re-consent needs no clean-up to count.
 */
import type { ConnectionOverrides } from './anchor.ts';
import { type ConnectionState, connectionStates, type Reason, reasons } from './entry.ts';

export const flagTag = {
  state: 'pilotlight:state',
  reason: 'pilotlight:reason',
  since: 'pilotlight:since',
  version: 'pilotlight:version',
} as const;

export const ownerTag = 'pilotlight:owner';

export interface Flag {
  readonly state: ConnectionState;
  readonly reason: Reason;
  /** Epoch ms. */
  readonly since: number;
  /** The version that was judged. */
  readonly version: string;
}

type Tags = Readonly<Record<string, string>>;

/** The flag in a secret's tags; undefined when there is none or it cannot be read. */
export function readFlag(tags: Tags): Flag | undefined {
  const state = connectionStates.find((candidate) => candidate === tags[flagTag.state]);
  const reason = reasons.find((candidate) => candidate === tags[flagTag.reason]);
  const since = Date.parse(tags[flagTag.since] ?? '');
  const version = tags[flagTag.version];
  if (state === undefined || reason === undefined || version === undefined || Number.isNaN(since)) return undefined;
  return { state, reason, since, version };
}

export function flagTags(flag: Flag): Record<string, string> {
  return {
    [flagTag.state]: flag.state,
    [flagTag.reason]: flag.reason,
    [flagTag.since]: new Date(flag.since).toISOString(),
    [flagTag.version]: flag.version,
  };
}

/** Shorter is a slip of the pen, and would refresh without end or declare a live connection dead. */
const overrideMsMin = 60_000;
const overrideMsMax = 20 * 365 * 86_400_000;

export const thresholdTag = { warn: 'pilotlight:warn-before', page: 'pilotlight:page-before' } as const;

/** When on-call is to hear of this one connection, as its tags say; what cannot be read is as if it were not there. */
export function readThresholds(
  tags: Tags,
  readDuration: (text: string) => number | undefined,
): { readonly warnMs?: number; readonly pageMs?: number } {
  const [warnMs, pageMs] = [thresholdTag.warn, thresholdTag.page].map((key) => spanIn(tags, key, readDuration));
  return { ...(warnMs === undefined ? {} : { warnMs }), ...(pageMs === undefined ? {} : { pageMs }) };
}

/**
 * What the operator set for one connection with tags, between a minute and 20 years; what cannot be read as such a
 * duration is as if it were not there.
 */
export function readOverrides(tags: Tags, readDuration: (text: string) => number | undefined): ConnectionOverrides {
  const ms = (key: string) => spanIn(tags, key, readDuration);
  const refreshEveryMs = ms('pilotlight:refresh-every');
  const idleMs = ms('pilotlight:idle-lifetime');
  const absoluteMs = ms('pilotlight:absolute-lifetime');
  return {
    ...(refreshEveryMs === undefined ? {} : { refreshEveryMs }),
    ...(idleMs === undefined ? {} : { idleMs }),
    ...(absoluteMs === undefined ? {} : { absoluteMs }),
  };
}

function spanIn(tags: Tags, key: string, readDuration: (text: string) => number | undefined): number | undefined {
  const read = readDuration(tags[key] ?? '');
  return read !== undefined && read >= overrideMsMin && read <= overrideMsMax ? read : undefined;
}
