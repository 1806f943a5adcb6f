/**
 * The sweep: moves what is due into the ready sets and tops each provider's queue up, nearest deadline first. Each sweep
 * derives everything anew, so that a lost tick, a double tick or a second scheduler changes nothing but work.
 */
import type { ClientAtHost } from '../connection/entry.ts';
import type { ClientHealth, Clients, ConnectionIndex } from '../rotation/ports.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { DueIndex, RefreshJob, RefreshQueues } from './ports.ts';

export interface SweepPorts {
  readonly due: DueIndex;
  readonly queues: RefreshQueues;
  readonly clients: Clients;
  readonly index: ConnectionIndex;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface SweepSettings {
  /** Jobs kept waiting per provider; more would only fix an order that the next sweep knows better. */
  readonly queueDepth: number;
  /** Connections moved from due to ready in one go. */
  readonly promoteMax: number;
  /** A connection whose job is lost is looked at again after this long. */
  readonly lookAgainMs: number;
  readonly probeEveryMs: number;
  /** A connection this near its death is tried even while its client is rejected. */
  readonly urgentMs: number;
}

export interface SweepResult {
  readonly promoted: number;
  readonly enqueued: number;
  readonly probes: number;
  /** Jobs added, by provider. */
  readonly added: Readonly<Record<string, number>>;
  readonly durationMs: number;
}

export async function sweep(ports: SweepPorts, settings: SweepSettings): Promise<SweepResult> {
  const now = ports.clock.now();
  const startedMs = ports.clock.monotonic();
  let promoted = 0;
  for (let moved = settings.promoteMax; moved === settings.promoteMax; promoted += moved) {
    moved = await ports.due.promote(now, settings.promoteMax);
  }
  const probes = await probeClients(ports, settings, now);
  const added = await topUp(ports, settings, now);
  const enqueued = Object.values(added).reduce((sum, count) => sum + count, 0);
  return { promoted, enqueued, probes, added, durationMs: ports.clock.monotonic() - startedMs };
}

/** Fills the queues. A client whose breaker is open or whose host asked us to wait keeps its connections in the ready set. */
async function topUp(ports: SweepPorts, settings: SweepSettings, now: number): Promise<Record<string, number>> {
  const open: { at: ClientAtHost; ready: number }[] = [];
  const added: Record<string, number> = {};
  for (const group of await ports.due.ready()) {
    const health = await ports.clients.health(group.at);
    if (health.heldUntil > now) continue;
    if (health.breaker === 'closed') open.push(group);
    else added[group.at.provider] = (added[group.at.provider] ?? 0) + (await addUrgent(ports, settings, group.at, now));
  }
  const providers = new Set(open.map(({ at }) => at.provider));
  for (const provider of providers) {
    let room = settings.queueDepth - (await ports.queues.backlog(provider));
    const groups = open.filter(({ at }) => at.provider === provider);
    for (const [place, group] of groups.entries()) {
      // No client of a provider may take all the room while others wait.
      const share = Math.ceil(room / (groups.length - place));
      const taken =
        room <= 0 ? [] : await ports.due.take(group.at, Math.min(share, group.ready), now + settings.lookAgainMs);
      await ports.queues.add(
        provider,
        taken.map((connection): RefreshJob => ({ connection, reason: 'due' })),
      );
      room -= taken.length;
      added[provider] = (added[provider] ?? 0) + taken.length;
    }
  }
  return added;
}

/** How many of a rejected client's connections are tried in one sweep because they are about to die. */
const urgentMax = 20;

/** Connections about to die are tried although their client is rejected; the others go on waiting. */
async function addUrgent(ports: SweepPorts, settings: SweepSettings, at: ClientAtHost, now: number): Promise<number> {
  const urgent = await ports.due.take(at, urgentMax, now + settings.lookAgainMs, now + settings.urgentMs);
  await ports.queues.add(
    at.provider,
    urgent.map((connection): RefreshJob => ({ connection, reason: 'due' })),
  );
  return urgent.length;
}

/**
 * One connection per interval tests a client whose breaker is open (its nearest deadline) or whose tokens were refused
 * with no success since (its next connection, early, as a canary: nobody is asked to consent before it succeeds).
 */
async function probeClients(ports: SweepPorts, settings: SweepSettings, now: number): Promise<number> {
  let probes = 0;
  for (const { at, health } of await ports.clients.list()) {
    const reason = probeReason(health);
    if (reason === undefined || health.heldUntil > now || !isProbeDue(health, settings, now)) continue;
    const connection = await findProbe(ports, at, reason, now + settings.lookAgainMs);
    if (connection === undefined || !(await ports.clients.takeProbe(at, now, settings.probeEveryMs))) continue;
    await ports.queues.add(at.provider, [{ connection, reason }]);
    ports.log.info('client.probed', { provider: at.provider, client: at.client, host: at.host, connection, reason });
    probes += 1;
  }
  return probes;
}

/** One further away than an interval was set by a calendar that has been turned back. */
function isProbeDue({ nextProbeAt }: ClientHealth, { probeEveryMs }: SweepSettings, now: number): boolean {
  return nextProbeAt === null || nextProbeAt <= now || nextProbeAt > now + probeEveryMs;
}

function probeReason(health: ClientHealth): 'probe' | 'canary' | undefined {
  if (health.breaker === 'open') return 'probe';
  return health.suspects > 0 ? 'canary' : undefined;
}

/** How far down the list another connection than the suspects is looked for. */
const candidatesMax = 20;

async function findProbe(
  ports: SweepPorts,
  at: ClientAtHost,
  reason: 'probe' | 'canary',
  lookAgainAt: number,
): Promise<string | undefined> {
  if (reason === 'probe') {
    const [waiting] = await ports.due.take(at, 1, lookAgainAt);
    if (waiting !== undefined) return waiting;
  }
  const upcoming = await ports.due.upcoming(at, candidatesMax);
  const entries = await ports.index.getMany(upcoming);
  return entries.find((entry) => entry?.state === 'active' || (reason === 'probe' && entry?.state === 'retrying'))?.id;
}
