/** Three worker processes under the account's write quota: how much of the limit they use together, and nothing throttled. */
import { startChild } from '../child.ts';
import { connectionId, provider } from '../connections.ts';
import { setStage } from '../stage.ts';
import type { Found, PartOptions } from './part.ts';
import { openScheduler, providerLatencyMs } from './rotations.ts';

/** What AWS allows an account per Region. */
const quotaPerSecond = 50;
const limitPerSecond = 45;
const workers = 3;
/** Left to the workers to fall into step, then measured for this long. */
const warmUpMs = 4_000;
const measuredMs = 20_000;

export async function measureWrites({ closers, say }: PartOptions): Promise<Found> {
  const stage = await setStage(closers, { providerLatencyMs, writeQuota: quotaPerSecond });
  // Two writes a rotation, and enough of them that the queue never runs dry.
  const count = Math.ceil((limitPerSecond * (warmUpMs + measuredMs)) / 2_000) + 200;
  await stage.world.ask('seedDue', { kind: 'due', count, managed: true });
  const tuning = { writesPerSecond: limitPerSecond };
  const { queues, deps, index } = await openScheduler(stage.service('scheduler', tuning), closers);
  await index();
  for (let number = 1; number <= workers; number++) {
    const input = stage.service(`worker-${number}`, tuning);
    const worker = await startChild('./worker.ts', { input, stdoutFile: `${stage.directory}/worker-${number}.log` });
    closers.push(`worker ${number}`, () => worker.stop());
  }
  await queues.add(
    provider,
    Array.from({ length: count }, (_, number) => ({ connection: connectionId('due', number), reason: 'due' })),
  );
  say(`${workers} workers at ${limitPerSecond} writes a second for ${(warmUpMs + measuredMs) / 1_000} s`);
  await deps.clock.sleep(warmUpMs);
  const before = await stage.counts();
  await deps.clock.sleep(measuredMs);
  const after = await stage.counts();
  const writesPerSecond = ((after.writes - before.writes) * 1_000) / (after.atMs - before.atMs);
  return {
    figures: {
      writesPerSecond,
      writesShareOfLimit: writesPerSecond / limitPerSecond,
      writesThrottled: after.writesThrottled,
    },
    details: { workers, quotaPerSecond, limitPerSecond },
  };
}
