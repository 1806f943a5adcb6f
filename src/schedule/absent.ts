/**
 * Which connections leave the index: those that two complete passes missed and that DescribeSecret says are gone or no
 * longer ours. Where many vanish at once it is more likely the list that is wrong: then none leaves, and on-call hears.
 */
import { createHash } from 'node:crypto';
import { hasCode } from '../runtime/errors.ts';
import type { InventoryMemory, InventoryPorts, InventoryResult } from './inventory.ts';
import type { SeenSet } from './seen-set.ts';

/** Absent connections remembered between two passes; where more are missing, none is removed anyway. */
const absentMax = 20_000;
const vanishedShareMax = 0.01;
/** With few connections 1 % is less than one: so many may always go. */
const vanishedAlways = 5;

export async function removeAbsent(
  ports: InventoryPorts,
  memory: InventoryMemory,
  seen: SeenSet,
): Promise<Pick<InventoryResult, 'removed' | 'missing' | 'heldBack'>> {
  const absent = new Set<string>();
  let missing = 0;
  let total = 0;
  for await (const page of ports.index.scan()) {
    total += page.length;
    for (const { id } of page) {
      if (seen.has(hashOf(id))) continue;
      missing += 1;
      if (absent.size < absentMax) absent.add(id);
    }
  }
  const twice = [...absent].filter((id) => memory.absent.has(id));
  memory.absent = absent;
  if (twice.length > 0 && missing > Math.max(total * vanishedShareMax, vanishedAlways)) {
    ports.log.error('inventory.too_many_missing', { missing, indexed: total });
    return { removed: 0, missing, heldBack: true };
  }
  let removed = 0;
  for (const id of twice) {
    if (!(await isGone(ports, id))) continue;
    await ports.index.remove([id]);
    absent.delete(id);
    missing -= 1;
    removed += 1;
    ports.log.info('connection.gone', { connection: id });
  }
  return { removed, missing, heldBack: false };
}

async function isGone({ store, nameOf, isManaged }: InventoryPorts, id: string): Promise<boolean> {
  try {
    const secret = await store.describe(nameOf(id));
    return secret.deletedAt !== undefined || !isManaged(secret);
  } catch (error) {
    return hasCode(error, 'store_not_found', 'store_deleted');
  }
}

/** 53 bits: two of a million connections share one with a chance of 1 in 18,000, and it would only keep a gone one longer. */
export function hashOf(id: string): number {
  const digest = createHash('sha256').update(id).digest();
  return digest.readUIntBE(0, 6) * 32 + ((digest[6] ?? 0) & 31);
}
