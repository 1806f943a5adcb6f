/**
 * A spent token that is current again: an application read the document before our rotation and wrote it back after, or a
 * person moved AWSCURRENT back. The live token lies in another version. The spent one is never posted; the live one is put
 * into their document.
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
  // A version we wrote ourselves holds what we meant, unless we wrote another one after it.
  if (own.attempt === sighting.version.versionId && !wroteAnother(sighting)) return undefined;
  const others = await readOthers(rotation, subject);
  const overtaker = overtakerOf(standing.document, standing.fingerprint, others);
  const successor = successorOf(standing.fingerprint, own.spent, others) ?? overtaker;
  const spent = own.spent.includes(standing.fingerprint) || others.some(spends(standing.fingerprint));
  if (!spent && overtaker === undefined) return undefined;
  if (successor === undefined) {
    const now = rotation.ports.clock.now();
    const entry = entryAfter(subject, now, { state: 'invalid', reason: 'token_spent', nextAt: now + 3_600_000 });
    return report(rotation, 'quarantined', 'token_spent', { at: standing.at, foreign: 'restored_spent_token', entry });
  }
  return restore(rotation, subject, successor, limitMs);
}

/** Another version that still has a label, and the token it holds. */
export interface Other {
  readonly document: ConnectionDocument;
  readonly fingerprint: string;
  /** Its token lost against somebody else's: it says nothing of what came after. */
  readonly isOrphan: boolean;
}

const isOrphanLabel = (label: string) => label.startsWith(stage.orphanPrefix);

/** Our pending label stays on what we wrote last; an orphan was written too. */
function wroteAnother({ stages, version }: Subject['sighting']): boolean {
  return Object.entries(stages).some(
    ([versionId, labels]) =>
      versionId !== version.versionId && labels.some((label) => label === stage.pending || isOrphanLabel(label)),
  );
}

async function readOthers({ ports, id }: Rotation, { sighting }: Subject): Promise<Other[]> {
  const others: Other[] = [];
  for (const [versionId, labels] of Object.entries(sighting.stages)) {
    const isOrphan = labels.some(isOrphanLabel);
    const mayHoldIt = isOrphan || labels.includes(stage.previous) || labels.includes(stage.pending);
    if (versionId === sighting.version.versionId || !mayHoldIt) continue;
    const document = await readDocument(ports, ports.nameOf(id), versionId);
    if (document?.refreshToken === undefined) continue;
    others.push({ document, fingerprint: ports.rules.fingerprint(document.refreshToken), isOrphan });
  }
  return others;
}

const spends = (fingerprint: string) => (other: Other) => other.document.own.spent.includes(fingerprint);
/** Made by us, and it lost against nobody. */
const isOurs = ({ document, fingerprint, isOrphan }: Other) => !isOrphan && document.own.token === fingerprint;

/**
 * Whose token came after the current one, where any other version says that this is spent: one that none of them has spent.
 * Of several the one last vouched for, so that a newer consent counts for more than what an earlier grant left behind.
 */
export function successorOf(current: string, spent: readonly string[], others: readonly Other[]): Other | undefined {
  const naming = others.filter(spends(current));
  const namedAt = Math.max(...naming.map(vouchedAt));
  const [newest] = others
    .filter((other) => naming.includes(other) || (naming.length > 0 && vouchedAt(other) > namedAt))
    .filter(({ fingerprint }) => fingerprint !== current && !spent.includes(fingerprint))
    .filter(({ fingerprint }) => !others.some(spends(fingerprint)))
    .sort((a, b) => vouchedAt(b) - vouchedAt(a));
  return newest;
}

/**
 * An application refreshed a token that we have spent as well, and wrote so late that ours had been renewed meanwhile: the
 * provider gave ours after theirs. Only where its document says itself when it was refreshed, after what it was made from.
 */
export function overtakerOf(
  { own, consentedAt = 0, refreshedAt = 0 }: ConnectionDocument,
  current: string,
  others: readonly Other[],
): Other | undefined {
  const { token, extendedAt } = own;
  if (token === undefined || token === current || extendedAt === undefined || refreshedAt <= extendedAt)
    return undefined;
  return others.find(
    (other) =>
      isOurs(other) &&
      spends(token)(other) &&
      (other.document.refreshedAt ?? 0) > refreshedAt &&
      (other.document.consentedAt ?? 0) >= consentedAt &&
      !others.some(spends(other.fingerprint)),
  );
}

/** The last instant at which its token is known to have come from the provider: by consent, or by a refresh of ours. */
function vouchedAt(other: Other): number {
  const { consentedAt = 0, refreshedAt = 0 } = other.document;
  return isOurs(other) ? Math.max(consentedAt, refreshedAt) : consentedAt;
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
  successor: Other,
  limitMs: number,
): Promise<RotationReport> {
  const { ports, id } = rotation;
  const { sighting, standing } = subject;
  const name = ports.nameOf(id);
  const from = sighting.version.versionId;
  const versionId = uuidFrom(createHash('sha256').update(`${successor.fingerprint}|${from}`).digest(), 8);
  const { refreshToken, own } = successor.document;
  // A consent that came since does not name it.
  const spent = own.spent.includes(standing.fingerprint) ? own.spent : [...own.spent, standing.fingerprint];
  const text = changeDocument(
    standing.document,
    { ...(refreshToken === undefined ? {} : { refreshToken }), own: { ...own, spent, attempt: versionId, from } },
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
