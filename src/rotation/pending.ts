/**
 * A version of ours that was written and never became current, and a spent token that somebody put back: both mean that
 * the live token lies in another version than the current one.
 */
import { type ConnectionDocument, parseDocument } from '../connection/document.ts';
import { textOf } from '../connection/standing.ts';
import { within } from '../runtime/clock.ts';
import { entryAfter, type Rotation, report, type Subject } from './attempt.ts';
import { keepOrphan } from './orphan.ts';
import type { RotationReport } from './outcome.ts';
import { stage } from './ports.ts';
import { restoreSpentToken } from './spent.ts';

interface Pending {
  readonly versionId: string;
  readonly own: ConnectionDocument['own'];
  readonly fingerprint: string;
}

/**
 * Where AWSCURRENT is still what the pending version started from, that becomes current now. Otherwise it is what a spent
 * token is restored from, is kept as an orphan, or has long been overtaken; it is never swapped in. Undefined where nothing
 * of all this concludes the attempt.
 */
export async function settlePending(rotation: Rotation, subject: Subject): Promise<RotationReport | undefined> {
  const pending = await findPending(rotation, subject);
  if (pending !== undefined && pending.own.from === subject.sighting.version.versionId)
    return adopt(rotation, subject, pending);
  const restored = await restoreSpentToken(rotation, subject, rotation.settings.writeLimitMs);
  if (restored !== undefined) return restored;
  if (pending !== undefined) await putAside(rotation, subject, pending);
  return undefined;
}

async function findPending({ ports, id }: Rotation, { sighting }: Subject): Promise<Pending | undefined> {
  const found = Object.entries(sighting.stages).find(([, labels]) => labels.includes(stage.pending));
  if (found === undefined || found[1].includes(stage.current) || found[1].includes(stage.previous)) return undefined;
  const [versionId] = found;
  const version = await ports.store.read(ports.nameOf(id), { versionId });
  const text = textOf(version.value);
  const parsed = text === undefined ? undefined : parseDocument(text, ports.rules.names, ports.clock.now());
  if (parsed?.ok !== true || parsed.document.refreshToken === undefined) return undefined;
  const { own, refreshToken } = parsed.document;
  return { versionId, own, fingerprint: ports.rules.fingerprint(refreshToken) };
}

async function adopt(rotation: Rotation, subject: Subject, pending: Pending): Promise<RotationReport> {
  const { ports, id, settings } = rotation;
  const from = subject.sighting.version.versionId;
  await within(ports.clock, settings.writeLimitMs, (signal) => ports.permits.writes(1, 'recovery', signal));
  await ports.store.moveStage(ports.nameOf(id), { stage: stage.current, to: pending.versionId, from });
  const now = ports.clock.now();
  return report(rotation, 'rotated', 'none', {
    at: subject.standing.at,
    attempt: pending.own.attempt,
    versionOld: from,
    versionNew: pending.versionId,
    fingerprintOld: subject.standing.fingerprint,
    fingerprintNew: pending.fingerprint,
    entry: { ...entryAfter(subject, now, { state: 'active', reason: 'none' }), seen: '', nextAt: now },
  });
}

async function putAside({ ports, id }: Rotation, { standing }: Subject, pending: Pending): Promise<void> {
  const name = ports.nameOf(id);
  const { versionId, own, fingerprint } = pending;
  // The label stays on what we wrote last. Whoever took our section over into theirs had read it as the current one.
  const wasCurrent = standing.document.own.attempt === versionId;
  const overtaken =
    wasCurrent || fingerprint === standing.fingerprint || standing.document.own.spent.includes(fingerprint);
  if (overtaken) await ports.store.moveStage(name, { stage: stage.pending, from: versionId });
  else await keepOrphan(name, versionId, own.attempt ?? versionId, ports);
}
