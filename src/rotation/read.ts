/** Step 3: the secret as it is now, and what makes it unusable said as an outcome. */
import type { IndexEntry } from '../connection/entry.ts';
import { entryOf, judge, sightingOf } from '../connection/standing.ts';
import { hasCode } from '../runtime/errors.ts';
import { type Rotation, report, type Subject } from './attempt.ts';
import type { RotationReport } from './outcome.ts';
import { type SecretDescription, type SecretVersion, stage } from './ports.ts';
import { writeFlag } from './refused-grant.ts';

export async function readSubject(
  rotation: Rotation,
  known: IndexEntry | undefined,
): Promise<{ subject: Subject } | { report: RotationReport }> {
  const { id, ports } = rotation;
  const name = ports.nameOf(id);
  let description: SecretDescription;
  let version: SecretVersion;
  try {
    description = await ports.store.describe(name);
    if (description.deletedAt !== undefined) return { report: report(rotation, 'gone', 'none', { at: known?.at }) };
    version = await ports.store.read(name, { stage: stage.current });
  } catch (error) {
    return { report: await unreadable(rotation, known, error) };
  }
  const sighting = sightingOf(id, description, version, known);
  const now = ports.clock.now();
  const standing = judge(sighting, ports.rules, now);
  if (standing.usable) return { subject: { sighting, standing, known } };
  const entry = entryOf(sighting, standing, now);
  if (standing.reason !== 'refresh_token_missing') {
    return { report: report(rotation, 'quarantined', standing.reason, { at: standing.at, entry }) };
  }
  // Nothing to post: only a new consent brings a token. Posting nothing would count as a failed authentication.
  const flagged = await writeFlag(rotation, { sighting }, 'refresh_token_missing', now);
  if (flagged !== undefined) return { report: report(rotation, 'retryLater', flagged, { at: standing.at, entry }) };
  return {
    report: report(rotation, 'needsConsent', 'refresh_token_missing', {
      at: standing.at,
      entry: { ...entry, nextAt: null, seen: '' },
    }),
  };
}

/** A secret without AWSCURRENT is not a secret that is gone, and one we may not read is neither. */
async function unreadable(rotation: Rotation, known: IndexEntry | undefined, error: unknown): Promise<RotationReport> {
  const { id, ports } = rotation;
  const at = known?.at;
  if (hasCode(error, 'store_deleted')) return report(rotation, 'gone', 'none', { at });
  if (!hasCode(error, 'store_not_found')) throw error;
  try {
    await ports.store.describe(ports.nameOf(id));
  } catch (again) {
    if (hasCode(again, 'store_not_found', 'store_deleted')) return report(rotation, 'gone', 'none', { at });
    throw again;
  }
  const now = ports.clock.now();
  const entry =
    known === undefined
      ? undefined
      : {
          ...known,
          state: 'invalid' as const,
          reason: 'no_current_version' as const,
          since: now,
          nextAt: now + 3_600_000,
        };
  return report(rotation, 'quarantined', 'no_current_version', { at, entry });
}
