/**
 * Finishing what a crash or an outage left open, by whichever worker comes first: at start for everything on our own disk,
 * and by cron for what the mirror holds of workers that are gone. Each record is taken under the connection's lease, so
 * that a living owner is never disturbed, and several connections at a time, so that one never blocks another.
 */
import type { IndexEntry } from '../connection/entry.ts';
import { judge } from '../connection/standing.ts';
import { errorLabel, hasCode } from '../runtime/errors.ts';
import type { Random } from '../runtime/random.ts';
import { sideBySide } from '../runtime/side-by-side.ts';
import { type Rotation, type RotationPorts, report, type Subject } from './attempt.ts';
import { letGo } from './let-go.ts';
import type { RotationReport } from './outcome.ts';
import { readSubject } from './read.ts';
import { isResting } from './resting.ts';
import type { RotationSettings } from './settings.ts';
import { finishGranted, finishOpenRecords } from './unfinished.ts';
import { reasonOf } from './write-back.ts';

/** Connections recovered at a time: enough that a store that answers slowly for one holds up no other. */
const atATime = 8;

/**
 * Works through every open record there is, our own first; reports what each connection came to. One that a worker has
 * under its lease is left to it, without a word, and so is one whose records wait for a time that has not come. A store that is away for so many in a row is away for the rest as well:
 * they wait for the next pass, which begins elsewhere. Throws redis_unavailable.
 */
export async function* recover(ports: RotationPorts, settings: RotationSettings): AsyncGenerator<RotationReport> {
  await ports.spool.refreshMirror().catch(() => undefined);
  let inVain = 0;
  for await (const page of ports.spool.connections()) {
    const tried = sideBySide(shuffled(page, ports.random), atATime, (id) => recoverOne(id, ports, settings));
    for await (const made of tried) {
      if (made === undefined) continue;
      yield made;
      inVain = storeIsAway(made) ? inVain + 1 : 0;
      if (inVain >= atATime) return;
    }
  }
}

function storeIsAway({ reason }: RotationReport): boolean {
  return reason === 'store_unavailable' || reason === 'store_throttled';
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  return items
    .map((item) => ({ item, at: random.fraction() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

async function recoverOne(
  id: string,
  ports: RotationPorts,
  settings: RotationSettings,
): Promise<RotationReport | undefined> {
  const rotation: Rotation = { id, asked: 'recover', startedMs: ports.clock.monotonic(), ports, settings };
  try {
    if (await isResting(rotation)) return undefined;
    return await recoverConnection(rotation);
  } catch (error) {
    return report(rotation, 'retryLater', reasonOf(error), { error: errorLabel(error) });
  }
}

async function recoverConnection(rotation: Rotation): Promise<RotationReport | undefined> {
  const { ports, settings, id } = rotation;
  const leased = await ports.leases.acquire(id, { ms: settings.leaseMs, passCoolDown: true });
  if ('refused' in leased) return finishSealed(rotation);
  try {
    const subject = await subjectOf(rotation);
    if ('report' in subject)
      return subject.report.outcome === 'gone' ? await letGo(rotation, subject.report) : subject.report;
    const unfinished = await finishOpenRecords(rotation, subject.subject);
    const { known, standing } = subject.subject;
    if (unfinished.kind === 'concluded') return asTold(unfinished.report, known);
    // The one second try is a rotation like any other: the sweep brings it, unless it was made and refused.
    const refused = known?.state === 'suspect' && known.reason !== 'unknown_outcome';
    const now = ports.clock.now();
    // One that is due already stands in line: to write it anew would take its place from it, at every run.
    const waits = known !== undefined && (known.nextAt === null || known.nextAt > now);
    const entry = unfinished.unanswered > 0 && waits && !refused ? { ...known, nextAt: now } : undefined;
    return report(rotation, 'notDue', unfinished.unanswered > 0 ? 'unknown_outcome' : 'none', {
      at: standing.at,
      entry,
    });
  } finally {
    await leased.lease.release();
  }
}

/** Comes round twice a minute, at every worker: what waits for the store or for a person is told when that changes. */
function asTold(made: RotationReport, known: IndexEntry | undefined): RotationReport {
  if (known?.state !== made.outcome || known.reason !== made.reason) return made;
  // What is frozen has nothing new for the index either.
  return { ...made, toldBefore: true, entry: made.outcome === 'quarantined' ? undefined : made.entry };
}

/** A living worker writes a sealed token within seconds: one that lies for so long has lost its worker, or its store. */
const leftAloneMs = 20_000;

/**
 * A sealed token is brought to the store whoever holds the lease: at once from our own disk, where it lay before this
 * process began, and soon from the mirror. The lease is the dead worker's own, still, or Redis is new and gives none. No
 * token is spent for it, whoever else writes it writes the same bytes, and the swap compares.
 */
async function finishSealed(rotation: Rotation): Promise<RotationReport | undefined> {
  const { ports, id } = rotation;
  const own = new Map(ports.spool.recordsOf(id).map(({ intent, found }) => [intent.attempt, found]));
  const { records } = await ports.spool.openOf(id);
  for (const record of records.filter(({ state }) => state === 'answered')) {
    const found = own.get(record.intent.attempt);
    // This very process is at it.
    if (found === false) continue;
    const sealedBefore = ports.clock.now() - (found === true ? 0 : leftAloneMs);
    const subject = await subjectOf(rotation);
    if ('report' in subject) return undefined;
    const made = await finishGranted(rotation, subject.subject, record, sealedBefore);
    if (made !== undefined) return asTold(made, subject.subject.known);
  }
  return undefined;
}

/** The connection as it is now or, where that cannot be used any more, as it was when its token was spent. */
async function subjectOf(rotation: Rotation): Promise<{ subject: Subject } | { report: RotationReport }> {
  const { ports, id } = rotation;
  const known = await ports.index.get(id);
  const read = await readSubject(rotation, known);
  if ('subject' in read) return read;
  for (const record of (await ports.spool.openOf(id)).records) {
    try {
      const version = await ports.store.read(ports.nameOf(id), { versionId: record.intent.versionOld });
      const sighting = { id, tags: {}, stages: {}, version, known };
      const standing = judge(sighting, ports.rules, ports.clock.now());
      if (standing.usable) return { subject: { sighting, standing, known } };
    } catch (error) {
      if (!hasCode(error, 'store_not_found', 'store_deleted')) throw error;
    }
  }
  return read;
}
