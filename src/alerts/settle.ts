/** Of each incident: whom it is owed to, whether everybody has its end, and when it may be forgotten. */
import { consentKey } from './condition.ts';
import type { Incident } from './incident.ts';
import type { DeliveryState, TellJob } from './ports.ts';
import { type AlertRoute, channelsFor, hasHeard, isSettled, owedTo } from './routes.ts';

export interface SettleSettings {
  readonly install: string;
  readonly channels: readonly string[];
  readonly routes: readonly AlertRoute[];
  /** Channels whose receiver knows incidents by their keys: an end of nothing shows nothing there. */
  readonly deduplicating: readonly string[];
  readonly flapGuardMs: number;
}

export interface Settled {
  readonly kept: readonly Incident[];
  /** By key. */
  readonly removed: readonly string[];
  readonly jobs: readonly TellJob[];
  /** Channels that have not accepted something they are owed. */
  readonly behind: ReadonlySet<string>;
  /** Since when a channel is owed something it has not accepted (epoch ms); null while none is. */
  readonly owedSince: number | null;
}

/** An ended incident is shown for so long. */
const keepEndedMs = 24 * 3_600_000;
/** And for so long at most while it cannot be closed. */
const keepUnclosedMs = 30 * 24 * 3_600_000;

/** A list is nothing for a pager; an end of what is forgotten is nothing for people. */
function suits({ kind, recalled, about }: Incident, knowsKeys: boolean): boolean {
  if (kind === 'daily_digest') return !knowsKeys;
  return knowsKeys || recalled !== true || about.connection !== undefined;
}

/** While it is open: of this time, not of one before. An end goes to whoever may still take it for open. */
function isHearing(incident: Incident, state: DeliveryState): boolean {
  return incident.endedAt === undefined ? state.sequence >= (incident.firstSequence ?? 1) : hasHeard(incident, state);
}

/** Throws what `consentEnded` throws. */
export async function settle(
  incidents: readonly Incident[],
  deliveries: ReadonlyMap<string, ReadonlyMap<string, DeliveryState>>,
  consentEnded: (connection: string) => Promise<boolean>,
  { channels, routes, install, deduplicating, flapGuardMs }: SettleSettings,
  now: number,
): Promise<Settled> {
  const kept: Incident[] = [];
  const removed: string[] = [];
  const jobs: TellJob[] = [];
  const behind = new Set<string>();
  let owedSince: number | null = null;
  for (const incident of incidents) {
    const had = deliveries.get(incident.key) ?? new Map<string, DeliveryState>();
    // One that was told keeps hearing of it, though the routes would choose otherwise by now.
    const hearing = [...had].filter(([, state]) => isHearing(incident, state)).map(([name]) => name);
    const byKey = incident.recalled === true ? deduplicating : [];
    const told = [...new Set([...channelsFor(incident, channels, routes), ...hearing, ...byKey])].filter(
      (name) => channels.includes(name) && suits(incident, deduplicating.includes(name)),
    );
    for (const channel of told) {
      const state = had.get(channel);
      if (owedTo(incident, state, now) !== undefined) jobs.push({ key: incident.key, channel });
      // What waits to be tried again is owed all the same.
      const isOwed = owedTo(incident, state === undefined ? state : { ...state, notBefore: 0 }, now) !== undefined;
      if (!isOwed) continue;
      behind.add(channel);
      owedSince = Math.min(owedSince ?? incident.toldAt, incident.toldAt);
    }
    const isOver = incident.endedAt !== undefined && told.every((name) => isSettled(incident, had.get(name)));
    // One whose flag could not be taken away yet is tried again for longer: nobody else would, and the flag is on the secret.
    const keepMs = incident.closed === true ? Math.max(keepEndedMs, flapGuardMs) : keepUnclosedMs;
    if (isOver && now - (incident.endedAt ?? 0) >= keepMs) removed.push(incident.key);
    else if (isOver && incident.closed !== true) kept.push(await closed(incident));
    else kept.push(incident);
  }
  return { kept, removed, jobs, behind, owedSince };

  async function closed(incident: Incident): Promise<Incident> {
    const { connection } = incident.about;
    const isConsent = connection !== undefined && incident.key === consentKey(install, connection);
    return !isConsent || (await consentEnded(connection)) ? { ...incident, closed: true } : incident;
  }
}
