/**
 * The flag: tags on the secret that say what only a human can do. It names the version it judged and is void once
 * AWSCURRENT is another, so that a re-consent needs no clean-up to count.
 */
import { type ConnectionState, connectionStates, type Reason, reasons } from './entry.ts';
import type { ConnectionOverrides } from './lifetime.ts';

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

/** What the operator set for one connection with tags; what cannot be read as a duration is as if it were not there. */
export function readOverrides(tags: Tags, readDuration: (text: string) => number | undefined): ConnectionOverrides {
  const ms = (key: string) => readDuration(tags[key] ?? '');
  const refreshEveryMs = ms('pilotlight:refresh-every');
  const idleMs = ms('pilotlight:idle-lifetime');
  const absoluteMs = ms('pilotlight:absolute-lifetime');
  return {
    ...(refreshEveryMs === undefined ? {} : { refreshEveryMs }),
    ...(idleMs === undefined ? {} : { idleMs }),
    ...(absoluteMs === undefined ? {} : { absoluteMs }),
  };
}
