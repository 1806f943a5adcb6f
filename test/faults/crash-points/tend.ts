/**
 * Lets a simulated world run on as the service would: dead workers are replaced, recovery, inventory and sweep run, what
 * is due is refreshed, time passes to whatever is next; until there is nothing left to do, or a person has to.
 */
import type { IndexEntry } from '../../../src/connection/entry.ts';
import type { SimDisk } from '../sim/files.ts';
import { providerName } from '../sim/install.ts';
import type { SimWorker } from '../sim/worker.ts';
import type { SimWorld } from '../sim/world.ts';

export type Ended = 'done' | 'failed' | 'died' | 'stuck';

/** A job that has not ended by then is stuck: somebody looks, and ends the process. */
const patienceMs = 20 * 60_000;

/** Runs one job of a worker to its end, whatever that is. */
export async function runJob(world: SimWorld, worker: SimWorker, job: () => Promise<unknown>): Promise<Ended> {
  if (!worker.actor.alive) return 'died';
  let ended: Ended | undefined;
  job().then(
    () => {
      ended = 'done';
    },
    () => {
      ended = 'failed';
    },
  );
  await world.kernel.run({ until: () => ended !== undefined || !worker.actor.alive, forMs: patienceMs });
  if (ended !== undefined) return ended;
  return worker.actor.alive ? 'stuck' : 'died';
}

export type Rest =
  /** Every connection is active and scheduled, or waits for a person who has been told. */
  | 'quiet'
  /** There was always something more to do. */
  | 'restless';

/** Rounds within which any world comes to rest. */
const roundsMax = 60;
/** The next instant something is to be done is waited for when it is no further away than this. */
const soonMs = 86_400_000;

export interface Tending {
  readonly worker: SimWorker;
  readonly rest: Rest;
}

/** `replace` gives the worker that goes on for one that is dead. */
export async function tendUntilQuiet(
  world: SimWorld,
  first: SimWorker,
  replace: (dead: SimWorker) => SimWorker,
): Promise<Tending> {
  let worker = first;
  for (let round = 0; round < roundsMax; round++) {
    if (!worker.actor.alive) worker = replace(worker);
    await doRound(world, worker);
    if (!worker.actor.alive) continue;
    const wait = waitFor(world, worker);
    if (wait === undefined) return { worker, rest: 'quiet' };
    await world.kernel.run({ forMs: wait });
  }
  return { worker, rest: 'restless' };
}

/** Everything the service does by cron and by queue, once. */
async function doRound(world: SimWorld, worker: SimWorker): Promise<void> {
  const jobs = [() => worker.recover(), () => worker.inventory(), () => worker.sweep()];
  for (const job of jobs) if ((await runJob(world, worker, job)) === 'stuck') return worker.kill();
  while (world.queues.waiting > 0 && worker.actor.alive) {
    const ended = await runJob(world, worker, () => worker.work(providerName));
    if (ended === 'stuck') worker.kill();
    if (ended === 'failed') return;
  }
}

/** How long until there is something to do again, ms; undefined where nothing is left but what is far away. */
function waitFor(world: SimWorld, worker: SimWorker): number | undefined {
  const { kernel, redis, connections, install } = world;
  if (kernel.pending.length > 0) return 1;
  const held = connections.some((id) => redis.leases.ownerOf(id) !== undefined);
  const entries = connections.map((id) => redis.index.entries.get(id));
  if (entries.some((entry) => entry === undefined)) return 1_000;
  const waits = entries.flatMap((entry) =>
    entry?.nextAt == null || waitsForPerson(entry) ? [] : [entry.nextAt - kernel.now()],
  );
  const soon = waits.filter((wait) => wait <= soonMs);
  // A job that was lost comes back after a while; a lease that nobody gives back ends.
  const overdue = soon.some((wait) => wait <= 0);
  const open = connections.some(
    (id) =>
      ((worker.spool()?.recordsOf(id).length ?? 0) > 0 || redis.mirror.recordsOf(id).size > 0) &&
      !waitsForPerson(redis.index.entries.get(id)),
  );
  const ends = [
    ...soon.filter((wait) => wait > 0),
    ...(held || open ? [install.settings.leaseMs] : []),
    ...(overdue ? [install.sweepSettings.lookAgainMs] : []),
  ];
  return ends.length === 0 ? undefined : Math.min(...ends) + 1_000;
}

/** Only a person can do more; the index says so, and on-call hears of every such state. */
export function waitsForPerson(entry: IndexEntry | undefined): boolean {
  return waitsForConsent(entry) || waitsForOperator(entry);
}

/** The customer consents again. */
export function waitsForConsent(entry: IndexEntry | undefined): boolean {
  if (entry?.state === 'reauth_required') return true;
  return entry?.state === 'suspect' && entry.reason === 'unknown_outcome' && entry.nextAt === null;
}

/** A file that could not be read at a start: somebody looks at the disk and starts the process again. */
function waitsForOperator(entry: IndexEntry | undefined): boolean {
  return entry?.state === 'quarantined' && entry.reason === 'record_unreadable';
}

/** Records of a connection, on disks that exist and in the mirror. */
export function recordsOf(world: SimWorld, connection: string): number {
  const files = [...world.disks].reduce((sum, disk) => sum + filesOf(world, disk, connection), 0);
  return files + world.redis.mirror.recordsOf(connection).size;
}

function filesOf(world: SimWorld, { files }: SimDisk, connection: string): number {
  let count = 0;
  for (const bytes of files.values()) {
    const intent = world.sealed.inRecord(bytes, 'file')?.intent;
    if (intent === undefined || intent.connection === connection) count += 1;
  }
  return count;
}
