/**
 * The protocol: one attempt to spend a refresh token and keep what comes back. Reads like the list in ARCHITECTURE.md;
 * every await is a call of a port. Up to step 7 anything may fail at no cost; from step 8 on nothing is thrown away.
 */
import { entryOf } from '../connection/standing.ts';
import { within } from '../runtime/clock.ts';
import { errorLabel, hasCode } from '../runtime/errors.ts';
import type { RefreshJob } from '../schedule/ports.ts';
import { entryRetrying, entryStalled, type Rotation, type RotationPorts, report, type Subject } from './attempt.ts';
import { decide } from './decide.ts';
import { detailsOf, finish } from './finish.ts';
import type { RotationReport } from './outcome.ts';
import { type Intent, type Lease, type RawAnswer, type SpoolRecord, stage } from './ports.ts';
import { checkReadiness, needsProof, type Readiness } from './pre-flight.ts';
import { readSubject } from './read.ts';
import { concludeUnknown } from './refusal.ts';
import type { RotationSettings } from './settings.ts';
import { finishOpenRecords } from './unfinished.ts';
import { reasonOf } from './write-back.ts';

/** Rotates one connection. Never throws; whatever happens is in the report. The signal counts up to the POST only. */
export async function rotate(
  job: RefreshJob,
  ports: RotationPorts,
  settings: RotationSettings,
  signal: AbortSignal,
): Promise<RotationReport> {
  const rotation: Rotation = {
    id: job.connection,
    asked: job.reason,
    startedMs: ports.clock.monotonic(),
    ports,
    settings,
  };
  let lease: Lease | undefined;
  let known: Subject['known'];
  try {
    known = await ports.index.get(job.connection);
    // 1. lease
    const passCoolDown = known?.state === 'retrying' || known?.state === 'suspect';
    const leased = await ports.leases.acquire(job.connection, { ms: settings.leaseMs, passCoolDown });
    if ('refused' in leased) {
      // Whoever holds the lease writes the entry when it is done: ours would be older.
      const ours = leased.refused === 'held' ? undefined : known;
      const entry = ours === undefined ? undefined : { ...ours, nextAt: ports.clock.now() + leased.retryAfterMs };
      return report(rotation, 'busy', refusalWords[leased.refused], { entry, at: known?.at });
    }
    lease = leased.lease;
    const concluded = await underLease(rotation, lease, known, signal);
    if (concluded.posted) await lease.coolDown(coolDownFor(concluded.report, ports.clock.now(), settings));
    else await lease.release();
    return concluded.report;
  } catch (error) {
    await lease?.release();
    // Whoever asked to stop is no fault of ours.
    const reason = signal.aborted && !hasCode(error) ? 'busy' : reasonOf(error);
    const entry = entryStalled(rotation, known, reason);
    return report(rotation, 'retryLater', reason, { at: known?.at, error: errorLabel(error), entry });
  }
}

/** Never so long that it would stand in the way of the next refresh: access tokens may live for minutes. */
function coolDownFor({ entry }: RotationReport, now: number, { coolDownMs }: RotationSettings): number {
  const nextInMs = entry?.nextAt === undefined || entry.nextAt === null ? coolDownMs : entry.nextAt - now;
  return Math.max(1, Math.min(coolDownMs, nextInMs / 2));
}

const refusalWords = { held: 'busy', cooling: 'cooling_down', epoch_young: 'redis_new' } as const;

interface Concluded {
  readonly report: RotationReport;
  /** A request left us: the lease becomes a cool-down. */
  readonly posted: boolean;
}

async function underLease(
  rotation: Rotation,
  lease: Lease,
  known: Subject['known'],
  signal: AbortSignal,
): Promise<Concluded> {
  const { ports } = rotation;
  const untouched = (concluded: RotationReport): Concluded => ({ report: concluded, posted: false });
  // 3. read, and finish what is unfinished
  const read = await readSubject(rotation, known);
  if ('report' in read) return untouched(read.report);
  const { subject } = read;
  const unfinished = await finishOpenRecords(rotation, subject);
  if (unfinished.kind === 'concluded') return untouched(unfinished.report);
  // 4. decide
  const decision = await decide(rotation, subject, unfinished.unanswered);
  if (decision !== 'rotate') return untouched(decision);
  // Back-pressure: a token is spent only when its successor has somewhere to go, and ours already pile up.
  if (ports.spool.stats().answered >= rotation.settings.unwrittenMax) {
    const entry = entryRetrying(rotation, subject, 'spool_backlog');
    return untouched(report(rotation, 'retryLater', 'spool_backlog', { at: subject.standing.at, entry }));
  }
  // 2. permits: the last place where anything waits. Taken after the decision, so that a duplicate job costs none.
  if (!(await permitted(rotation, subject, lease, signal))) return untouched(comesBack(rotation, subject));
  // 5. pre-flight
  const readiness = await checkReadiness(rotation, subject);
  if ('report' in readiness) return untouched(readiness.report);
  return spend(rotation, subject, lease, readiness, unfinished.unanswered, signal);
}

/**
 * Whoever stood in line until the lease is too short for the rest must not use up a permit that others could use: with more
 * in line than the pace serves within a lease, everybody would be late, for ever. Each line has a third of the time to
 * spare, so that a long wait in the first leaves as much for the second, and for what follows.
 */
async function permitted(rotation: Rotation, subject: Subject, lease: Lease, signal: AbortSignal): Promise<boolean> {
  const { clock, permits } = rotation.ports;
  const { name, limits } = subject.standing.provider;
  const spareMs = lease.remainingMs() - rotation.settings.requestLimitMs - rotation.settings.writeLimitMs;
  const inTime = (wait: (either: AbortSignal) => Promise<void>) =>
    within(clock, spareMs / 3, async (late) => {
      try {
        await wait(AbortSignal.any([signal, late]));
        return true;
      } catch (error) {
        if (late.aborted && error === late.reason) return false;
        throw error;
      }
    });
  const writes = needsProof(rotation, subject) ? 3 : 2;
  return (
    (await inTime((either) => permits.request(name, limits.perSecond, either))) &&
    (await inTime((either) => permits.writes(writes, 'rotation', either)))
  );
}

/** Nothing was done and nothing went wrong: what earlier attempts came to stays, and the next sweep takes it up again. */
function comesBack(rotation: Rotation, subject: Subject): RotationReport {
  const { sighting, standing, known } = subject;
  const now = rotation.ports.clock.now();
  const attempted = known?.state === 'retrying' || known?.state === 'suspect' || known?.state === 'blocked';
  const entry = entryOf(sighting, standing, now);
  const { state, reason, since, failures } = attempted && known.fingerprint === standing.fingerprint ? known : entry;
  const again = { ...entry, state, reason, since, failures, nextAt: now };
  return report(rotation, 'busy', 'busy', { at: standing.at, entry: again });
}

async function spend(
  rotation: Rotation,
  subject: Subject,
  lease: Lease,
  readiness: Readiness,
  unanswered: number,
  signal: AbortSignal,
): Promise<Concluded> {
  const { ports } = rotation;
  // 6. intent
  const record = await ports.spool.begin(intentOf(rotation, subject, unanswered));
  // 7. last look
  const obstacle = await lastLook(rotation, subject, lease, signal).catch(async (error: unknown) => {
    // Nothing was sent: the record must not be taken for a request without an answer.
    await record.remove();
    throw error;
  });
  if (obstacle !== undefined) {
    await record.remove();
    return { report: obstacle, posted: false };
  }
  const concluded = postAndKeep(rotation, subject, record, readiness).catch((error: unknown) =>
    // A fault of ours after the POST: the record stays, and recovery finishes it.
    report(rotation, 'retryLater', reasonOf(error), { ...detailsOf(subject, record), error: errorLabel(error) }),
  );
  return { report: await concluded, posted: true };
}

function intentOf({ id, ports }: Rotation, { standing, sighting }: Subject, unanswered: number): Intent {
  return {
    connection: id,
    ...standing.at,
    attempt: ports.random.uuid(),
    versionOld: sighting.version.versionId,
    versionNew: ports.random.uuid(),
    fingerprintOld: standing.fingerprint,
    startedAt: ports.clock.now(),
    unanswered,
  };
}

async function lastLook(
  rotation: Rotation,
  subject: Subject,
  lease: Lease,
  signal: AbortSignal,
): Promise<RotationReport | undefined> {
  const { ports, settings, id } = rotation;
  const { stages } = await ports.store.describe(ports.nameOf(id));
  const stillCurrent = stages[subject.sighting.version.versionId]?.includes(stage.current) === true;
  const ours = stillCurrent && !signal.aborted && (await lease.stillOurs());
  const timeEnough = lease.remainingMs() > settings.requestLimitMs + settings.writeLimitMs;
  if (ours && timeEnough) return undefined;
  return comesBack(rotation, subject);
}

/**
 * A place on the disk that failed once is never trusted again: a new one is tried. Where that fails as well the token is no
 * less worth keeping: it goes straight to the store, and the record says that nothing is sealed.
 */
async function sealSomehow({ ports }: Rotation, record: SpoolRecord, answer: RawAnswer): Promise<SpoolRecord> {
  try {
    await record.seal(answer);
    return record;
  } catch {
    try {
      const second = await ports.spool.begin({ ...record.intent, attempt: ports.random.uuid() });
      await second.seal(answer);
      return second;
    } catch {
      return record;
    }
  }
}

/** Steps 8 and 9. Nothing stands between the last byte of the answer and the disk. */
async function postAndKeep(
  rotation: Rotation,
  subject: Subject,
  record: SpoolRecord,
  { request, secret, clientSecret, lastSuccessAt }: Readiness,
): Promise<RotationReport> {
  const { ports } = rotation;
  const postedMs = ports.clock.monotonic();
  const exchange = await ports.endpoint.send(request);
  if (exchange.kind === 'answered') {
    const answeredMs = ports.clock.monotonic();
    const kept = await sealSomehow(rotation, record, exchange.answer);
    const facts = {
      requestMs: answeredMs - postedMs,
      sealMs: ports.clock.monotonic() - answeredMs,
      secret,
      lastSuccessAt,
    };
    return finish(rotation, subject, kept, exchange.answer, facts, clientSecret);
  }
  const details = {
    ...detailsOf(subject, record),
    requestMs: ports.clock.monotonic() - postedMs,
    error: exchange.label,
  };
  if (exchange.kind === 'unanswered') return concludeUnknown(rotation, subject, record, details);
  await record.remove();
  return report(rotation, 'retryLater', 'network', { ...details, entry: entryRetrying(rotation, subject, 'network') });
}
