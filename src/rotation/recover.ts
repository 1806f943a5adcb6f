/**
 * Finishing what a crash or an outage left open: at start for everything on our own disk, and by cron. Each record is
 * taken under the connection's lease, so that a living owner is never disturbed, and one record never blocks another.
 */
import { judge } from '../connection/standing.ts';
import { errorLabel, hasCode } from '../runtime/errors.ts';
import { type Rotation, type RotationPorts, report, type Subject } from './attempt.ts';
import type { RotationReport } from './outcome.ts';
import { readSubject } from './read.ts';
import type { RotationSettings } from './settings.ts';
import { finishOpenRecords } from './unfinished.ts';
import { reasonOf } from './write-back.ts';

/** Works through every record of the spool, oldest first; reports what each connection came to. Never throws. */
export async function* recover(ports: RotationPorts, settings: RotationSettings): AsyncGenerator<RotationReport> {
  const connections = new Set(ports.spool.all().map((record) => record.intent.connection));
  for (const connection of connections) {
    const rotation: Rotation = {
      id: connection,
      asked: 'recover',
      startedMs: ports.clock.monotonic(),
      ports,
      settings,
    };
    yield await recoverConnection(rotation).catch((error: unknown) =>
      report(rotation, 'retryLater', reasonOf(error), { error: errorLabel(error) }),
    );
  }
}

async function recoverConnection(rotation: Rotation): Promise<RotationReport> {
  const { ports, settings, id } = rotation;
  const leased = await ports.leases.acquire(id, { ms: settings.leaseMs, passCoolDown: true });
  if ('refused' in leased) return report(rotation, 'busy', 'busy');
  try {
    const subject = await subjectOf(rotation);
    if ('report' in subject) return subject.report;
    const unfinished = await finishOpenRecords(rotation, subject.subject);
    const { known, standing } = subject.subject;
    if (unfinished.kind === 'concluded') {
      const { outcome, reason } = unfinished.report;
      const told = outcome === 'quarantined' && known?.state === outcome && known.reason === reason;
      return told ? report(rotation, 'notDue', reason, { at: standing.at }) : unfinished.report;
    }
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

/** The connection as it is now or, where that cannot be used any more, as it was when its token was spent. */
async function subjectOf(rotation: Rotation): Promise<{ subject: Subject } | { report: RotationReport }> {
  const { ports, id } = rotation;
  const known = await ports.index.get(id);
  const read = await readSubject(rotation, known);
  if ('subject' in read) return read;
  for (const record of ports.spool.recordsOf(id)) {
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
