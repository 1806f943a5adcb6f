/**
 * One look: derives what is true now, brings the incidents into line with it, and queues what channels are owed. Looks may
 * be lost or doubled: each derives everything anew, and one at a time has the turn.
 */
import type { ClientAtHost } from '../connection/entry.ts';
import type { ConnectionIndex } from '../rotation/ports.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Condition } from './condition.ts';
import { digestOf } from './digest.ts';
import type { EntryRules } from './from-entry.ts';
import { createGatherer, type Facts, type Gathered } from './gather.ts';
import { type Incident, type IncidentPolicy, type Orders, reconcile } from './incident.ts';
import { isIncidentKind } from './kinds.ts';
import type { MassState } from './mass.ts';
import type { AlertQueue, IncidentMemory, PersonsOrders, Recalled, SecretFacts } from './ports.ts';
import { isEndRecalled, sharedEnds } from './recall.ts';
import { type SettleSettings, settle } from './settle.ts';

export interface WatchPorts {
  readonly index: Pick<ConnectionIndex, 'scan'>;
  readonly memory: IncidentMemory;
  readonly queue: AlertQueue;
  /** Everything known beside the index. */
  readonly facts: () => Promise<Omit<Facts, 'channels' | 'foreign' | 'mass'>>;
  /** Owner and snooze, from the secret's tags. Throws what the store throws. */
  readonly secretFacts: (connection: string) => Promise<SecretFacts>;
  /** No connection uses it any more: its breaker would stay open for ever. */
  readonly forgetClient: (client: ClientAtHost) => Promise<void>;
  /** Every channel has accepted the end of a connection's need for consent: its void flag may go. False: not yet. */
  readonly consentEnded: (connection: string) => Promise<boolean>;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface WatchSettings extends IncidentPolicy, EntryRules, SettleSettings {
  readonly providers: readonly string[];
  /** Least time between two looks, over all processes. */
  readonly restMs: number;
  /** When warnings are told together, ms after midnight, UTC. */
  readonly digestAtMs: number;
}

/** Longer than a look at a million connections takes. */
const turnMs = 60_000;
/** What is true is seen again within a few looks and one inventory. */
const settleMsMin = 15 * 60_000;
/** Looks take a tenth of the time at most: a pass over a large index costs, and one process's look is enough for all. */
const restTimes = 9;
/** But people wait to be told, and what took so long may be a process that was held up. */
const restMsMax = 5 * 60_000;
/** A channel is said to fail when it has for so long, or will not come back by itself. */
const failingForMs = 5 * 60_000;

export interface Looked {
  readonly open: readonly Incident[];
  readonly queued: number;
  /** Since when a channel is owed something it has not accepted (epoch ms); null while none is. */
  readonly owedSince: number | null;
}

/** Undefined where another process has the turn. Throws redis_unavailable, and what a look throws. */
export async function watch(ports: WatchPorts, settings: WatchSettings): Promise<Looked | undefined> {
  const { memory, clock } = ports;
  if (!(await memory.takeTurn(turnMs))) return undefined;
  // What a look took that failed says what it waited for, not what a look costs.
  let { restMs } = settings;
  const startedMs = clock.monotonic();
  try {
    const looked = await look(ports, settings, clock.now());
    restMs = Math.max(restMs, Math.min(restMsMax, restTimes * (clock.monotonic() - startedMs)));
    return looked;
  } finally {
    await memory.endTurn(restMs);
  }
}

async function look(ports: WatchPorts, settings: WatchSettings, now: number): Promise<Looked> {
  const { memory } = ports;
  const understood = (await memory.all()).filter(({ kind }) => isIncidentKind(kind));
  const known = new Map(understood.map((incident) => [incident.key, incident]));
  const orders = await memory.orders();
  const recalled = await memory.recalled();
  const { conditions, mass, unusedClients, facts } = await gather(ports, settings, orders, now);
  for (const client of unusedClients) await ports.forgetClient(client);
  const digest = digestOf(settings.install, [...known.values()], settings.digestAtMs, now);
  const all = digest === undefined ? conditions : [...conditions, digest];
  const reconciled = reconcile(known, all, ordersOf(orders), now, settings).map((one) =>
    // Closed before its flag was void: closed once more.
    recalled.has(one.key) && one.closed === true ? { ...one, closed: false } : one,
  );
  const made = [...reconciled, ...(await endsOfTheLost(facts, conditions, reconciled, ports, settings, now))];
  const incidents = await Promise.all(
    [...made, ...endedUnseen(recalled, made, now)].map((one) => enriched(one, known, ports)),
  );
  const deliveries = await memory.deliveries();
  const { kept, removed, jobs, behind, owedSince } = await settle(
    incidents,
    deliveries,
    ports.consentEnded,
    settings,
    now,
  );
  await memory.writeMass(mass);
  // Nothing is left that it could take and so prove that it works again; should it not, the next message tells.
  for (const [name, { final }] of await memory.channels())
    if (!final && !behind.has(name)) await memory.noteChannel(name, undefined);
  await memory.write(
    kept.filter((incident) => known.get(incident.key) !== incident),
    removed,
  );
  // Not before: a look that fails on its way is made again by the next one, with the same orders.
  await memory.forgetOrders(orders.taken);
  await memory.forgetRecalled([...recalled.keys()]);
  await ports.queue.add(jobs);
  return { open: kept.filter(({ endedAt }) => endedAt === undefined), queued: jobs.length, owedSince };
}

async function gather(
  ports: WatchPorts,
  settings: WatchSettings,
  { confirm }: PersonsOrders,
  now: number,
): Promise<Gathered & { readonly facts: Facts }> {
  const { memory } = ports;
  const channels = [...(await memory.channels())]
    .filter(
      ([name, { failingSince, final }]) =>
        settings.channels.includes(name) && (final || now - failingSince >= failingForMs),
    )
    .map(([name, { failingSince, why }]) => ({ name, failingSince, why }));
  const mass = confirmed(await memory.mass(), confirm, now);
  const facts: Facts = { ...(await ports.facts()), channels, foreign: await memory.foreign(), mass };
  const gatherer = createGatherer(now, settings, facts);
  for await (const page of ports.index.scan()) gatherer.add(page);
  return { ...gatherer.result(), facts };
}

/** Ends that only a receiver may still wait for, each told once for a memory. */
async function endsOfTheLost(
  facts: Facts,
  conditions: readonly Condition[],
  known: readonly Incident[],
  { memory }: WatchPorts,
  { install, providers, channels, flapGuardMs }: WatchSettings,
  now: number,
): Promise<readonly Incident[]> {
  const spoken = await memory.spokenOf();
  const bornAt = await memory.bornAt(now);
  const settleMs = 2 * flapGuardMs + settleMsMin;
  const ends = sharedEnds({ install, facts, providers, channels, bornAt, settleMs, now }, conditions).filter(
    ({ key }) => !spoken.has(key) && !known.some((one) => one.key === key),
  );
  const shared = known.filter(({ kind, key }) => isEndRecalled(kind) && !spoken.has(key));
  await memory.speakOf([...ends, ...shared].map(({ key }) => key));
  return ends;
}

function confirmed(
  states: ReadonlyMap<string, MassState>,
  confirm: readonly string[],
  now: number,
): ReadonlyMap<string, MassState> {
  return new Map(
    [...states].map(([provider, state]) => [
      provider,
      confirm.includes(provider) && state.confirmedAt === undefined ? { ...state, confirmedAt: now } : state,
    ]),
  );
}

function ordersOf({ resolve, snooze }: PersonsOrders): Orders {
  return { resolve: new Set(resolve), snooze: new Map(snooze.map((one) => [one.key, one])) };
}

/** Flags whose connections live again, of which this memory has no incident: their end is told all the same. */
function* endedUnseen(
  recalled: ReadonlyMap<string, Recalled>,
  made: readonly Incident[],
  now: number,
): Iterable<Incident> {
  const known = new Set(made.map(({ key }) => key));
  for (const [key, { connection, provider, since }] of recalled) {
    if (known.has(key)) continue;
    yield {
      key,
      kind: 'reauth_required',
      severity: 'page',
      about: { connection, provider },
      since,
      openedAt: since,
      sequence: 1,
      event: 'resolved',
      toldAt: now,
      endedAt: now,
      recalled: true,
    };
  }
}

/** A new incident of a connection learns who owns it, and whether somebody has put it off. */
async function enriched(
  incident: Incident,
  known: ReadonlyMap<string, Incident>,
  { secretFacts, log }: WatchPorts,
): Promise<Incident> {
  const { connection } = incident.about;
  const isNew = known.get(incident.key)?.openedAt !== incident.openedAt;
  const isAskedAgain = incident.factsMissing === true && (incident.endedAt === undefined || incident.recalled === true);
  if (connection === undefined || !(isNew || isAskedAgain)) return incident;
  try {
    const { factsMissing: _, ...rest } = incident;
    return { ...rest, ...(await secretFacts(connection)) };
  } catch {
    log.warn('alert.owner_unknown', { connection });
    return { ...incident, factsMissing: true };
  }
}
