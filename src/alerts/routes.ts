/** Which channels hear of an incident, and which of them are behind. Pure. */
import type { Incident } from './incident.ts';
import type { IncidentKind, Severity } from './kinds.ts';
import type { NoticeEvent } from './notice.ts';
import type { DeliveryState } from './ports.ts';

/** Every list that is given must hold the incident's own word. */
export interface AlertRoute {
  readonly channel: string;
  readonly severities?: readonly Severity[] | undefined;
  readonly kinds?: readonly IncidentKind[] | undefined;
  readonly providers?: readonly string[] | undefined;
  readonly owners?: readonly string[] | undefined;
  /** The provider's own environments, such as `demo`. */
  readonly environments?: readonly string[] | undefined;
}

/** Names of the channels, each once. Where no route is given every channel hears of everything. */
export function channelsFor(
  incident: Incident,
  channels: readonly string[],
  routes: readonly AlertRoute[],
): readonly string[] {
  const wanted =
    routes.length === 0
      ? channels
      : channels.filter((name) => routes.some((route) => route.channel === name && matches(route, incident)));
  // A channel that takes nothing cannot be told so.
  return wanted.filter((name) => name !== incident.about.channel);
}

function matches({ severities, kinds, providers, owners, environments }: AlertRoute, incident: Incident): boolean {
  const has = (list: readonly string[] | undefined, word: string | undefined) =>
    list === undefined || (word !== undefined && list.includes(word));
  return (
    has(severities, incident.severity) &&
    has(kinds, incident.kind) &&
    has(providers, incident.about.provider) &&
    has(owners, incident.owner) &&
    has(environments, incident.about.environment)
  );
}

/** A channel has taken notice of this incident, or takes it for open since it was true before: it then waits for an end. */
export function hasHeard({ firstSequence = 1 }: Incident, had: DeliveryState | undefined): boolean {
  const { sequence, over } = { sequence: 0, over: false, ...had };
  if (sequence >= firstSequence) return true;
  // One noted by an older version does not say whether it was an end; the last one before this time was.
  return sequence > 0 && over !== true && sequence !== firstSequence - 1;
}

/** What a channel is owed; undefined where it has everything, or is not to be told now. */
export function owedTo(
  incident: Incident,
  had: DeliveryState | undefined,
  now: number,
): { readonly event: NoticeEvent } | undefined {
  const sequence = had?.sequence ?? 0;
  if (sequence >= incident.sequence || (had?.notBefore ?? 0) > now) return undefined;
  if (incident.endedAt !== undefined) {
    // Nobody waits for the end of a list.
    if (incident.kind === 'daily_digest') return undefined;
    // What it never heard of need not end, unless only this memory has not seen it begin.
    return hasHeard(incident, had) || incident.recalled === true ? { event: 'resolved' } : undefined;
  }
  if (incident.snoozedUntil !== undefined && incident.snoozedUntil > now) return undefined;
  return { event: sequence < (incident.firstSequence ?? 1) ? 'opened' : incident.event };
}

/** Nothing more will ever be sent of it to this channel. */
export function isSettled(incident: Incident, had: DeliveryState | undefined): boolean {
  return (
    incident.endedAt !== undefined &&
    owedTo(incident, had === undefined ? had : { ...had, notBefore: 0 }, 0) === undefined
  );
}
