/**
 * A spent token that is current again: an application read the document before our rotation and wrote it back after,
 * burying the live token in the version before. The token is never posted; the live one is put into their document.
 */
import { createHash } from 'node:crypto';
import { type ConnectionDocument, changeDocument, parseDocument } from '../connection/document.ts';
import { textOf } from '../connection/standing.ts';
import { within } from '../runtime/clock.ts';
import { hasCode } from '../runtime/errors.ts';
import { uuidFrom } from '../runtime/random.ts';
import { Secret } from '../runtime/secret.ts';
import { entryAfter, type Rotation, report, type Subject } from './attempt.ts';
import type { RotationReport } from './outcome.ts';
import { stage } from './ports.ts';
import { valueLike } from './renewal.ts';

/** Restores the live token where the current one is known to be spent; undefined where it is not. */
export async function restoreSpentToken(
  rotation: Rotation,
  subject: Subject,
  limitMs: number,
): Promise<RotationReport | undefined> {
  const { standing, sighting } = subject;
  const { own } = standing.document;
  // A version we wrote ourselves holds what we meant: nothing to look for.
  if (own.attempt === sighting.version.versionId) return undefined;
  const successor = await findSuccessor(rotation, subject);
  const spent = successor !== undefined || own.spent.includes(standing.fingerprint);
  if (!spent) return undefined;
  if (successor === undefined) {
    const now = rotation.ports.clock.now();
    const entry = entryAfter(subject, now, { state: 'invalid', reason: 'token_spent', nextAt: now + 3_600_000 });
    return report(rotation, 'quarantined', 'token_spent', { at: standing.at, foreign: 'restored_spent_token', entry });
  }
  return restore(rotation, subject, successor, limitMs);
}

/** The document of ours, among the versions still labelled, that spent the current token and holds its successor. */
async function findSuccessor(
  { ports, id }: Rotation,
  { sighting, standing }: Subject,
): Promise<ConnectionDocument | undefined> {
  const candidates = Object.entries(sighting.stages).filter(
    ([versionId, labels]) =>
      versionId !== sighting.version.versionId &&
      labels.some((label) => label === stage.previous || label === stage.pending),
  );
  // Ours, or an application's copy of ours: where it says that the current token is spent, what it holds came after it.
  const later: { readonly document: ConnectionDocument; readonly fingerprint: string }[] = [];
  for (const [versionId] of candidates) {
    const document = await readDocument(ports, ports.nameOf(id), versionId);
    if (document?.refreshToken === undefined) continue;
    const fingerprint = ports.rules.fingerprint(document.refreshToken);
    if (document.own.spent.includes(standing.fingerprint) && fingerprint !== standing.fingerprint)
      later.push({ document, fingerprint });
  }
  // Of several the one whose token none of the others has spent.
  const newest = later.find(
    ({ fingerprint }) => !later.some(({ document }) => document.own.spent.includes(fingerprint)),
  );
  return newest?.document;
}

async function readDocument(
  ports: Rotation['ports'],
  name: string,
  versionId: string,
): Promise<ConnectionDocument | undefined> {
  try {
    const text = textOf((await ports.store.read(name, { versionId })).value);
    const parsed = text === undefined ? undefined : parseDocument(text, ports.rules.names, ports.clock.now());
    return parsed?.ok === true ? parsed.document : undefined;
  } catch (error) {
    if (hasCode(error, 'store_not_found')) return undefined;
    throw error;
  }
}

async function restore(
  rotation: Rotation,
  subject: Subject,
  successor: ConnectionDocument,
  limitMs: number,
): Promise<RotationReport> {
  const { ports, id } = rotation;
  const { sighting, standing } = subject;
  const name = ports.nameOf(id);
  const from = sighting.version.versionId;
  const versionId = uuidFrom(createHash('sha256').update(`${successor.own.attempt}|${from}`).digest(), 8);
  const { refreshToken } = successor;
  const text = changeDocument(
    standing.document,
    { ...(refreshToken === undefined ? {} : { refreshToken }), own: { ...successor.own, attempt: versionId, from } },
    ports.rules.names,
  );
  await within(ports.clock, limitMs, (signal) => ports.permits.writes(2, 'recovery', signal));
  await ports.store.put(name, {
    versionId,
    value: valueLike(sighting.version.value, new Secret(text)),
    stages: [stage.pending],
  });
  await ports.store.moveStage(name, { stage: stage.current, to: versionId, from });
  const now = ports.clock.now();
  const entry = {
    ...entryAfter(subject, now, { state: 'active', reason: 'none' }),
    seen: '',
    fingerprint: '',
    nextAt: now,
  };
  return report(rotation, 'rotated', 'none', {
    at: standing.at,
    versionOld: from,
    versionNew: versionId,
    foreign: 'restored_spent_token',
    entry,
  });
}
