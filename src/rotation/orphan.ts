/**
 * A version of ours that lost against somebody else's is never thrown away: it is kept under a label of its own, a few and
 * for a month, so that a human can bring its token back.
 */
import type { Clock } from '../runtime/clock.ts';
import { type SecretStore, stage } from './ports.ts';
import { orphanKeepMs, orphansMax } from './settings.ts';

/** Labels the version as an orphan, frees the pending label, and lets go of orphans too many or too old. */
export async function keepOrphan(
  name: string,
  versionId: string,
  attempt: string,
  ports: { store: SecretStore; clock: Clock },
): Promise<void> {
  const label = `${stage.orphanPrefix}${attempt.slice(0, 8)}`;
  const { stages } = await ports.store.describe(name);
  if (stages[versionId]?.includes(label) !== true) await ports.store.moveStage(name, { stage: label, to: versionId });
  if (stages[versionId]?.includes(stage.pending) === true)
    await ports.store.moveStage(name, { stage: stage.pending, from: versionId });
  await letGoOfOldOrphans(name, ports);
}

async function letGoOfOldOrphans(name: string, { store, clock }: { store: SecretStore; clock: Clock }): Promise<void> {
  const orphans = (await store.versions(name))
    .flatMap((version) =>
      version.stages.filter((label) => label.startsWith(stage.orphanPrefix)).map((label) => ({ ...version, label })),
    )
    .sort((a, b) => b.createdAt - a.createdAt);
  for (const [place, orphan] of orphans.entries()) {
    const keep = place < orphansMax && clock.now() - orphan.createdAt < orphanKeepMs;
    if (!keep) await store.moveStage(name, { stage: orphan.label, from: orphan.versionId });
  }
}
