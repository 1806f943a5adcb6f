/** What the operator's pages show, gathered where it is known: the index, the clients, the incidents and what was told of them. */
import type { AlertParts } from './alert-parts.ts';
import type { Incident } from './alerts/incident.ts';
import { isIncidentKind, kindWords, type Severity } from './alerts/kinds.ts';
import type { DeliveryState } from './alerts/ports.ts';
import { clientKey } from './connection/entry.ts';
import { ownerTag } from './connection/flag.ts';
import { entryUrgency } from './derive-settings.ts';
import { readLamps } from './overview.ts';
import type { Services } from './services.ts';
import type { Attempt, ErrorMix, Incident as IncidentRow, OperatorReader } from './web/operator-ports.ts';

export function operatorReader(services: Services, { memory, attempts, channels }: AlertParts): OperatorReader {
  const { config, deps, index, clients, store, nameOf } = services;
  const { clock } = deps;
  const urgencyOf = entryUrgency(config);

  async function incidents(): Promise<{ open: IncidentRow[]; ended: IncidentRow[] }> {
    const [all, deliveries] = await Promise.all([memory.all(), memory.deliveries()]);
    const rows = all
      .filter(({ kind }) => isIncidentKind(kind))
      // Ends told for a memory that was lost were no incidents.
      .filter(({ recalled, about }) => recalled !== true || about.connection !== undefined)
      .map((incident) => rowOf(incident, deliveries.get(incident.key) ?? new Map(), [...channels.keys()]));
    const newestFirst = rows.sort((a, b) => b.openedAt - a.openedAt);
    return {
      open: newestFirst.filter(({ endedAt }) => endedAt === undefined),
      ended: newestFirst.filter(({ endedAt }) => endedAt !== undefined),
    };
  }

  return {
    incidents,
    async top() {
      const [{ open }, found] = await Promise.all([incidents(), readLamps(services)]);
      const awake = open.filter(({ snoozedUntil = 0 }) => snoozedUntil <= clock.now());
      const count = (severity: Severity) => awake.filter((one) => one.severity === severity).length;
      return {
        lamps: found,
        open: { page: count('page'), warn: count('warn') },
      };
    },
    async connection(id) {
      const entry = await index.get(id);
      if (entry === undefined) return undefined;
      const [{ open, ended }, past, owner, health] = await Promise.all([
        incidents(),
        attempts.of(id),
        // A store that is away takes nothing else from the page.
        store.describe(nameOf(id)).then(
          ({ tags }) => tags[ownerTag],
          () => undefined,
        ),
        entry.at.client === '' ? undefined : clients.health(entry.at),
      ]);
      return {
        entry,
        urgency: urgencyOf(entry, clock.now()),
        ...(owner === undefined ? {} : { owner }),
        ...(health === undefined ? {} : { health }),
        attempts: past as readonly Attempt[],
        incidents: [...open, ...ended].filter(({ connection }) => connection === id),
      };
    },
    async clients() {
      const [all, { windowMs, of }] = await Promise.all([clients.list(), attempts.mixes(clock.now())]);
      return all.map(({ at, health }) => ({
        at,
        health,
        mix: { windowMs, counts: (of.get(clientKey(at)) ?? []) as ErrorMix['counts'] },
      }));
    },
  };
}

function rowOf(incident: Incident, had: ReadonlyMap<string, DeliveryState>, channels: readonly string[]): IncidentRow {
  const { key, kind, severity, openedAt, endedAt, about, owner, snoozedUntil } = incident;
  const what = about.connection ?? about.client ?? about.channel ?? about.provider;
  return {
    key,
    kind,
    severity,
    openedAt,
    title: what === undefined ? kindWords(kind).title : `${kindWords(kind).title}: ${what}`,
    ...(endedAt === undefined ? {} : { endedAt }),
    ...(about.connection === undefined ? {} : { connection: about.connection }),
    ...(about.provider === undefined ? {} : { provider: about.provider }),
    ...(about.client === undefined ? {} : { client: about.client }),
    ...(owner === undefined ? {} : { owner }),
    ...(snoozedUntil === undefined ? {} : { snoozedUntil }),
    deliveries: channels.flatMap((channel) => {
      const state = had.get(channel);
      if (state === undefined) return [];
      return [{ channel, state: state.tries === 0 ? 'accepted' : 'retry', at: state.at } as const];
    }),
  };
}
