/**
 * What is left in the spool when the world has come to rest: each record with where its connection stands, and whether there
 * is a reason for it to lie there still. Whether is pure.
 */
import type { IndexEntry } from '../../src/connection/entry.ts';
import type { SpoolItem } from '../../src/rotation/ports.ts';
import { rotationPorts, spoolParts } from '../../src/rotation-parts.ts';
import type { Services } from '../../src/services.ts';
import { visitingSpool } from '../../src/spool/visiting.ts';

export interface LeftRecord {
  readonly connection: string;
  readonly state: SpoolItem['state'];
  readonly where: SpoolItem['where'];
  readonly unanswered: number;
  /** Calendar instant its rotation began. */
  readonly startedAt: number;
  /** What the index says of the connection; `unknown` where it knows of none. */
  readonly stands: IndexEntry['state'] | 'unknown';
  readonly reason: IndexEntry['reason'] | 'unknown';
  readonly nextAt: number | null;
  /** The token it asks about is the one the connection holds still. */
  readonly sameToken: boolean;
}

/** Reads the folder and the mirror beside the service itself. */
export async function readLeft(services: Services): Promise<readonly LeftRecord[]> {
  const parts = await spoolParts(services.config, services);
  const spool = visitingSpool({ ...parts, clock: services.deps.clock });
  try {
    const { index } = rotationPorts(services, spool);
    const { items } = await spool.survey();
    return await Promise.all(
      items.map(async ({ connection = '', state, where, unanswered = 0, startedAt = 0, fingerprintOld }) => {
        const entry = connection === '' ? undefined : await index.get(connection);
        return {
          connection,
          state,
          where,
          unanswered,
          startedAt,
          stands: entry?.state ?? ('unknown' as const),
          reason: entry?.reason ?? ('unknown' as const),
          nextAt: entry?.nextAt ?? null,
          sameToken: entry !== undefined && entry.fingerprint === fingerprintOld,
        };
      }),
    );
  } finally {
    await parts.files.close();
  }
}

const dayMs = 86_400_000;
/** Longest a record of a connection that is gone may lie: as long as its secret could be restored, and some looks more. */
const goneMsMax = 40 * dayMs;

/**
 * Why a record is left that should not be, in words; undefined where it may be. A request without an answer is remembered
 * until the same token may be tried again or a person has looked; an answer nobody understands is kept for a person; what
 * belongs to a customer who left waits until their secret cannot be restored. Anything else is finished with, or lost.
 */
export function needless(record: LeftRecord, isCustomer: boolean, now: number): string | undefined {
  const { connection, state, stands, reason, nextAt, startedAt, sameToken } = record;
  const days = ((now - startedAt) / dayMs).toFixed(1);
  const words = `a record of ${connection} is left after ${days} days: ${state}, ${stands}, ${reason}`;
  if (!isCustomer) return now - startedAt > goneMsMax ? `${words}, its customer long gone` : undefined;
  if (state !== 'unreadable' && stands === 'quarantined') return undefined;
  const remembered = sameToken && reason === 'unknown_outcome' && (nextAt === null || nextAt > now - dayMs);
  return remembered ? undefined : words;
}

/** How many are left of each kind, as `state, where its connection stands`. */
export function kindsOf(left: readonly LeftRecord[]): Readonly<Record<string, number>> {
  const kinds: Record<string, number> = {};
  for (const { state, stands, reason } of left) {
    const kind = stands === 'unknown' ? `${state}, connection gone` : `${state}, ${stands}, ${reason}`;
    kinds[kind] = (kinds[kind] ?? 0) + 1;
  }
  return kinds;
}
