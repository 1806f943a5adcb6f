/**
 * The end of records whose connection is gone. While a deleted secret can be restored they wait for it, for a token in them
 * would be the only one; once the store knows nothing of it there is nothing they could still serve.
 */
import { hasCode } from '../runtime/errors.ts';
import { type Rotation, report } from './attempt.ts';
import type { RotationReport } from './outcome.ts';
import { goneKeepMs } from './settings.ts';

/**
 * Removes what has lain here for longer than anybody keeps a deleted secret, where the store knows nothing of it any more: a
 * service that looks into the wrong Region for some days must lose nothing by it. Answers what to tell of it; undefined
 * where there is nothing new. Throws what the store and Redis throw.
 */
export async function letGo(rotation: Rotation, gone: RotationReport): Promise<RotationReport | undefined> {
  const { ports, id } = rotation;
  const { records } = await ports.spool.openOf(id);
  const old = records.filter(({ intent }) => intent.startedAt + goneKeepMs <= ports.clock.now());
  const [first] = old;
  // The store has no place for it: nobody can hurry that.
  for (const record of records) record.setAside(true);
  if (first !== undefined && (await isGoneForGood(rotation))) {
    for (const record of old) await record.remove();
    const { provider, environment, client, host, attempt, startedAt, versionOld, fingerprintOld } = first.intent;
    const at = { provider, environment, client, host };
    return report(rotation, 'gone', 'none', { at, attempt, startedAt, versionOld, fingerprintOld });
  }
  // What the index does not know of it was said before, and recovery comes round twice a minute.
  return (await ports.index.get(id)) === undefined ? undefined : gone;
}

async function isGoneForGood({ id, ports }: Rotation): Promise<boolean> {
  try {
    await ports.store.describe(ports.nameOf(id));
    return false;
  } catch (error) {
    if (hasCode(error, 'store_not_found')) return true;
    throw error;
  }
}
