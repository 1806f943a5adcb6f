/** An inventory of secrets none of which has changed: one ListSecrets pass, no value read, and flat memory. */
import { startChild } from '../child.ts';
import { idleEntries } from '../connections.ts';
import type { Pass } from '../inventory-process.ts';
import { setStage } from '../stage.ts';
import { median, spreadOf } from '../stats.ts';
import type { Found, PartOptions } from './part.ts';
import { openScheduler } from './rotations.ts';

const sizes = { default: 100_000, long: 1_000_000 } as const;
/** Secrets on a page of ListSecrets. */
const pageSize = 100;
const passes = 3;

export async function measureInventory(options: PartOptions): Promise<Found> {
  const small = await measureSize(sizes.default, options);
  const found: Found = {
    figures: {
      inventoryListRequests: small.listRequests,
      inventoryMs: small.durationMs,
      inventoryRssGrowthMb: small.steadyGrowthMb,
    },
    spread: { inventoryMs: spreadOf(small.all.map(({ durationMs }) => durationMs)) },
    details: {
      secrets: sizes.default,
      firstPassRssGrowthMb: small.firstGrowthMb,
      rssMb: small.all.map(({ rssMb }) => rssMb),
    },
  };
  if (!options.long) return found;
  const large = await measureSize(sizes.long, options);
  return {
    ...found,
    figures: {
      ...found.figures,
      inventoryListRequestsAtMillion: large.listRequests,
      inventoryMsAtMillion: large.durationMs,
      inventoryRssGrowthMbAtMillion: large.steadyGrowthMb,
    },
    details: {
      ...found.details,
      firstPassRssGrowthMbAtMillion: large.firstGrowthMb,
      rssMbAtMillion: large.all.map(({ rssMb }) => rssMb),
    },
  };
}

async function measureSize(secrets: number, { closers, say }: PartOptions) {
  const stage = await setStage(closers, { providerLatencyMs: 0 });
  say(`seeding and indexing ${secrets} secrets`);
  await stage.world.ask('seedUnchanged', { kind: 'idle', count: secrets });
  const input = stage.service('scheduler');
  const { services, deps } = await openScheduler(input, closers);
  for (const batch of idleEntries('idle', secrets, deps.clock.now())) await services.index.put(batch);

  const child = await startChild('./inventory-process.ts', { input });
  closers.push('inventory', () => child.stop());
  const all: Pass[] = [];
  let listRequests = 0;
  for (let number = 1; number <= passes; number++) {
    const before = await stage.counts();
    const pass = await child.ask<Pass>('pass');
    const after = await stage.counts();
    listRequests = after.listRequests - before.listRequests;
    if (pass.seen !== secrets || pass.changed > 0 || after.valueReads > before.valueReads)
      throw new Error(`an inventory without changes saw ${pass.seen} and changed ${pass.changed}`);
    if (listRequests !== secrets / pageSize) throw new Error(`${listRequests} list requests are not one pass`);
    say(`pass ${number}: ${Math.round(pass.durationMs)} ms, ${Math.round(pass.rssMb.most)} MB at most`);
    all.push(pass);
  }
  const [first, ...later] = all;
  const base = first?.rssMb.after ?? Number.NaN;
  return {
    all,
    listRequests,
    durationMs: median(all.map(({ durationMs }) => durationMs)),
    firstGrowthMb: (first?.rssMb.most ?? Number.NaN) - (first?.rssMb.before ?? Number.NaN),
    // A process that has warmed up must not grow from pass to pass.
    steadyGrowthMb: Math.max(...later.map(({ rssMb }) => rssMb.most)) - base,
  };
}
