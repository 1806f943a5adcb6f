/**
 * Steps 10 to 13: from a sealed answer to an outcome. Used by the rotation that got the answer and by recovery, which
 * finds it on disk; both do the same.
 */
import { entryOf, judge, type Sighting } from '../connection/standing.ts';
import { within } from '../runtime/clock.ts';
import type { Secret } from '../runtime/secret.ts';
import { entryAfter, type Rotation, report, type Subject } from './attempt.ts';
import { withoutEcho } from './echo.ts';
import type { RotationReport } from './outcome.ts';
import type { ClientHealth, RawAnswer, SpoolRecord } from './ports.ts';
import { concludeRefusal } from './refusal.ts';
import { type Granted, valueLike } from './renewal.ts';
import { tokenBytesMax } from './settings.ts';
import { type WriteBack, writeBack } from './write-back.ts';

/** What only the worker that sent the request knows; recovery does without. */
export interface ExchangeFacts {
  readonly requestMs?: number;
  readonly sealMs?: number;
  readonly secret?: ClientHealth['secret'];
  /** The client's last success as known before the request was sent. */
  readonly lastSuccessAt?: number | null;
}

/** Concludes an attempt whose answer is sealed in `record`. */
export async function finish(
  rotation: Rotation,
  subject: Subject,
  record: SpoolRecord,
  raw: RawAnswer,
  facts: ExchangeFacts = {},
  clientSecret: Secret | 'unknown' | undefined = 'unknown',
): Promise<RotationReport> {
  const { ports } = rotation;
  const { document, provider } = subject.standing;
  const scope = document.scope === undefined ? {} : { scope: document.scope };
  const answer = ports.endpoint.read(provider, raw, { refreshToken: document.refreshToken, ...scope });
  const details = { ...detailsOf(subject, record), ...facts };
  switch (answer.kind) {
    case 'granted':
      return renew(rotation, subject, record, raw, answer, details);
    case 'refused':
      return concludeRefusal(rotation, subject, record, withoutEcho(answer, clientSecret), details);
    case 'notUnderstood':
      record.setAside(true);
      return quarantine(rotation, subject, 'answer_not_understood', {
        ...details,
        status: answer.status,
        error: answer.why,
      });
    default:
      return answer satisfies never;
  }
}

export type Details = ReturnType<typeof detailsOf> & ExchangeFacts;

export function detailsOf({ standing }: Subject, { intent }: SpoolRecord) {
  return {
    at: standing.at,
    attempt: intent.attempt,
    startedAt: intent.startedAt,
    versionOld: intent.versionOld,
    versionNew: intent.versionNew,
    fingerprintOld: intent.fingerprintOld,
  };
}

/** Between two rounds of writing what is held in memory only. */
const unsealedPauseMs = 5_000;

async function renew(
  rotation: Rotation,
  subject: Subject,
  record: SpoolRecord,
  raw: RawAnswer,
  granted: Granted,
  details: Details,
): Promise<RotationReport> {
  const { ports, settings } = rotation;
  const { standing, sighting } = subject;
  const objection = await objectionTo(rotation, subject, record, granted);
  if (objection !== undefined) {
    record.setAside(true);
    return quarantine(rotation, subject, objection, { ...details, status: raw.status });
  }
  // Whoever sent the request took its permits before; recovery takes its own, from a share new spends cannot exhaust.
  if (details.requestMs === undefined)
    await within(ports.clock, settings.writeLimitMs, (signal) => ports.permits.writes(2, 'recovery', signal));
  const writeStartedMs = ports.clock.monotonic();
  const job = {
    name: ports.nameOf(rotation.id),
    ...record.intent,
    sealedAt: raw.receivedAt,
    granted,
    document: standing.document,
    value: sighting.version.value,
    extendsLife: standing.life.lifetime.idleMs !== undefined,
    foreignSpender: standing.life.foreignSpender,
  };
  let written = await writeBack(job, ports, settings.writeLimitMs);
  // Where no disk took the answer, this process is all that holds it: it goes on for as long as it lives.
  while (written.kind === 'failed' && record.state !== 'answered') {
    ports.trust.doubt();
    await ports.clock.sleep(unsealedPauseMs);
    written = await writeBack(job, ports, settings.writeLimitMs);
  }
  const more = {
    ...details,
    status: raw.status,
    oddities: granted.oddities,
    ...(granted.refreshToken === undefined ? {} : { fingerprintNew: ports.rules.fingerprint(granted.refreshToken) }),
    writeMs: ports.clock.monotonic() - writeStartedMs,
    ...(standing.life.deadlineAt === null ? {} : { marginMs: standing.life.deadlineAt - raw.receivedAt }),
  };
  return settle(rotation, subject, record, raw, written, more);
}

async function settle(
  rotation: Rotation,
  subject: Subject,
  record: SpoolRecord,
  raw: RawAnswer,
  written: WriteBack,
  details: Details,
): Promise<RotationReport> {
  const { ports, settings } = rotation;
  const now = ports.clock.now();
  if (written.kind === 'failed') {
    ports.trust.doubt();
    record.setAside(false);
    // Recovery finishes it. Should that have come first, and this word of it last, the next look says so.
    const nextAt = now + settings.retryMaxMs;
    const entry = entryAfter(subject, now, { state: 'sealed', reason: written.reason, nextAt });
    return report(rotation, 'sealed', written.reason, { ...details, entry });
  }
  ports.trust.prove();
  await removeRecordsOf(rotation, record);
  await forgivingRedis(() =>
    ports.clients.succeeded(subject.standing.at, record.intent.startedAt, details.secret ?? 'current'),
  );
  if (written.kind === 'orphaned') {
    return report(rotation, 'orphaned', 'none', {
      ...details,
      versionNew: written.versionId,
      foreign: 'refreshed',
      entry: lookNow(subject, now),
    });
  }
  const sighting =
    written.text === undefined ? undefined : sightingOf(subject, written.versionId, written.text, raw.receivedAt);
  const entry =
    sighting === undefined ? lookNow(subject, now) : entryOf(sighting, judge(sighting, ports.rules, now), now);
  return report(rotation, 'rotated', 'none', { ...details, versionNew: written.versionId, entry, ...metBy(written) });
}

function metBy({ conflict, rebased }: Extract<WriteBack, { kind: 'current' }>): Pick<RotationReport, 'foreign'> {
  if (conflict) return { foreign: 'version_taken' };
  return rebased ? { foreign: 'saved_other_field' } : {};
}

/** Somebody else's version is current: what it says is read by the next look, at once. */
function lookNow(subject: Subject, now: number) {
  return { ...entryAfter(subject, now, { state: 'active', reason: 'none' }), seen: '', fingerprint: '', nextAt: now };
}

/** The secret as it is now that we wrote it, without asking the store again. */
function sightingOf(
  subject: Subject,
  versionId: string,
  text: Parameters<typeof valueLike>[1],
  createdAt: number,
): Sighting {
  const { sighting } = subject;
  const tags = Object.fromEntries(
    Object.entries(sighting.tags).filter(([key]) => !/^pilotlight:(state|reason|since|version)$/.test(key)),
  );
  const version = { versionId, createdAt, value: valueLike(sighting.version.value, text) };
  return { ...sighting, tags, stages: { [versionId]: ['AWSCURRENT'] }, version, known: undefined };
}

/** What speaks against believing a token that came with a 2xx: it must be new to everyone and of believable size. */
async function objectionTo(
  { id, ports }: Rotation,
  subject: Subject,
  { intent }: SpoolRecord,
  { refreshToken }: Granted,
) {
  if (refreshToken === undefined) return undefined;
  if (Buffer.byteLength(refreshToken.reveal()) > tokenBytesMax) return 'too_large' as const;
  const fingerprint = ports.rules.fingerprint(refreshToken);
  if (fingerprint === intent.fingerprintOld) return undefined;
  if (subject.standing.document.own.spent.includes(fingerprint)) return 'token_replayed' as const;
  const holder = await forgivingRedis(() => ports.index.holderOf(fingerprint, id));
  return holder === undefined ? undefined : ('token_of_another_connection' as const);
}

async function quarantine(
  rotation: Rotation,
  subject: Subject,
  reason: 'answer_not_understood' | 'token_replayed' | 'token_of_another_connection' | 'too_large',
  details: Details & { status?: number; error?: string },
): Promise<RotationReport> {
  const { ports, settings, id } = rotation;
  const now = ports.clock.now();
  const limits = { threshold: settings.breakerThreshold, probeEveryMs: settings.probeEveryMs };
  // An answer that is only read again says nothing new of its client.
  const fresh = details.requestMs !== undefined;
  const breaker = fresh
    ? await forgivingRedis(() => ports.clients.suspected(subject.standing.at, id, now, limits))
    : undefined;
  const entry = entryAfter(subject, now, { state: 'quarantined', reason, nextAt: null });
  return report(rotation, 'quarantined', reason, { ...details, entry, breakerOpened: breaker?.opened === true });
}

/**
 * The record that led here, and others of the same token: requests without an answer, which this one settles as well. Not
 * those of another token: a record of long ago, come back with its disk, knows nothing of what was spent after it.
 */
export async function removeRecordsOf({ id, ports }: Rotation, record: SpoolRecord): Promise<void> {
  const { attempt, fingerprintOld } = record.intent;
  const open = await forgivingRedis(() => ports.spool.openOf(id));
  for (const { intent, remove } of open?.records ?? ports.spool.recordsOf(id)) {
    if (intent.attempt !== attempt && intent.fingerprintOld === fingerprintOld) await remove();
  }
  await record.remove();
}

/** After a POST Redis may neither delay nor undo anything: what it misses is learnt again. */
export async function forgivingRedis<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch {
    return undefined;
  }
}
